/* SPDX-License-Identifier: GPL-2.0 */
/* The spinlock and the processor number that both sides use. */
#ifndef BENCH_LOCK_H
#define BENCH_LOCK_H

#ifdef __cplusplus
extern "C" {
#endif

void bench_lock_acquire(unsigned int *taken);
void bench_lock_release(unsigned int *taken);
/* Each thread sets its own. */
extern __thread unsigned int bench_cpu;

#ifdef __cplusplus
}
#endif

#endif /* BENCH_LOCK_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A stock grant table of our own making. The program holds two: the one that is
 * measured, and, with every name prefixed by lender_, the one from which xengnt
 * leases as it does from the kernel's.
 */
#ifndef BENCH_STOCK_H
#define BENCH_STOCK_H

#ifdef __cplusplus
extern "C" {
#endif

/* Starts over with one frame of 512 references, to grow to @frames. */
void stock_start(unsigned int frames);
/* The shared frame. */
void *stock_frame(unsigned int index);
/* What the timer of the deferred ends does each second: looks at up to ten. */
void stock_deferred_work(void);

void lender_stock_start(unsigned int frames);
void *lender_stock_frame(unsigned int index);

#ifdef __cplusplus
}
#endif

#endif /* BENCH_STOCK_H */

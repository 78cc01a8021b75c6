/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Instructions executed while a lock is held, as a program built with
 * count-instructions.py counts them. In the kernel interrupts are off for as
 * long. One thread only.
 */
#ifndef BENCH_COUNT_H
#define BENCH_COUNT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct count_result {
	uint64_t sections;
	uint64_t in_sections; /* instructions in all of them */
	uint64_t longest;
	uint64_t instructions; /* executed at all, in the code that counts */
};

void count_section_begins(void);
void count_section_ends(void);
void count_start(void);
struct count_result count_read(void);

#ifdef __cplusplus
}
#endif

#endif /* BENCH_COUNT_H */

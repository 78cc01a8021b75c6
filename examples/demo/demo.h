/* SPDX-License-Identifier: GPL-2.0 */
/* What the two sides of the demo agree on. */
#ifndef XENGNT_DEMO_H
#define XENGNT_DEMO_H

#ifndef __KERNEL__
#include <stdint.h>
typedef uint64_t u64;
#endif

#define DEMO_PAGES	64
#define DEMO_PAGE_SIZE	4096
#define DEMO_DIR	"data/xengnt-demo"

/* Every 8 bytes of every page differ, in the question and in the answer. */
#define DEMO_QUESTION	0x5845474e54000000ull
#define DEMO_ANSWER	0xa7bab8b1ab000000ull
#define DEMO_WORDS	(DEMO_PAGE_SIZE / sizeof(u64))

static inline u64 demo_word(unsigned int page, unsigned int word, u64 kind)
{
	return (kind | page << 16 | word) * 0x9e3779b97f4a7c15ull;
}

static inline void demo_fill(void *at, unsigned int page, u64 kind)
{
	u64 *words = at;
	unsigned int i;

	for (i = 0; i < DEMO_WORDS; i++)
		words[i] = demo_word(page, i, kind);
}

/* 1 when every byte of the page is as filled, else 0. */
static inline unsigned int demo_check(const void *at, unsigned int page, u64 kind)
{
	const volatile u64 *words = at;
	unsigned int i;

	for (i = 0; i < DEMO_WORDS; i++)
		if (words[i] != demo_word(page, i, kind))
			return 0;
	return 1;
}

#endif

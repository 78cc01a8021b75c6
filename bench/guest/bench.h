/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of the benchmark module share. */
#ifndef BENCH_REFS_H
#define BENCH_REFS_H

#include <linux/types.h>
#include <xen/grant_table.h>

#define ROUNDS 9

/* References that a side holds, to make the table what a row asks for. */
struct fill {
	grant_ref_t *ref;
	unsigned int nr;
};

/*
 * The works of one side. Each does its work @n times and returns 0, or an error
 * when the side refused what it must be able to do. Called once per batch, so
 * that the call through a pointer costs nothing.
 */
struct works {
	int (*one)(unsigned int n);
	int (*ones_256)(unsigned int n);
	int (*grant_end)(unsigned int n);
	int (*list_untouched_32)(unsigned int n);
	int (*list_untouched_256)(unsigned int n);
	int (*list_32)(unsigned int n);
	int (*list_256)(unsigned int n);
	int (*claim_release)(unsigned int n);
	int (*packet)(unsigned int n);
	int (*request)(unsigned int n);
	int (*claimed)(unsigned int n);
	int (*sequence_16)(unsigned int n);

	/* Allocates up to @most references, one by one. */
	void (*fill)(struct fill *fill, unsigned int most);
	/* Frees every second of the @nr lowest, and 64 in the middle; keeps the rest. */
	void (*spread)(struct fill *fill, unsigned int nr);
	void (*empty)(struct fill *fill);
	/* @operations random ones, and frees what they left. */
	int (*life)(unsigned int operations, u32 seed);

	int (*grant)(domid_t domid, unsigned long frame, int readonly);
	void (*end)(grant_ref_t ref, struct page *page);

	/* In a PV dom0 only: between the first two the others may be called. */
	int (*backend_start)(void);
	void (*backend_stop)(void);
	int (*map_unmap_32)(unsigned int n);
	int (*copy_32)(unsigned int n);
	int (*page_cache)(unsigned int n);
};

extern const struct works stock_works, xengnt_works;

/* The order in which a touched list is released; main.c shuffles it. */
extern u16 bench_order[256];

int bench_by_size(const void *a, const void *b);
u64 bench_median(u64 *values, unsigned int nr);
void bench_print(const char *name, u64 stock_ps, u64 xengnt_ps);

/* The longest section with interrupts off, both tables fragmented; longest.c. */
int bench_longest(void);
/* Random operations call this before each. */
void bench_operation(void);
/* Grants that stay mapped after their end; deferred.c. */
int bench_deferred(void);

#endif /* BENCH_REFS_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The works, for the side that API() names: included once by each, so that both
 * run the same source with direct calls.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "bench.h"

static int one(unsigned int n)
{
	grant_ref_t ref;

	while (n--) {
		if (API(alloc_grant_reference_seq)(1, &ref))
			return -ENOSPC;
		API(free_grant_reference)(ref);
	}
	return 0;
}

/* More at once than a CPU's cache holds. */
static int ones_256(unsigned int n)
{
	static grant_ref_t ref[256];
	unsigned int i;

	while (n--) {
		for (i = 0; i < ARRAY_SIZE(ref); i++)
			if (API(alloc_grant_reference_seq)(1, &ref[i]))
				return -ENOSPC;
		for (i = 0; i < ARRAY_SIZE(ref); i++)
			API(free_grant_reference)(ref[i]);
	}
	return 0;
}

static int grant_end(unsigned int n)
{
	int ref;

	while (n--) {
		ref = API(grant_foreign_access)(0, 0x1234, 0);
		if (ref < 0 || API(try_end_foreign_access)(ref) != 1)
			return -EIO;
	}
	return 0;
}

static __always_inline int list_untouched(u16 count, unsigned int n)
{
	grant_ref_t head;

	while (n--) {
		if (API(alloc_grant_references)(count, &head))
			return -ENOSPC;
		API(free_grant_references)(head);
	}
	return 0;
}

/* What a driver does with a list: all claimed, all released in an order of their own. */
static __always_inline int list(u16 count, unsigned int n)
{
	static grant_ref_t ref[256];
	grant_ref_t head;
	unsigned int i;

	while (n--) {
		if (API(alloc_grant_references)(count, &head))
			return -ENOSPC;
		for (i = 0; i < count; i++)
			ref[i] = API(claim_grant_reference)(&head);
		for (i = 0; i < ARRAY_SIZE(ref); i++)
			if (bench_order[i] < count)
				API(release_grant_reference)(&head, ref[bench_order[i]]);
		API(free_grant_references)(head);
	}
	return 0;
}

static int list_untouched_32(unsigned int n) { return list_untouched(32, n); }
static int list_untouched_256(unsigned int n) { return list_untouched(256, n); }
static int list_32(unsigned int n) { return list(32, n); }
static int list_256(unsigned int n) { return list(256, n); }

/* A driver's ring: of a list of 256, 32 are in flight. */
static int claim_release(unsigned int n)
{
	grant_ref_t ref[32], head, done;
	unsigned int i;

	if (API(alloc_grant_references)(256, &head))
		return -ENOSPC;
	for (i = 0; i < ARRAY_SIZE(ref); i++)
		ref[i] = API(claim_grant_reference)(&head);
	for (i = 0; i < n; i++) {
		done = ref[i % ARRAY_SIZE(ref)];
		ref[i % ARRAY_SIZE(ref)] = API(claim_grant_reference)(&head);
		API(release_grant_reference)(&head, done);
	}
	for (i = 0; i < ARRAY_SIZE(ref); i++)
		API(release_grant_reference)(&head, ref[i]);
	API(free_grant_references)(head);
	return 0;
}

static int sequence_16(unsigned int n)
{
	grant_ref_t first;

	while (n--) {
		if (API(alloc_grant_reference_seq)(16, &first))
			return -ENOSPC;
		API(free_grant_reference_seq)(first, 16);
	}
	return 0;
}

/* --- a table in use ----------------------------------------------------- */

static void fill(struct fill *fill, unsigned int most)
{
	while (fill->nr < most && !API(alloc_grant_reference_seq)(1, &fill->ref[fill->nr]))
		if (++fill->nr % 1024 == 0)
			cond_resched();
}

static int by_number(const void *a, const void *b)
{
	return *(const u32 *)a < *(const u32 *)b ? -1 : 1;
}

static void spread(struct fill *fill, unsigned int nr)
{
	unsigned int i, kept = 0;

	sort(fill->ref, fill->nr, sizeof(fill->ref[0]), by_number, NULL);
	for (i = 0; i < fill->nr; i++) {
		if (i < nr && (i % 2 || (i >= nr / 2 && i < nr / 2 + 64)))
			API(free_grant_reference)(fill->ref[i]);
		else
			fill->ref[kept++] = fill->ref[i];
	}
	fill->nr = kept;
}

static void empty(struct fill *fill)
{
	while (fill->nr)
		API(free_grant_reference)(fill->ref[--fill->nr]);
}

/* --- random operations ---------------------------------------------------- */

#define HELD 512

struct held {
	grant_ref_t ref[HELD];
	u16 count[HELD]; /* of sequences */
	unsigned int nr;
};

static struct held *held; /* ones, granted, lists, sequences */
static u32 random_state;

static u32 random(void)
{
	/* Xorshift: the same numbers on both sides, at little cost. */
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

/* Most are small; one in 16 is up to 16 times as large. */
static unsigned int size(unsigned int most)
{
	return 1 + random() % (random() >> 28 ? most : 16 * most);
}

static void hold(struct held *h, grant_ref_t ref, u16 count)
{
	h->ref[h->nr] = ref;
	h->count[h->nr++] = count;
}

static void allocate_any(unsigned int what)
{
	unsigned int count = 1;
	grant_ref_t ref;
	int granted;

	if (held[what].nr == HELD)
		return;
	switch (what) {
	case 0:
		if (!API(alloc_grant_reference_seq)(1, &ref))
			hold(&held[what], ref, 1);
		break;
	case 1:
		granted = API(grant_foreign_access)(0, 0x1234, 0);
		if (granted >= 0)
			hold(&held[what], granted, 1);
		break;
	case 2:
		count = size(64);
		if (!API(alloc_grant_references)(count, &ref))
			hold(&held[what], ref, count);
		break;
	case 3:
		count = 1 + size(16);
		if (!API(alloc_grant_reference_seq)(count, &ref))
			hold(&held[what], ref, count);
		break;
	}
}

static void free_any(unsigned int what, unsigned int which)
{
	struct held *h = &held[what];
	grant_ref_t ref;
	u16 count;

	if (!h->nr)
		return;
	which %= h->nr;
	ref = h->ref[which];
	count = h->count[which];
	h->nr--;
	h->ref[which] = h->ref[h->nr];
	h->count[which] = h->count[h->nr];
	switch (what) {
	case 0:
		API(free_grant_reference)(ref);
		break;
	case 1:
		API(try_end_foreign_access)(ref);
		break;
	case 2:
		API(free_grant_references)(ref);
		break;
	case 3:
		API(free_grant_reference_seq)(ref, count);
		break;
	}
}

static int life(unsigned int operations, u32 seed)
{
	unsigned int what;
	u32 r;

	held = kvcalloc(4, sizeof(*held), GFP_KERNEL);
	if (!held)
		return -ENOMEM;
	random_state = seed;
	while (operations--) {
		bench_operation();
		r = random();
		what = (r & 15) < 7 ? 0 : (r & 15) < 11 ? 1 : (r & 15) < 15 ? 2 : 3;
		if (r & 16)
			allocate_any(what);
		else
			free_any(what, r >> 8);
		cond_resched();
	}
	for (what = 0; what < 4; what++)
		while (held[what].nr)
			free_any(what, 0);
	kvfree(held);
	return 0;
}

const struct works SIDE = {
	.one = one,
	.ones_256 = ones_256,
	.grant_end = grant_end,
	.list_untouched_32 = list_untouched_32,
	.list_untouched_256 = list_untouched_256,
	.list_32 = list_32,
	.list_256 = list_256,
	.claim_release = claim_release,
	.sequence_16 = sequence_16,
	.fill = fill,
	.spread = spread,
	.empty = empty,
	.life = life,
	.grant = API(grant_foreign_access),
	.end = API(end_foreign_access),
};

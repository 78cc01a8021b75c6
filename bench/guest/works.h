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
#include "works_backend.h"

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

#define IN_FLIGHT 32

static int end_and_release(grant_ref_t *head, grant_ref_t ref)
{
	if (API(end_foreign_access_ref)(ref) != 1)
		return -EIO;
	API(release_grant_reference)(head, ref);
	return 0;
}

static grant_ref_t claim_and_grant(grant_ref_t *head)
{
	grant_ref_t ref = API(claim_grant_reference)(head);

	API(grant_foreign_access_ref)(ref, 0, 0x1234, 0);
	return ref;
}

/* netfront's ring: of a list of 256, 32 are granted; each packet grants one and ends one. */
static int packet(unsigned int n)
{
	grant_ref_t ref[IN_FLIGHT], head;
	unsigned int i;
	int err = 0;

	if (API(alloc_grant_references)(256, &head))
		return -ENOSPC;
	for (i = 0; i < IN_FLIGHT; i++)
		ref[i] = claim_and_grant(&head);
	for (i = 0; i < n; i++) {
		grant_ref_t done = ref[i % IN_FLIGHT];

		ref[i % IN_FLIGHT] = claim_and_grant(&head);
		if (end_and_release(&head, done))
			return -EIO;
	}
	for (i = 0; i < IN_FLIGHT; i++)
		err = err ?: end_and_release(&head, ref[i]);
	API(free_grant_references)(head);
	return err;
}

/* blkfront's request: 11 segments granted, then ended in another order. */
static int request(unsigned int n)
{
	grant_ref_t ref[11], head;
	unsigned int i;
	int err = 0;

	if (API(alloc_grant_references)(352, &head))
		return -ENOSPC;
	while (n-- && !err) {
		for (i = 0; i < ARRAY_SIZE(ref); i++)
			ref[i] = claim_and_grant(&head);
		for (i = 0; i < ARRAY_SIZE(ref); i++)
			err = err ?: end_and_release(&head, ref[i * 7 % ARRAY_SIZE(ref)]);
	}
	API(free_grant_references)(head);
	return err;
}

static int claimed(unsigned int n)
{
	grant_ref_t ref;

	if (API(alloc_grant_reference_seq)(1, &ref))
		return -ENOSPC;
	while (n--) {
		API(grant_foreign_access_ref)(ref, 0, 0x1234, 0);
		if (API(end_foreign_access_ref)(ref) != 1)
			return -EIO;
	}
	API(free_grant_reference)(ref);
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
	.packet = packet,
	.request = request,
	.claimed = claimed,
	.sequence_16 = sequence_16,
	.fill = fill,
	.spread = spread,
	.empty = empty,
	.life = life,
	.grant = API(grant_foreign_access),
	.end = API(end_foreign_access),
	.backend_start = backend_start,
	.backend_stop = backend_stop,
	.map_unmap_32 = map_unmap_32,
	.copy_32 = copy_32,
	.page_cache = page_cache,
};

// SPDX-License-Identifier: GPL-2.0
/* References in a real guest: single, lists, sequences, exhaustion, callbacks. */
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/workqueue.h>
#include <linux/delay.h>
#include <xen/grant_table.h>

#include "ktap.h"

#define LIST 1000
#define MAX_LISTS 4096

static const char *single_refs_differ(void)
{
	grant_ref_t ref[64];
	int i, j;

	for (i = 0; i < 64; i++) {
		EXPECT(!gnttab_alloc_grant_reference_seq(1, &ref[i]));
		EXPECT(ref[i] >= 8);
		for (j = 0; j < i; j++)
			EXPECT(ref[i] != ref[j]);
	}
	for (i = 0; i < 64; i++)
		gnttab_free_grant_reference(ref[i]);
	return NULL;
}

static const char *list_is_claimed_to_its_end(void)
{
	static const u16 counts[] = { 1, 2, 31, 32, 33, 64, 100, 256, LIST };
	unsigned int c, i;

	for (c = 0; c < ARRAY_SIZE(counts); c++) {
		grant_ref_t head, back = INVALID_GRANT_REF;
		int ref;

		EXPECT(!gnttab_alloc_grant_references(counts[c], &head));
		for (i = 0; i < counts[c]; i++) {
			EXPECT(!gnttab_empty_grant_references(&head));
			ref = gnttab_claim_grant_reference(&head);
			EXPECT(ref >= 8);
			gnttab_release_grant_reference(&back, ref);
		}
		EXPECT(gnttab_empty_grant_references(&head));
		EXPECT(gnttab_claim_grant_reference(&head) == -ENOSPC);
		gnttab_free_grant_references(head);
		gnttab_free_grant_references(back);
	}
	return NULL;
}

static const char *list_of_none(void)
{
	grant_ref_t head = 17;

	EXPECT(!gnttab_alloc_grant_references(0, &head));
	EXPECT(gnttab_empty_grant_references(&head));
	gnttab_free_grant_references(head);
	return NULL;
}

static const char *released_ref_is_claimed_next(void)
{
	grant_ref_t head;
	int a, b;

	EXPECT(!gnttab_alloc_grant_references(3, &head));
	a = gnttab_claim_grant_reference(&head);
	b = gnttab_claim_grant_reference(&head);
	gnttab_release_grant_reference(&head, a);
	EXPECT(gnttab_claim_grant_reference(&head) == a);
	gnttab_release_grant_reference(&head, b);
	gnttab_release_grant_reference(&head, a);
	EXPECT(gnttab_claim_grant_reference(&head) == a);
	EXPECT(gnttab_claim_grant_reference(&head) == b);
	gnttab_free_grant_reference(a);
	gnttab_free_grant_reference(b);
	gnttab_free_grant_references(head);
	return NULL;
}

static const char *sequences_are_consecutive(void)
{
	static const unsigned int counts[] = { 1, 2, 16, 63, 64, 65, 511, 512, 513, 600 };
	grant_ref_t first, again;
	unsigned int c;

	for (c = 0; c < ARRAY_SIZE(counts); c++) {
		/* Two of the long ones do not fit into a small table, of version 2 at the least. */
		if (2 * counts[c] + 128 > gnttab_max_grant_frames() * 256)
			break;
		EXPECT(!gnttab_alloc_grant_reference_seq(counts[c], &first));
		/* Nobody else has any of them. */
		EXPECT(!gnttab_alloc_grant_reference_seq(counts[c], &again));
		EXPECT(again + counts[c] <= first || first + counts[c] <= again);
		gnttab_free_grant_reference_seq(first, counts[c]);
		gnttab_free_grant_reference_seq(again, counts[c]);
	}
	return NULL;
}

static const char *sequence_beyond_the_table(void)
{
	unsigned int table = gnttab_max_grant_frames() * 512;
	grant_ref_t first = 17;

	EXPECT(gnttab_alloc_grant_reference_seq(table, &first) == -ENOSPC);
	EXPECT(gnttab_alloc_grant_reference_seq(table + 1, &first) == -ENOSPC);
	EXPECT(gnttab_alloc_grant_reference_seq(~0u, &first) == -ENOSPC);
	EXPECT(first == 17);
	return NULL;
}

static const char *any_mix_is_freed_in_any_order(void)
{
	grant_ref_t head, seq, single, ref;
	int i;

	EXPECT(!gnttab_alloc_grant_references(40, &head));
	EXPECT(!gnttab_alloc_grant_reference_seq(40, &seq));
	EXPECT(!gnttab_alloc_grant_reference_seq(1, &single));
	for (i = 39; i >= 0; i -= 2)
		gnttab_free_grant_reference(seq + i);
	gnttab_release_grant_reference(&head, single);
	for (i = 38; i >= 0; i -= 2)
		gnttab_release_grant_reference(&head, seq + i);
	for (i = 0; i < 10; i++) {
		ref = gnttab_claim_grant_reference(&head);
		gnttab_free_grant_reference(ref);
	}
	gnttab_free_grant_references(head);
	gnttab_free_grant_reference(3); /* Xen's own: ignored */
	return NULL;
}

static grant_ref_t *lists;
static unsigned int nr_lists;
static u64 taken;

static void take_everything(void)
{
	u16 count = LIST;

	for (nr_lists = 0, taken = 0; count && nr_lists < MAX_LISTS;) {
		cond_resched(); /* a large table takes a while */
		if (gnttab_alloc_grant_references(count, &lists[nr_lists])) {
			count /= 2;
			continue;
		}
		nr_lists++;
		taken += count;
	}
}

static void free_everything(void)
{
	while (nr_lists) {
		gnttab_free_grant_references(lists[--nr_lists]);
		cond_resched();
	}
}

static const char *exhausted_then_whole_again(void)
{
	grant_ref_t head, first;
	u64 before;

	take_everything();
	before = taken;
	if (gnttab_alloc_grant_references(1, &head) != -ENOSPC ||
	    gnttab_alloc_grant_reference_seq(1, &first) != -ENOSPC ||
	    gnttab_grant_foreign_access(0, 1, 0) != -ENOSPC) {
		free_everything();
		return "more than everything was allocated";
	}
	free_everything();
	take_everything();
	free_everything();
	EXPECT(before > min(1000U, gnttab_max_grant_frames() * 128));
	/* Drivers elsewhere may have taken or freed a few meanwhile. */
	EXPECT(taken + 64 > before && before + 64 > taken);
	EXPECT(!gnttab_alloc_grant_reference_seq(100, &first));
	gnttab_free_grant_reference_seq(first, 100);
	return NULL;
}

static char calls[16];
static unsigned int nr_calls;
static struct gnttab_free_callback cb_a, cb_b;

static void note_call(void *arg)
{
	if (nr_calls < sizeof(calls) - 1)
		calls[nr_calls++] = *(const char *)arg;
}

static bool called(const char *want)
{
	bool same = strlen(want) == nr_calls && !strncmp(calls, want, nr_calls);

	return same;
}

static const char *callback_runs_at_once(void)
{
	memset(&cb_a, 0, sizeof(cb_a));
	nr_calls = 0;
	gnttab_request_free_callback(&cb_a, note_call, "a", 1);
	EXPECT(called("a"));
	EXPECT(!cb_a.next);
	return NULL;
}

static bool waits_for(const char *want)
{
	int i;

	for (i = 0; i < 100 && !called(want); i++)
		msleep(20);
	return called(want);
}

static const char *callbacks_in_order(void)
{
	grant_ref_t ref[8];
	int nr = 0;
	const char *why = NULL;

	take_everything();
	/* A few of them one by one, to give back one by one. */
	gnttab_free_grant_references(lists[--nr_lists]);
	while (nr < 8 && !gnttab_alloc_grant_reference_seq(1, &ref[nr]))
		nr++;
	memset(&cb_a, 0, sizeof(cb_a));
	memset(&cb_b, 0, sizeof(cb_b));
	nr_calls = 0;
	while (nr_lists && nr < 4) {
		gnttab_free_grant_references(lists[--nr_lists]);
		while (nr < 8 && !gnttab_alloc_grant_reference_seq(1, &ref[nr]))
			nr++;
	}
	while (!gnttab_alloc_grant_references(1, &lists[nr_lists]))
		nr_lists++;
	gnttab_request_free_callback(&cb_a, note_call, "a", 2);
	gnttab_request_free_callback(&cb_b, note_call, "b", 2);
	gnttab_request_free_callback(&cb_a, note_call, "c", 1); /* queued: stays as it is */
	if (!called(""))
		why = "called with nothing free";
	gnttab_free_grant_reference(ref[--nr]);
	if (!why && !called(""))
		why = "called with one of two free";
	gnttab_free_grant_reference(ref[--nr]);
	if (!why && !waits_for("ab"))
		why = "not called in the order of their requests";
	while (nr)
		gnttab_free_grant_reference(ref[--nr]);
	gnttab_cancel_free_callback(&cb_a);
	gnttab_cancel_free_callback(&cb_b);
	free_everything();
	return why;
}

static const char *cancelled_callback_is_not_called(void)
{
	take_everything();
	nr_calls = 0;
	memset(&cb_a, 0, sizeof(cb_a));
	gnttab_request_free_callback(&cb_a, note_call, "a", 500);
	gnttab_cancel_free_callback(&cb_a);
	free_everything();
	msleep(50);
	EXPECT(called(""));
	gnttab_cancel_free_callback(&cb_a); /* not queued: fine */
	return NULL;
}

static int again;

static void ask_again(void *arg)
{
	note_call(arg);
	if (again--)
		gnttab_request_free_callback(&cb_a, ask_again, arg, 1);
}

static const char *callback_asks_again(void)
{
	nr_calls = 0;
	again = 3;
	memset(&cb_a, 0, sizeof(cb_a));
	gnttab_request_free_callback(&cb_a, ask_again, "r", 1);
	EXPECT(waits_for("rrrr"));
	return NULL;
}

struct hammer {
	struct work_struct work;
	u32 *owner;
	unsigned int refs;
	u64 clashes;
	u64 rounds;
};

/* Marks each reference it gets, and looks whether somebody else had it. */
static void hammer(struct work_struct *work)
{
	struct hammer *me = container_of(work, struct hammer, work);
	grant_ref_t got[16];
	unsigned int i, nr;

	for (me->rounds = 0; me->rounds < 20000; me->rounds++) {
		for (nr = 0; nr < 1 + me->rounds % 16; nr++)
			if (gnttab_alloc_grant_reference_seq(1, &got[nr]))
				break;
		for (i = 0; i < nr; i++)
			if (got[i] >= me->refs || xchg(&me->owner[got[i]], 1))
				me->clashes++;
		for (i = 0; i < nr; i++) {
			if (got[i] < me->refs)
				xchg(&me->owner[got[i]], 0);
			gnttab_free_grant_reference(got[i]);
		}
	}
}

static const char *two_cpus_at_once_share_nothing(void)
{
	unsigned int refs = gnttab_max_grant_frames() * 512;
	struct hammer *hammers = kcalloc(2, sizeof(*hammers), GFP_KERNEL);
	u32 *owner = kvcalloc(refs, sizeof(*owner), GFP_KERNEL);
	u64 clashes = ~0ULL;
	int i;

	if (hammers && owner) {
		for (i = 0; i < 2; i++) {
			hammers[i].owner = owner;
			hammers[i].refs = refs;
			INIT_WORK(&hammers[i].work, hammer);
			schedule_work_on(i % num_online_cpus(), &hammers[i].work);
		}
		for (i = 0; i < 2; i++)
			flush_work(&hammers[i].work);
		clashes = hammers[0].clashes + hammers[1].clashes;
	}
	kvfree(owner);
	kfree(hammers);
	EXPECT(!clashes);
	return NULL;
}

static const struct ktap_case cases[] = {
	{ "single references differ", single_refs_differ },
	{ "a list is claimed to its end", list_is_claimed_to_its_end },
	{ "a list of none", list_of_none },
	{ "a released reference is claimed next", released_ref_is_claimed_next },
	{ "sequences are consecutive and nobody else's", sequences_are_consecutive },
	{ "a sequence beyond the table is refused", sequence_beyond_the_table },
	{ "any mix is freed in any order", any_mix_is_freed_in_any_order },
	{ "exhausted, then whole again", exhausted_then_whole_again },
	{ "a callback with enough free runs at once", callback_runs_at_once },
	{ "callbacks run in the order of their requests", callbacks_in_order },
	{ "a cancelled callback is not called", cancelled_callback_is_not_called },
	{ "a callback may ask again", callback_asks_again },
	{ "two CPUs at once never share a reference", two_cpus_at_once_share_nothing },
};

static int __init selftest_init(void)
{
	lists = kvcalloc(MAX_LISTS, sizeof(*lists), GFP_KERNEL);
	if (!lists)
		return -ENOMEM;
	ktap_run(cases, ARRAY_SIZE(cases));
	kvfree(lists);
	return 0;
}

static void __exit selftest_exit(void)
{
}

module_init(selftest_init);
module_exit(selftest_exit);
MODULE_DESCRIPTION("xengnt test: references");
MODULE_LICENSE("GPL");

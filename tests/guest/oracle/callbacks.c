// SPDX-License-Identifier: GPL-2.0
/* Callbacks: at once, later, never; and in which order. */
#include <linux/slab.h>

#include "oracle.h"

struct wish {
	struct gnttab_free_callback callback;
	char name;
	int calls;
	bool next_cleared;
};

static char order[16];
static unsigned int nr_called;

static void granted(void *arg)
{
	struct wish *wish = arg;

	wish->calls++;
	wish->next_cleared = !wish->callback.next;
	if (nr_called < sizeof(order) - 1)
		order[nr_called++] = wish->name;
}

static void other_fn(void *arg)
{
	order[0] = '!';
}

static void request(struct wish *wish, u16 count)
{
	gnttab_request_free_callback(&wish->callback, granted, wish, count);
}

static void show_single(void)
{
	struct wish at_once = { .name = 'a' }, never = { .name = 'n' };
	int i;

	request(&at_once, 1);
	SHOW("request 1", "calls %d, next cleared %d\n", at_once.calls, at_once.next_cleared);
	request(&at_once, 1);
	SHOW("request 1 again", "calls %d\n", at_once.calls);
	request(&at_once, 0);
	SHOW("request 0", "calls %d\n", at_once.calls);
	gnttab_cancel_free_callback(&at_once.callback);
	SHOW("cancel what has been called", "calls %d\n", at_once.calls);

	request(&never, 65535);
	SHOW("request 65535", "calls %d\n", never.calls);
	gnttab_request_free_callback(&never.callback, other_fn, &never, 0);
	SHOW("request with 0, queued already", "calls %d, other %d\n", never.calls,
	     order[0] == '!');
	for (i = 0; i < 3; i++)
		gnttab_try_end_foreign_access(gnttab_grant_foreign_access(oracle_self, 1, 1));
	SHOW("request 65535, after some frees", "calls %d\n", never.calls);
	gnttab_cancel_free_callback(&never.callback);
	gnttab_cancel_free_callback(&never.callback);
	SHOW("cancel twice", "calls %d\n", never.calls);
	request(&never, 1);
	SHOW("request 1 after the cancel", "calls %d\n", never.calls);
}

/* With every reference taken: lists of 1,000, of 10, and single ones. */
struct hoard {
	grant_ref_t heads[128];
	unsigned int nr;
	grant_ref_t loose;	/* a list of the single ones */
	unsigned int nr_loose;
};

static void hoard_all(struct hoard *hoard)
{
	static const u16 sizes[] = { 1000, 10 };
	int i, ref;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		while (hoard->nr < ARRAY_SIZE(hoard->heads) &&
		       !gnttab_alloc_grant_references(sizes[i], &hoard->heads[hoard->nr]))
			hoard->nr++;
	hoard->loose = INVALID_GRANT_REF;
	while (hoard->nr_loose < 100) {
		ref = gnttab_grant_foreign_access(oracle_self, 1, 1);
		if (ref < 0)
			break;
		gnttab_end_foreign_access_ref(ref);
		gnttab_release_grant_reference(&hoard->loose, ref);
		hoard->nr_loose++;
	}
	if (hoard->nr_loose < 10 && hoard->nr) {
		/* Too few to play with: one list of 10 more. */
		grant_ref_t *head = &hoard->heads[hoard->nr - 1];

		for (i = 0; i < 10; i++)
			gnttab_release_grant_reference(&hoard->loose,
						       gnttab_claim_grant_reference(head));
		hoard->nr_loose += 10;
	}
}

static void free_one(struct hoard *hoard)
{
	gnttab_free_grant_reference(gnttab_claim_grant_reference(&hoard->loose));
}

/* Three who all wait for one. */
static void show_order(struct hoard *hoard, struct wish *a, struct wish *b, struct wish *c)
{
	unsigned int calls = a->calls + b->calls + c->calls;
	grant_ref_t head;

	memset(order, 0, sizeof(order));
	nr_called = 0;
	request(a, 1);
	request(b, 1);
	request(c, 1);
	free_one(hoard);
	SHOW("requests of 1, 1, 1, one freed", "calls %d\n",
	     SOON(a->calls + b->calls + c->calls == calls + 3) ? 3 : 0);
	SHOW("order of requests of 1, 1, 1", "%s\n", order);
	if (!gnttab_alloc_grant_references(1, &head))
		gnttab_release_grant_reference(&hoard->loose,
					       gnttab_claim_grant_reference(&head));
}

static void show_exhausted(void)
{
	struct hoard *hoard = kzalloc(sizeof(*hoard), GFP_KERNEL);
	struct wish a = { .name = 'a' }, b = { .name = 'b' }, c = { .name = 'c' };
	grant_ref_t head = 77;
	unsigned int i;
	int rest;

	if (!hoard)
		return;
	hoard_all(hoard);
	SHOW("grant, nothing free", "%d\n", gnttab_grant_foreign_access(oracle_self, 1, 1));
	SHOW("list of 1, nothing free", "%d, head untouched %d\n",
	     gnttab_alloc_grant_references(1, &head), head == 77);
	SHOW("sequence of 1, nothing free", "%d, first untouched %d\n",
	     gnttab_alloc_grant_reference_seq(1, &head), head == 77);

	memset(order, 0, sizeof(order));
	nr_called = 0;
	request(&a, 3);
	request(&b, 1);
	request(&c, 1);
	SHOW("requests of 3, 1, 1, nothing free", "calls %d %d %d\n", a.calls, b.calls, c.calls);
	free_one(hoard);
	SHOW("one freed", "calls %d %d %d\n", a.calls, SOON(b.calls) ? b.calls : 0,
	     SOON(c.calls) ? c.calls : 0);
	free_one(hoard);
	SHOW("two freed", "calls %d\n", a.calls);
	free_one(hoard);
	SHOW("three freed", "calls %d\n", SOON(a.calls) ? a.calls : 0);
	SHOW("order of requests of 3, 1, 1", "%s\n", order);

	rest = gnttab_alloc_grant_references(3, &head);
	SHOW("list of those three", "%d\n", rest);
	if (!rest) {
		show_order(hoard, &a, &b, &c);
		request(&a, 4);
		gnttab_free_grant_references(head);
		SHOW("request of 4, three freed", "calls %d\n", a.calls);
		gnttab_cancel_free_callback(&a.callback);
		free_one(hoard);
		SHOW("cancelled, one more freed", "calls %d\n", a.calls);
	}
	for (i = 0; i < hoard->nr; i++)
		gnttab_free_grant_references(hoard->heads[i]);
	gnttab_free_grant_references(hoard->loose);
	SHOW("list of 10 after all are freed", "%d\n", gnttab_alloc_grant_references(10, &head));
	gnttab_free_grant_references(head);
	kfree(hoard);
}

void oracle_callbacks(void)
{
	show_single();
	show_exhausted();
}

// SPDX-License-Identifier: GPL-2.0
/* What goes beyond the stock interface: pools, batches, notices of ended access. */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <xen/grant_table.h>
#include <xen/xen.h>
#include <xen/xenbus.h>
#include <xengnt/batch.h>
#include <xengnt/grant_table.h>
#include <xengnt/notify.h>
#include <xengnt/pool.h>

#include "ktap.h"
#include "own_mapping.h"

#define RESERVE 200
#define LIMIT 50
#define MAX_LISTS 4096

static domid_t self;
static bool hold;
module_param(hold, bool, 0444);
MODULE_PARM_DESC(hold, "keep references until the module goes, for the suite to see");

static const char *a_limit_is_kept(void)
{
	struct xengnt_pool *pool = xengnt_pool_create("limited", 0, LIMIT);
	grant_ref_t head, first;

	EXPECT(!IS_ERR(pool));
	EXPECT(xengnt_pool_alloc_grant_references(pool, LIMIT + 1, &head) == -ENOSPC);
	EXPECT(!xengnt_pool_alloc_grant_references(pool, LIMIT - 1, &head));
	EXPECT(!xengnt_pool_alloc_grant_reference_seq(pool, 1, &first));
	EXPECT(xengnt_pool_grant_foreign_access(pool, 0, 1, 1) == -ENOSPC);
	gnttab_free_grant_reference(first);
	EXPECT(!xengnt_pool_alloc_grant_reference_seq(pool, 1, &first));
	gnttab_free_grant_references(head);
	gnttab_free_grant_reference(first);
	EXPECT(xengnt_pool_destroy(pool) == 0);
	return NULL;
}

static const char *a_rogue_cannot_take_a_reserve(void)
{
	struct xengnt_pool *quiet = xengnt_pool_create("quiet", RESERVE, XENGNT_POOL_NO_LIMIT);
	struct xengnt_pool *rogue = xengnt_pool_create("rogue", 0, XENGNT_POOL_NO_LIMIT);
	grant_ref_t *lists = kvcalloc(MAX_LISTS, sizeof(*lists), GFP_KERNEL);
	const char *why = NULL;
	unsigned int nr = 0;
	u16 count = 500;
	grant_ref_t head;

	EXPECT(!IS_ERR(quiet) && !IS_ERR(rogue) && lists);
	while (count && nr < MAX_LISTS) {
		if (xengnt_pool_alloc_grant_references(rogue, count, &lists[nr]))
			count /= 2;
		else
			nr++;
	}
	if (xengnt_pool_alloc_grant_references(rogue, 1, &head) != -ENOSPC)
		why = "the rogue could still allocate";
	else if (xengnt_pool_alloc_grant_references(quiet, RESERVE, &head))
		why = "the reserve was gone";
	else
		gnttab_free_grant_references(head);
	while (nr)
		gnttab_free_grant_references(lists[--nr]);
	kvfree(lists);
	xengnt_pool_destroy(rogue);
	xengnt_pool_destroy(quiet);
	return why;
}

static const char *a_pool_given_up_counts_what_is_out(void)
{
	struct xengnt_pool *pool = xengnt_pool_create("given-up", 10, 100);
	grant_ref_t first;

	EXPECT(!IS_ERR(pool));
	EXPECT(!xengnt_pool_alloc_grant_reference_seq(pool, 7, &first));
	EXPECT(xengnt_pool_destroy(pool) == 7);
	gnttab_free_grant_reference_seq(first, 7);
	return NULL;
}

static const char *bad_pools_are_refused(void)
{
	EXPECT(PTR_ERR(xengnt_pool_create(NULL, 0, 1)) == -EINVAL);
	EXPECT(PTR_ERR(xengnt_pool_create("", 0, 1)) == -EINVAL);
	EXPECT(PTR_ERR(xengnt_pool_create("a name of more than 31 characters", 0, 1)) == -EINVAL);
	EXPECT(PTR_ERR(xengnt_pool_create("greedy", 2, 1)) == -EINVAL);
	EXPECT(PTR_ERR(xengnt_pool_create("all", 1u << 30, ~0u)) == -ENOSPC);
	EXPECT(xengnt_pool_destroy(NULL) == 0);
	return NULL;
}

static const char *a_batch_is_granted_and_ended(void)
{
	static unsigned long frames[100];
	static struct page *pages[100];
	static grant_ref_t refs[100];
	int i, j;

	for (i = 0; i < 100; i++) {
		pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		EXPECT(pages[i]);
		frames[i] = xen_page_to_gfn(pages[i]);
	}
	EXPECT(!xengnt_grant_foreign_access_batch(self, frames, 100, 0, refs));
	for (i = 0; i < 100; i++)
		for (j = 0; j < i; j++)
			EXPECT(refs[i] != refs[j]);
	xengnt_end_foreign_access_batch(refs, pages, 100);
	EXPECT(!xengnt_grant_foreign_access_batch(self, frames, 0, 0, refs));
	return NULL;
}

static void count_call(void *arg)
{
	++*(int *)arg;
}

static const char *told_at_once_when_nobody_has_it(void)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	struct xengnt_end_notice notice;
	int calls = 0;
	int ref;

	EXPECT(page);
	ref = gnttab_grant_foreign_access(self, xen_page_to_gfn(page), 0);
	EXPECT(ref >= 8);
	xengnt_end_foreign_access_notify(&notice, ref, page, count_call, &calls);
	EXPECT(calls == 1);
	return NULL;
}

static const char *told_when_the_other_side_lets_go(void)
{
	struct xengnt_end_notice notice;
	struct mapping m;
	struct page *page;
	int calls = 0;
	int ref, i;

	if (!maps_own_grants())
		return KTAP_SKIP "this type of guest may not map its own grants";
	page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	EXPECT(page);
	ref = gnttab_grant_foreign_access(self, xen_page_to_gfn(page), 0);
	EXPECT(ref >= 8 && !map_own(&m, ref, self));
	get_page(page);
	xengnt_end_foreign_access_notify(&notice, ref, page, count_call, &calls);
	msleep(100);
	EXPECT(!calls && page_count(page) == 2);
	unmap_own(&m);
	for (i = 0; i < 150 && !READ_ONCE(calls); i++)
		msleep(20);
	EXPECT(calls == 1 && page_count(page) == 1);
	put_page(page);
	return NULL;
}

static const char *a_cancelled_notice_is_silent(void)
{
	struct xengnt_end_notice notice;
	struct mapping m;
	struct page *page;
	int calls = 0;
	int ref, i;

	if (!maps_own_grants())
		return KTAP_SKIP "this type of guest may not map its own grants";
	page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	EXPECT(page);
	ref = gnttab_grant_foreign_access(self, xen_page_to_gfn(page), 0);
	EXPECT(ref >= 8 && !map_own(&m, ref, self));
	get_page(page);
	xengnt_end_foreign_access_notify(&notice, ref, page, count_call, &calls);
	xengnt_cancel_end_notice(&notice);
	memset(&notice, 0x5a, sizeof(notice));
	unmap_own(&m);
	for (i = 0; i < 150 && page_count(page) > 1; i++)
		msleep(20);
	EXPECT(!calls && page_count(page) == 1);
	put_page(page);
	return NULL;
}

static const char *waiting_has_an_end(void)
{
	struct mapping m;
	struct page *page;
	int ref;

	page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	EXPECT(page);
	ref = gnttab_grant_foreign_access(self, xen_page_to_gfn(page), 0);
	EXPECT(ref >= 8);
	EXPECT(!xengnt_end_foreign_access_wait(ref, page, 1000));
	if (!maps_own_grants())
		return NULL;
	page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	EXPECT(page);
	ref = gnttab_grant_foreign_access(self, xen_page_to_gfn(page), 0);
	EXPECT(ref >= 8 && !map_own(&m, ref, self));
	EXPECT(xengnt_end_foreign_access_wait(ref, page, 50) == -ETIMEDOUT);
	unmap_own(&m);
	return NULL;
}

static const struct ktap_case cases[] = {
	{ "a limit is kept", a_limit_is_kept },
	{ "a rogue cannot take another's reserve", a_rogue_cannot_take_a_reserve },
	{ "a pool given up counts what is out", a_pool_given_up_counts_what_is_out },
	{ "bad pools are refused", bad_pools_are_refused },
	{ "a batch is granted and ended", a_batch_is_granted_and_ended },
	{ "told at once when nobody has it", told_at_once_when_nobody_has_it },
	{ "told when the other side lets go", told_when_the_other_side_lets_go },
	{ "a cancelled notice is silent", a_cancelled_notice_is_silent },
	{ "waiting has an end", waiting_has_an_end },
};

/* Not in the init section, whose names go after loading. */
static noinline int take_three(void)
{
	grant_ref_t held = 0;
	int err = gnttab_alloc_grant_reference_seq(3, &held);

	pr_info("holds three from %u on\n", held);
	return err;
}

/* Allocated, and never claimed; by the function that is not told whose pool it is. */
static noinline int take_a_list(void)
{
	grant_ref_t head = 0;
	int err = xengnt_alloc_grant_references(40, &head);

	pr_info("holds a list of 40 from %u on\n", head);
	return err;
}

static int __init selftest_init(void)
{
	self = xenbus_read_unsigned("domid", "", 0);
	if (hold)
		return take_three() ?: take_a_list();
	ktap_run(cases, ARRAY_SIZE(cases));
	return 0;
}

static void __exit selftest_exit(void)
{
}

module_init(selftest_init);
module_exit(selftest_exit);
MODULE_DESCRIPTION("xengnt test: pools, batches, notices");
MODULE_LICENSE("GPL");

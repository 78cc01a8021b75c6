// SPDX-License-Identifier: GPL-2.0
/*
 * The whole interface while one allocation after the other fails: each call works
 * or says that it cannot, and what it had taken until then is given back.
 */
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <xen/grant_table.h>
#include <xen/page.h>
#include <xen/xenbus.h>
#include <xengnt/batch.h>
#include <xengnt/pool.h>

#include "fail_alloc.h"
#include "ktap.h"
#include "own_mapping.h"

#define MOST_FAILURES 400
#define MOST_REFS 3000

static domid_t self;
static unsigned int failures;
/* More each time, so that there is always something to be allocated for them. */
static unsigned int many;

/*
 * Runs @one with the first, the second, ... allocation failing, until it runs
 * through without one. @one returns what is wrong, refusals are not.
 */
static const char *with_each_failing(const char *(*one)(void))
{
	const char *wrong = NULL;
	unsigned int nth;

	for (nth = 1; !wrong && nth < MOST_FAILURES; nth++) {
		many = min(600 + 512 * nth, MOST_REFS);
		fail_alloc_set(nth);
		wrong = one();
		if (!fail_alloc_fired())
			break;
		failures++;
	}
	fail_alloc_set(0);
	if (!wrong && nth == MOST_FAILURES)
		wrong = "there is no end of allocations";
	return wrong;
}

static const char *some_refs(void)
{
	grant_ref_t head, first, single;
	int err;

	/* For a second after a refusal the kernel is not asked again. */
	msleep(1100);
	err = gnttab_alloc_grant_references(many, &head);
	EXPECT(!err || err == -ENOSPC);
	if (!err)
		gnttab_free_grant_references(head);
	err = gnttab_alloc_grant_reference_seq(many, &first);
	EXPECT(!err || err == -ENOSPC);
	if (!err)
		gnttab_free_grant_reference_seq(first, many);
	err = gnttab_alloc_grant_reference_seq(1, &single);
	EXPECT(!err || err == -ENOSPC);
	if (!err)
		gnttab_free_grant_reference(single);
	return NULL;
}

static const char *refs(void)
{
	return with_each_failing(some_refs);
}

static const char *some_grants(void)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	unsigned long frames[3];
	grant_ref_t batch[3];
	int ref, err;

	EXPECT(page);
	frames[0] = frames[1] = frames[2] = xen_page_to_gfn(page);
	ref = gnttab_grant_foreign_access(self, frames[0], 0);
	EXPECT(ref >= 8 || ref == -ENOSPC);
	if (ref >= 0)
		EXPECT(gnttab_try_end_foreign_access(ref) == 1);
	err = xengnt_grant_foreign_access_batch(self, frames, 3, 0, batch);
	EXPECT(!err || err == -ENOSPC);
	if (!err)
		xengnt_end_foreign_access_batch(batch, NULL, 3);
	ref = gnttab_grant_foreign_access(self, frames[0], 1);
	if (ref >= 0)
		gnttab_end_foreign_access(ref, page);
	else
		__free_page(page);
	return NULL;
}

static const char *grants(void)
{
	return with_each_failing(some_grants);
}

static const char *a_pool(void)
{
	struct xengnt_pool *pool = xengnt_pool_create("failures", 100, 300);
	grant_ref_t head;
	int err;

	if (IS_ERR(pool)) {
		EXPECT(PTR_ERR(pool) == -ENOMEM || PTR_ERR(pool) == -ENOSPC);
		return NULL;
	}
	err = xengnt_pool_alloc_grant_references(pool, 50, &head);
	EXPECT(!err); /* of the reserve */
	gnttab_free_grant_references(head);
	err = xengnt_pool_alloc_grant_references(pool, 200, &head);
	EXPECT(!err || err == -ENOSPC);
	if (!err)
		gnttab_free_grant_references(head);
	xengnt_pool_destroy(pool);
	return NULL;
}

static const char *pools(void)
{
	return with_each_failing(a_pool);
}

static const char *some_pages(void)
{
	struct gnttab_page_cache cache;
	struct page *got[8];
	int err = gnttab_alloc_pages(8, got);

	EXPECT(!err || err == -ENOMEM);
	if (!err)
		gnttab_free_pages(8, got);
	gnttab_page_cache_init(&cache);
	err = gnttab_page_cache_get(&cache, &got[0]);
	EXPECT(!err || err == -ENOMEM);
	if (!err)
		gnttab_page_cache_put(&cache, &got[0], 1);
	gnttab_page_cache_shrink(&cache, 0);
	EXPECT(!cache.num_pages);
	return NULL;
}

static const char *pages(void)
{
	return with_each_failing(some_pages);
}

/* Maps two grants of this guest; whatever fails, as many are unmapped as were mapped. */
static const char *two_mappings(void)
{
	struct gnttab_map_grant_ref map[2];
	struct gnttab_unmap_grant_ref unmap[2];
	struct page *granted = alloc_page(GFP_KERNEL | __GFP_ZERO);
	struct page *at[2];
	int ref, i, done = 0;

	EXPECT(granted);
	ref = gnttab_grant_foreign_access(self, xen_page_to_gfn(granted), 0);
	if (ref < 0 || gnttab_alloc_pages(2, at)) {
		if (ref >= 0)
			EXPECT(gnttab_try_end_foreign_access(ref) == 1);
		__free_page(granted);
		return NULL;
	}
	for (i = 0; i < 2; i++)
		gnttab_set_map_op(&map[i], (unsigned long)pfn_to_kaddr(page_to_pfn(at[i])),
				  GNTMAP_host_map, ref, self);
	if (!gnttab_map_refs(map, NULL, at, 2))
		EXPECT(map[0].status == GNTST_okay && map[1].status == GNTST_okay);
	for (i = 0; i < 2; i++)
		if (map[i].status == GNTST_okay)
			gnttab_set_unmap_op(&unmap[done++],
					    (unsigned long)pfn_to_kaddr(page_to_pfn(at[i])),
					    GNTMAP_host_map, map[i].handle);
	if (done) {
		struct page *mapped[2] = { map[0].status == GNTST_okay ? at[0] : at[1], at[1] };

		EXPECT(!gnttab_unmap_refs(unmap, NULL, mapped, done));
	}
	gnttab_free_pages(2, at);
	EXPECT(gnttab_try_end_foreign_access(ref) == 1);
	__free_page(granted);
	return NULL;
}

static const char *mappings(void)
{
	if (!maps_own_grants())
		return KTAP_SKIP "this type of guest may not map its own grants";
	return with_each_failing(two_mappings);
}

static const char *enough_failed(void)
{
	pr_info("# %u allocations were made to fail\n", failures);
	EXPECT(failures >= 5);
	return NULL;
}

static const struct ktap_case cases[] = {
	{ "references", refs },
	{ "grants", grants },
	{ "pools", pools },
	{ "pages", pages },
	{ "mappings", mappings },
	{ "enough allocations failed", enough_failed },
};

static int __init selftest_failures_init(void)
{
	self = xenbus_read_unsigned("domid", "", 0);
	ktap_run(cases, ARRAY_SIZE(cases));
	return 0;
}

static void __exit selftest_failures_exit(void)
{
}

module_init(selftest_failures_init);
module_exit(selftest_failures_exit);
MODULE_DESCRIPTION("xengnt test: failing allocations");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0
/*
 * Wrong calls, one after the other. This module only makes them and checks that
 * nothing was corrupted; the suite around it counts the reports.
 */
#include <linux/mm.h>
#include <xen/grant_table.h>

#include "ktap.h"

/* Everything still works, and no reference is handed out twice. */
static const char *still_whole(void)
{
	static grant_ref_t ref[256];
	int i, j;

	for (i = 0; i < 256; i++) {
		EXPECT(!gnttab_alloc_grant_reference_seq(1, &ref[i]));
		for (j = 0; j < i; j++)
			EXPECT(ref[i] != ref[j]);
	}
	for (i = 0; i < 256; i++)
		gnttab_free_grant_reference(ref[i]);
	return NULL;
}

static grant_ref_t one(void)
{
	grant_ref_t ref = INVALID_GRANT_REF;

	gnttab_alloc_grant_reference_seq(1, &ref);
	return ref;
}

static const char *freed_twice(void)
{
	grant_ref_t ref = one();

	gnttab_free_grant_reference(ref);
	gnttab_free_grant_reference(ref);
	return still_whole();
}

static const char *freed_while_granted(void)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	int ref;

	EXPECT(page);
	ref = gnttab_grant_foreign_access(0, xen_page_to_gfn(page), 0);
	EXPECT(ref >= 8);
	gnttab_free_grant_reference(ref);
	EXPECT(gnttab_end_foreign_access_ref(ref) == 1); /* it was still granted */
	gnttab_free_grant_reference(ref);
	put_page(page);
	return still_whole();
}

static const char *never_allocated(void)
{
	grant_ref_t head;
	int ref;

	/* Leased, but on a private list: nobody claimed it. */
	EXPECT(!gnttab_alloc_grant_references(2, &head));
	gnttab_free_grant_reference(head);
	ref = gnttab_claim_grant_reference(&head);
	EXPECT(ref >= 8);
	gnttab_free_grant_reference(ref);
	gnttab_free_grant_references(head);
	return still_whole();
}

static const char *granted_unclaimed(void)
{
	grant_ref_t ref = one();

	gnttab_free_grant_reference(ref);
	gnttab_grant_foreign_access_ref(ref, 0, 1, 0);
	return still_whole();
}

static const char *list_freed_twice(void)
{
	grant_ref_t head, stale;

	EXPECT(!gnttab_alloc_grant_references(100, &head));
	stale = head;
	gnttab_free_grant_references(head);
	gnttab_free_grant_references(stale);
	return still_whole();
}

static const char *released_twice(void)
{
	grant_ref_t head = INVALID_GRANT_REF;
	grant_ref_t ref = one();

	gnttab_release_grant_reference(&head, ref);
	gnttab_release_grant_reference(&head, ref);
	EXPECT(gnttab_claim_grant_reference(&head) == ref);
	EXPECT(gnttab_empty_grant_references(&head));
	gnttab_free_grant_reference(ref);
	return still_whole();
}

static const struct ktap_case cases[] = {
	{ "freed twice", freed_twice },
	{ "freed while granted", freed_while_granted },
	{ "freed without ever being claimed", never_allocated },
	{ "granted without being claimed", granted_unclaimed },
	{ "a list freed twice", list_freed_twice },
	{ "released twice", released_twice },
};

static int __init selftest_init(void)
{
	ktap_run(cases, ARRAY_SIZE(cases));
	return 0;
}

static void __exit selftest_exit(void)
{
}

module_init(selftest_init);
module_exit(selftest_exit);
MODULE_DESCRIPTION("xengnt test: wrong calls");
MODULE_LICENSE("GPL");

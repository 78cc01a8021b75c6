// SPDX-License-Identifier: GPL-2.0
/*
 * Granting and ending in a real guest. In a PV guest the other side is this
 * guest itself, which maps its own grants; elsewhere that would take the page's
 * place away, and the cases that need it are skipped (another suite has dom0 as
 * the other side).
 */
#include <linux/delay.h>
#include <linux/mm.h>
#include <xen/grant_table.h>
#include <xen/xen.h>
#include <xen/xenbus.h>

#include "ktap.h"
#include "own_mapping.h"

static domid_t self;

static const char *grant_and_end(void)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	grant_ref_t ref;
	int got;

	EXPECT(page);
	got = gnttab_grant_foreign_access(self, xen_page_to_gfn(page), 0);
	EXPECT(got >= 8);
	EXPECT(gnttab_try_end_foreign_access(got) == 1);
	EXPECT(!gnttab_alloc_grant_reference_seq(1, &ref));
	gnttab_grant_foreign_access_ref(ref, self, xen_page_to_gfn(page), 1);
	EXPECT(gnttab_end_foreign_access_ref(ref) == 1);
	/* Not granted any more: ending it again is fine. */
	EXPECT(gnttab_end_foreign_access_ref(ref) == 1);
	gnttab_page_grant_foreign_access_ref_one(ref, self, page, 0);
	EXPECT(gnttab_try_end_foreign_access(ref) == 1);
	got = gnttab_grant_foreign_access(self, xen_page_to_gfn(page), 0);
	gnttab_end_foreign_access(got, page); /* and frees the page */
	return NULL;
}

static const char *claimed_but_not_granted_ends(void)
{
	grant_ref_t ref;

	EXPECT(!gnttab_alloc_grant_reference_seq(1, &ref));
	EXPECT(gnttab_end_foreign_access_ref(ref) == 1);
	EXPECT(gnttab_try_end_foreign_access(ref) == 1);
	return NULL;
}

static const char *busy_is_said_and_deferred(void)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	struct mapping m;
	int ref, i;

	if (!maps_own_grants())
		return KTAP_SKIP "this type of guest may not map its own grants";
	EXPECT(page);
	get_page(page); /* ours, to watch it by */
	memcpy(page_address(page), "canary", 7);
	ref = gnttab_grant_foreign_access(self, xen_page_to_gfn(page), 0);
	EXPECT(ref >= 8);
	EXPECT(!map_own(&m, ref, self));
	EXPECT(!memcmp(page_address(m.page), "canary", 7));
	for (i = 0; i < 1000; i++) /* the suite counts the lines in the log */
		EXPECT(gnttab_end_foreign_access_ref(ref) == 0);
	EXPECT(gnttab_try_end_foreign_access(ref) == 0);
	gnttab_end_foreign_access(ref, page);
	msleep(300);
	EXPECT(page_count(page) == 2); /* still held for the other side */
	memcpy(page_address(m.page), "answer", 7);
	EXPECT(!memcmp(page_address(page), "answer", 7));
	unmap_own(&m);
	for (i = 0; i < 100 && page_count(page) > 1; i++)
		msleep(20);
	EXPECT(page_count(page) == 1);
	put_page(page);
	return NULL;
}

static const char *busy_without_a_page_keeps_it(void)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	struct mapping m;
	int ref, i;

	if (!maps_own_grants())
		return KTAP_SKIP "this type of guest may not map its own grants";
	EXPECT(page);
	ref = gnttab_grant_foreign_access(self, xen_page_to_gfn(page), 0);
	EXPECT(ref >= 8);
	EXPECT(!map_own(&m, ref, self));
	gnttab_end_foreign_access(ref, NULL);
	EXPECT(page_count(page) == 2); /* ours, and the deferred end's own */
	unmap_own(&m);
	for (i = 0; i < 100 && page_count(page) > 1; i++)
		msleep(20);
	EXPECT(page_count(page) == 1);
	put_page(page);
	return NULL;
}

static const char *ended_grant_cannot_be_mapped(void)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	struct mapping m;
	int ref;

	if (!maps_own_grants())
		return KTAP_SKIP "this type of guest may not map its own grants";
	EXPECT(page);
	ref = gnttab_grant_foreign_access(self, xen_page_to_gfn(page), 0);
	EXPECT(ref >= 8);
	EXPECT(gnttab_end_foreign_access_ref(ref) == 1);
	EXPECT(map_own(&m, ref, self));
	gnttab_free_grant_reference(ref);
	put_page(page);
	return NULL;
}

static const char *kernels_own_refs_pass_through(void)
{
	/*
	 * Allocated by the kernel itself on this driver's behalf: the symbol
	 * behind the drop-in's name is asked for directly.
	 */
#undef gnttab_alloc_grant_references
#undef gnttab_claim_grant_reference
	extern int gnttab_alloc_grant_references(u16 count, grant_ref_t *head);
	extern int gnttab_claim_grant_reference(grant_ref_t *head);
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	grant_ref_t head = INVALID_GRANT_REF, list;
	int ref, other, tries;

	EXPECT(page);
	/* An earlier test may have leased all there are: they go back within seconds. */
	for (tries = 0; tries < 100 && gnttab_alloc_grant_references(4, &head); tries++)
		msleep(200);
	EXPECT(head != INVALID_GRANT_REF);
	ref = gnttab_claim_grant_reference(&head);
	other = gnttab_claim_grant_reference(&head);
	EXPECT(ref >= 8 && other >= 8);
	gnttab_grant_foreign_access_ref(ref, self, xen_page_to_gfn(page), 0);
	EXPECT(gnttab_end_foreign_access_ref(ref) == 1);
	/* A reference of the kernel's on top of a list of ours is the next one. */
	EXPECT(!xengnt_alloc_grant_references(2, &list));
	gnttab_release_grant_reference(&list, other);
	EXPECT(list == other);
	EXPECT(xengnt_claim_grant_reference(&list) == other);
	/* Ours on top of the kernel's: freed as one list. */
	gnttab_release_grant_reference(&head, ref);
	ref = xengnt_claim_grant_reference(&list);
	gnttab_release_grant_reference(&head, ref);
	EXPECT(xengnt_claim_grant_reference(&head) == ref);
	gnttab_release_grant_reference(&head, ref);
	gnttab_free_grant_references(head);
	gnttab_free_grant_references(list);
	gnttab_free_grant_reference(other);
	put_page(page);
	return NULL;
}

static const struct ktap_case cases[] = {
	{ "granted and ended in every way", grant_and_end },
	{ "a claimed reference that is not granted ends", claimed_but_not_granted_ends },
	{ "a busy grant says so, and is reclaimed after the unmap", busy_is_said_and_deferred },
	{ "a busy grant without a page keeps its page", busy_without_a_page_keeps_it },
	{ "an ended grant cannot be mapped", ended_grant_cannot_be_mapped },
	{ "the kernel's own references pass through", kernels_own_refs_pass_through },
};

static int __init selftest_init(void)
{
	self = xenbus_read_unsigned("domid", "", 0);
	ktap_run(cases, ARRAY_SIZE(cases));
	return 0;
}

static void __exit selftest_exit(void)
{
}

module_init(selftest_init);
module_exit(selftest_exit);
MODULE_DESCRIPTION("xengnt test: granting and ending");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0
/* Granting and ending, while the other side uses the page and while it does not. */
#include <xen/xenbus.h>

#include "oracle.h"

static void show_single(int readonly)
{
	struct page *page = fresh_page(1);
	int ref;

	if (!page)
		return;
	ref = grant_self(page, readonly);
	SHOW("grant, readonly %d", "a reference: %d\n", readonly, ref >= GNTTAB_NR_RESERVED_ENTRIES);
	SHOW("its pages, readonly %d", "count %d\n", readonly, page_count(page));
	SHOW("end, readonly %d", "%d\n", readonly, gnttab_end_foreign_access_ref(ref));
	SHOW("end again, readonly %d", "%d\n", readonly, gnttab_end_foreign_access_ref(ref));
	gnttab_grant_foreign_access_ref(ref, oracle_self, xen_page_to_gfn(page), readonly);
	SHOW("grant again and end, readonly %d", "%d\n", readonly,
	     gnttab_end_foreign_access_ref(ref));
	gnttab_page_grant_foreign_access_ref_one(ref, oracle_self, page, readonly);
	SHOW("grant by page and try to end, readonly %d", "%d\n", readonly,
	     gnttab_try_end_foreign_access(ref));
	put_page(page);
}

static void show_ungranted(void)
{
	grant_ref_t head;
	int ref, err = gnttab_alloc_grant_references(4, &head);

	SHOW("list to end from", "%d\n", err);
	if (err)
		return;
	ref = gnttab_claim_grant_reference(&head);
	SHOW("end, claimed only", "%d\n", gnttab_end_foreign_access_ref(ref));
	gnttab_release_grant_reference(&head, ref);
	SHOW("the released one is claimed", "%d\n", gnttab_claim_grant_reference(&head) == ref);
	SHOW("try to end, claimed only", "%d\n", gnttab_try_end_foreign_access(ref));
	ref = gnttab_claim_grant_reference(&head);
	gnttab_end_foreign_access(ref, NULL);
	SHOW("end without a page, claimed only", "back\n");
	gnttab_free_grant_references(head);
}

static void show_end_with_page(void)
{
	struct page *page = fresh_page(2);
	int ref;

	if (!page)
		return;
	get_page(page);
	ref = grant_self(page, 0);
	SHOW("before the end with its page", "count %d\n", page_count(page));
	gnttab_end_foreign_access(ref, page);
	SHOW("after the end with its page", "count %d\n", page_count(page));
	ref = grant_self(page, 0);
	gnttab_end_foreign_access(ref, NULL);
	SHOW("after the end without a page", "count %d\n", page_count(page));
	put_page(page);
}

static void show_many(void)
{
	static int refs[300];
	struct page *page = fresh_page(3);
	int i, granted = 0, ended = 0;

	if (!page)
		return;
	for (i = 0; i < ARRAY_SIZE(refs); i++) {
		refs[i] = grant_self(page, i & 1);
		granted += refs[i] >= 0;
	}
	for (i = 0; i < ARRAY_SIZE(refs); i++)
		ended += refs[i] >= 0 && gnttab_try_end_foreign_access(refs[i]);
	SHOW("300 grants of a page", "%d, ended %d, count %d\n", granted, ended, page_count(page));
	put_page(page);
}

/* The kernel grants a ring on a driver's behalf: its reference is never one of ours. */
static void show_ring(void)
{
	static struct xenbus_device device;
	struct page *page;
	grant_ref_t ref;
	void *ring;
	int err;

	device.otherend_id = oracle_self;
	err = xenbus_setup_ring(&device, GFP_KERNEL, &ring, 1, &ref);
	SHOW("a ring of xenbus", "%d\n", err);
	if (err)
		return;
	page = virt_to_page(ring);
	get_page(page);
	SHOW("end access to the ring", "%d\n", gnttab_end_foreign_access_ref(ref));
	gnttab_grant_foreign_access_ref(ref, oracle_self, xen_page_to_gfn(page), 0);
	SHOW("grant the ring anew", "count %d\n", page_count(page));
	gnttab_end_foreign_access(ref, page);
	SHOW("end it with its page", "count %d\n", page_count(page));
	put_page(page);
}

void oracle_grants(void)
{
	show_ring();
	show_single(0);
	show_single(1);
	show_ungranted();
	show_end_with_page();
	show_many();
}

/* --- with the page mapped by the other side -------------------------------------- */

struct mapping {
	struct page *granted;
	int ref, map;
};

static bool map_page(struct mapping *m)
{
	m->granted = fresh_page(4);
	if (!m->granted)
		return false;
	m->ref = gnttab_grant_foreign_access(oracle_other, xen_page_to_gfn(m->granted), 0);
	m->map = other_map(m->ref);
	return m->map >= 0;
}

static int unmap_page(struct mapping *m)
{
	return other_unmap(m->map);
}

static void show_busy_end(void)
{
	struct mapping m;

	SHOW("mapped", "%d\n", map_page(&m));
	SHOW("end, mapped", "%d\n", gnttab_end_foreign_access_ref(m.ref));
	SHOW("try to end, mapped", "%d\n", gnttab_try_end_foreign_access(m.ref));
	SHOW("unmap", "%d\n", unmap_page(&m));
	SHOW("end, unmapped", "%d\n", gnttab_end_foreign_access_ref(m.ref));
	SHOW("try to end, unmapped", "%d\n", gnttab_try_end_foreign_access(m.ref));
	put_page(m.granted);
}

static void show_deferred_end(bool with_page)
{
	struct mapping m;
	struct page *page;

	SHOW("mapped, with page %d", "%d\n", with_page, map_page(&m));
	page = m.granted;
	get_page(page);
	SHOW("before the deferred end, with page %d", "count %d\n", with_page, page_count(page));
	gnttab_end_foreign_access(m.ref, with_page ? page : NULL);
	SHOW("while the end is deferred, with page %d", "count %d\n", with_page, page_count(page));
	msleep(50);
	SHOW("a little later, with page %d", "count %d\n", with_page, page_count(page));
	SHOW("unmap, with page %d", "%d\n", with_page, unmap_page(&m));
	SHOW("the deferred end comes, with page %d", "%d\n", with_page,
	     SOON(page_count(page) == (with_page ? 1 : 2)));
	while (page_count(page) > 1)
		put_page(page);
	put_page(page);
}

static void show_deferred_many(void)
{
	static struct mapping m[20];
	int i, mapped = 0, unmapped = 0, back = 0;

	for (i = 0; i < ARRAY_SIZE(m); i++)
		mapped += map_page(&m[i]);
	for (i = 0; i < ARRAY_SIZE(m); i++) {
		get_page(m[i].granted);
		gnttab_end_foreign_access(m[i].ref, m[i].granted);
	}
	for (i = 0; i < ARRAY_SIZE(m); i++)
		unmapped += !unmap_page(&m[i]);
	for (i = 0; i < ARRAY_SIZE(m); i++) {
		back += SOON(page_count(m[i].granted) == 1);
		put_page(m[i].granted);
	}
	SHOW("20 deferred ends", "mapped %d, unmapped %d, ended %d\n", mapped, unmapped, back);
}

void oracle_busy(void)
{
	show_busy_end();
	show_deferred_end(true);
	/* With larger pages the kernel takes a frame's number for a page's, and crashes. */
	if (PAGE_SIZE == XEN_PAGE_SIZE)
		show_deferred_end(false);
	show_deferred_many();
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Grants for copying: parts of pages, grants passed on. The other side is this
 * guest itself, which may copy from its own grants whatever its type.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <xen/grant_table.h>
#include <xen/page.h>
#include <xen/xenbus.h>
#include <xengnt/copy_grants.h>
#include <xengnt/pool.h>

#include "ktap.h"

#define ONLY_VERSION_2 KTAP_SKIP "the table has version 1"

static domid_t self;
static struct page *source, *target;

/* Copies @len bytes of a reference's page from @offset to the start of the target. */
static int copy_from(int ref, unsigned int offset, unsigned int len)
{
	struct gnttab_copy op = {
		.source.u.ref = ref,
		.source.domid = self,
		.source.offset = offset,
		.dest.u.gmfn = xen_page_to_gfn(target),
		.dest.domid = DOMID_SELF,
		.len = len,
		.flags = GNTCOPY_source_gref,
	};

	memset(page_address(target), 0, PAGE_SIZE);
	gnttab_batch_copy(&op, 1);
	return op.status;
}

static int copy_to(int ref, unsigned int offset, unsigned int len)
{
	struct gnttab_copy op = {
		.source.u.gmfn = xen_page_to_gfn(target),
		.source.domid = DOMID_SELF,
		.dest.u.ref = ref,
		.dest.domid = self,
		.dest.offset = offset,
		.len = len,
		.flags = GNTCOPY_dest_gref,
	};

	gnttab_batch_copy(&op, 1);
	return op.status;
}

static const char *version_1_has_none(void)
{
	grant_ref_t ref;

	if (xengnt_table_version() != 1)
		return KTAP_SKIP "the table has version 2";
	EXPECT(xengnt_grant_foreign_access_subpage(self, 1, 0, 0, 512) == -EOPNOTSUPP);
	EXPECT(xengnt_grant_foreign_access_trans(self, 0, 1, 8) == -EOPNOTSUPP);
	EXPECT(xengnt_pool_grant_foreign_access_subpage(NULL, self, 1, 0, 0, 1) == -EOPNOTSUPP);
	EXPECT(xengnt_pool_grant_foreign_access_trans(NULL, self, 0, 1, 8) == -EOPNOTSUPP);
	EXPECT(!gnttab_alloc_grant_reference_seq(1, &ref));
	EXPECT(xengnt_grant_foreign_access_subpage_ref(ref, self, 1, 0, 0, 512) == -EOPNOTSUPP);
	EXPECT(xengnt_grant_foreign_access_trans_ref(ref, self, 0, 1, 8) == -EOPNOTSUPP);
	gnttab_free_grant_reference(ref);
	return NULL;
}

static const char *a_part_and_no_more(void)
{
	u8 *bytes = page_address(source);
	int ref, i;

	if (xengnt_table_version() != 2)
		return ONLY_VERSION_2;
	for (i = 0; i < PAGE_SIZE; i++)
		bytes[i] = 1 + i / 512;
	ref = xengnt_grant_foreign_access_subpage(self, xen_page_to_gfn(source), 1, 512, 512);
	EXPECT(ref >= 8);
	EXPECT(copy_from(ref, 512, 512) == GNTST_okay);
	EXPECT(!memchr_inv(page_address(target), 2, 512));
	EXPECT(copy_from(ref, 1023, 1) == GNTST_okay);
	EXPECT(copy_from(ref, 511, 1) != GNTST_okay);
	EXPECT(copy_from(ref, 1024, 1) != GNTST_okay);
	EXPECT(copy_from(ref, 512, 513) != GNTST_okay);
	EXPECT(!memchr_inv(page_address(target), 0, PAGE_SIZE));
	EXPECT(copy_to(ref, 512, 1) != GNTST_okay);
	EXPECT(gnttab_try_end_foreign_access(ref) == 1);
	EXPECT(copy_from(ref, 512, 512) != GNTST_okay);
	return NULL;
}

static const char *a_part_can_be_written(void)
{
	u8 *bytes = page_address(source);
	grant_ref_t ref;

	if (xengnt_table_version() != 2)
		return ONLY_VERSION_2;
	memset(bytes, 0, PAGE_SIZE);
	memset(page_address(target), 7, PAGE_SIZE);
	EXPECT(!gnttab_alloc_grant_reference_seq(1, &ref));
	EXPECT(!xengnt_grant_foreign_access_subpage_ref(ref, self, xen_page_to_gfn(source), 0,
							 4000, 96));
	EXPECT(copy_to(ref, 4000, 96) == GNTST_okay);
	EXPECT(copy_to(ref, 3999, 1) != GNTST_okay);
	EXPECT(!memchr_inv(bytes, 0, 4000));
	EXPECT(!memchr_inv(bytes + 4000, 7, 96));
	/* Granted already: refused, and nothing changed. */
	EXPECT(xengnt_grant_foreign_access_subpage_ref(ref, self, 1, 0, 0, 1) == -EINVAL);
	EXPECT(copy_to(ref, 4095, 1) == GNTST_okay);
	gnttab_end_foreign_access(ref, NULL);
	EXPECT(copy_to(ref, 4000, 96) != GNTST_okay);
	return NULL;
}

static const char *what_is_no_part(void)
{
	if (xengnt_table_version() != 2)
		return ONLY_VERSION_2;
	EXPECT(xengnt_grant_foreign_access_subpage(self, 1, 0, 0, 0) == -EINVAL);
	EXPECT(xengnt_grant_foreign_access_subpage(self, 1, 0, 4095, 2) == -EINVAL);
	EXPECT(xengnt_grant_foreign_access_subpage(self, 1, 0, U16_MAX, U16_MAX) == -EINVAL);
	EXPECT(xengnt_grant_foreign_access_subpage(self, 1ul << 52, 0, 0, 1) == -EINVAL);
	EXPECT(xengnt_grant_foreign_access_subpage_ref(INVALID_GRANT_REF, self, 1, 0, 0, 1) ==
	       -EINVAL);
	return NULL;
}

/* Xen refuses a chain that leads back here; that it gets so far shows that it reads the entry. */
static const char *a_grant_passed_on(void)
{
	int first, passed;

	if (xengnt_table_version() != 2)
		return ONLY_VERSION_2;
	first = gnttab_grant_foreign_access(self, xen_page_to_gfn(source), 0);
	EXPECT(first >= 8);
	passed = xengnt_grant_foreign_access_trans(self, 1, self, first);
	EXPECT(passed >= 8 && passed != first);
	EXPECT(copy_from(first, 0, 1) == GNTST_okay);
	EXPECT(copy_from(passed, 0, 1) != GNTST_okay);
	EXPECT(gnttab_end_foreign_access_ref(passed) == 1);
	gnttab_free_grant_reference(passed);
	EXPECT(gnttab_try_end_foreign_access(first) == 1);
	return NULL;
}

static const char *from_a_pool(void)
{
	unsigned long gfn = xen_page_to_gfn(source);
	struct xengnt_pool *pool;
	int part, passed;

	if (xengnt_table_version() != 2)
		return ONLY_VERSION_2;
	pool = xengnt_pool_create("copies", 0, 1);
	EXPECT(!IS_ERR(pool));
	part = xengnt_pool_grant_foreign_access_subpage(pool, self, gfn, 0, 0, 1);
	EXPECT(part >= 8);
	/* The limit is this pool's alone. */
	EXPECT(xengnt_pool_grant_foreign_access_subpage(pool, self, gfn, 0, 0, 1) == -ENOSPC);
	EXPECT(xengnt_pool_grant_foreign_access_trans(pool, self, 1, self, part) == -ENOSPC);
	passed = xengnt_grant_foreign_access_trans(self, 1, self, part);
	EXPECT(passed >= 8 && gnttab_try_end_foreign_access(passed) == 1);
	EXPECT(gnttab_try_end_foreign_access(part) == 1);
	/* What is refused gives its reference back. */
	EXPECT(xengnt_pool_grant_foreign_access_subpage(pool, self, gfn, 0, 0, 0) == -EINVAL);
	passed = xengnt_pool_grant_foreign_access_trans(pool, self, 1, self, 8);
	EXPECT(passed >= 8 && gnttab_try_end_foreign_access(passed) == 1);
	EXPECT(xengnt_pool_destroy(pool) == 0);
	EXPECT(xengnt_pool_grant_foreign_access_subpage(NULL, self, gfn, 0, 0, 1) == -ENOSPC);
	EXPECT(xengnt_pool_grant_foreign_access_trans(NULL, self, 1, self, 8) == -ENOSPC);
	return NULL;
}

static const struct ktap_case cases[] = {
	{ "a version 1 table has no such grants", version_1_has_none },
	{ "a part of a page can be read, and no more", a_part_and_no_more },
	{ "a part of a page can be written, and no more", a_part_can_be_written },
	{ "what is no part of a page is refused", what_is_no_part },
	{ "a grant passed on", a_grant_passed_on },
	{ "from a pool, within its limit", from_a_pool },
};

static int __init selftest_copies_init(void)
{
	self = xenbus_read_unsigned("domid", "", 0);
	source = alloc_page(GFP_KERNEL | __GFP_ZERO);
	target = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (source && target)
		ktap_run(cases, ARRAY_SIZE(cases));
	if (target)
		__free_page(target);
	if (source)
		__free_page(source);
	return source && target ? 0 : -ENOMEM;
}

static void __exit selftest_copies_exit(void)
{
}

module_init(selftest_copies_init);
module_exit(selftest_copies_exit);
MODULE_DESCRIPTION("xengnt test: grants for copying");
MODULE_LICENSE("GPL");

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kernel functions for <xengnt/grant.hh>, which cannot call them itself: kernel
 * headers are not C++. One C file of a driver whose C++ files use Page or Mapping
 * includes this header and thereby holds these functions; C++ sees declarations.
 */
#ifndef XENGNT_GRANT_GLUE_H
#define XENGNT_GRANT_GLUE_H

struct page;

struct xengnt_glue_mapping {
	struct page *page;
	void *address;
	unsigned int handle;
};

#ifdef __cplusplus
extern "C" {
#endif

/* A zeroed page, or NULL. May sleep, starts no I/O. */
struct page *xengnt_glue_alloc_page(void);
void xengnt_glue_put_page(struct page *page);
void *xengnt_glue_page_address(const struct page *page);
/* As granting wants it. */
unsigned long xengnt_glue_page_frame(struct page *page);

/* One grant of another domain's. Returns 0 or an errno; both may sleep. */
int xengnt_glue_map(struct xengnt_glue_mapping *mapping, unsigned short domid, unsigned int ref,
		    int readonly);
void xengnt_glue_unmap(struct xengnt_glue_mapping *mapping);

#ifdef __cplusplus
}
#else

#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <xen/grant_table.h>
#include <xen/page.h>

struct page *xengnt_glue_alloc_page(void)
{
	return alloc_page(GFP_NOIO | __GFP_ZERO);
}

void xengnt_glue_put_page(struct page *page)
{
	put_page(page);
}

void *xengnt_glue_page_address(const struct page *page)
{
	return page_address(page);
}

unsigned long xengnt_glue_page_frame(struct page *page)
{
	return xen_page_to_gfn(page);
}

int xengnt_glue_map(struct xengnt_glue_mapping *mapping, unsigned short domid, unsigned int ref,
		    int readonly)
{
	struct gnttab_map_grant_ref op;
	int err = gnttab_alloc_pages(1, &mapping->page);

	if (err)
		return err;
	mapping->address = page_address(mapping->page);
	gnttab_set_map_op(&op, (unsigned long)mapping->address,
			  GNTMAP_host_map | (readonly ? GNTMAP_readonly : 0), ref, domid);
	/* The status tells, also when the call as a whole has failed. */
	err = gnttab_map_refs(&op, NULL, &mapping->page, 1);
	if (op.status != GNTST_okay) {
		gnttab_free_pages(1, &mapping->page);
		return err ? err : -EACCES;
	}
	mapping->handle = op.handle;
	return 0;
}

void xengnt_glue_unmap(struct xengnt_glue_mapping *mapping)
{
	struct gnttab_unmap_grant_ref op;

	gnttab_set_unmap_op(&op, (unsigned long)mapping->address, GNTMAP_host_map,
			    mapping->handle);
	/* A page that is still mapped must not be used for anything else. */
	if (gnttab_unmap_refs(&op, NULL, &mapping->page, 1) || op.status != GNTST_okay)
		pr_err("xengnt: a mapping could not be undone, its page is lost\n");
	else
		gnttab_free_pages(1, &mapping->page);
}

#endif /* __cplusplus */
#endif /* XENGNT_GRANT_GLUE_H */

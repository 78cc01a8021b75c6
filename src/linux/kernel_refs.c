// SPDX-License-Identifier: GPL-2.0
/*
 * Ending access of references that are the kernel's own (granted by xenbus on a
 * driver's behalf, say): the kernel does it, except where it cannot.
 *
 * An auto-translated guest's kernel never maps the status frames of a version 2
 * table, and dereferences NULL at its first end of access. There the entry is
 * closed here, and only the reference given to the kernel.
 *
 * A kernel with pages larger than Xen's takes the number of a granted frame for
 * that of one of its own pages when it has to find the page by itself, and
 * dereferences what is not there. It is given the page.
 */
#include "internal.h"

#include <linux/mm.h>
#include <xen/grant_table.h>
#include <xen/page.h>

#include "../core/core.h"

/* The kernel indexes its arrays with whatever it is given: what it cannot have stays here. */
bool xengnt_kernels_own(grant_ref_t ref, unsigned long caller)
{
	if (likely(xengnt_kernel_has(ref)))
		return true;
	xg_refuse(XG_REPORT_BAD_RANGE, ref, caller);
	return false;
}

bool xengnt_kernel_end_ref(grant_ref_t ref, unsigned long caller)
{
	if (!xengnt_kernels_own(ref, caller))
		return false;
	if (!xengnt_kernel_cannot_end())
		return gnttab_end_foreign_access_ref(ref);
	if (xg_end_unleased(ref))
		return true;
	pr_warn("reference %#x is still in use; caller %pS\n", ref, (void *)caller);
	return false;
}

bool xengnt_kernel_try_end(grant_ref_t ref, unsigned long caller)
{
	if (!xengnt_kernels_own(ref, caller))
		return false;
	if (!xengnt_kernel_cannot_end())
		return gnttab_try_end_foreign_access(ref);
	if (!xg_end_unleased(ref))
		return false;
	gnttab_free_grant_reference(ref);
	return true;
}

/* With larger pages: whose page is not known is looked up here when it is in use. */
static void end_without_page(grant_ref_t ref, unsigned long caller)
{
	struct page *page;

	if (gnttab_try_end_foreign_access(ref))
		return;
	page = xg_keep_page_of(ref);
	if (page)
		gnttab_end_foreign_access(ref, page);
	else
		pr_err("reference %#x is in use and grants no page of memory: it is kept for good; caller %pS\n",
		       ref, (void *)caller);
}

void xengnt_kernel_end(grant_ref_t ref, struct page *page, unsigned long caller)
{
	if (!xengnt_kernels_own(ref, caller))
		return;
	if (!xengnt_kernel_cannot_end()) {
		if (page || PAGE_SIZE == XEN_PAGE_SIZE)
			gnttab_end_foreign_access(ref, page);
		else
			end_without_page(ref, caller);
		return;
	}
	if (xengnt_kernel_try_end(ref, caller)) {
		if (page)
			put_page(page);
		return;
	}
	/* Nobody could look again later: the page must not be used for anything else. */
	if (!page)
		xg_keep_page_of(ref);
	pr_err("reference %#x is in use, and this kernel cannot end access in a version 2 table: it and its page are kept for good; caller %pS\n",
	       ref, (void *)caller);
}

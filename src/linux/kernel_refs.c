// SPDX-License-Identifier: GPL-2.0
/*
 * Ends access through references that the kernel's own allocator has lent to nobody
 * here: xenbus granted them on a driver's behalf, say. The kernel ends them, except
 * where it would crash:
 *
 * - In an auto-translated guest with a version 2 table the kernel never maps the
 *   status frames, and its first end of access dereferences NULL. The entry is closed
 *   here, and the kernel gets only the reference.
 *
 * - A busy reference that comes without its page is a trap in any guest. The kernel
 *   (gnttab_add_deferred()) then looks up the page behind the entry's frame without
 *   asking whether there is one: a frame without a struct page, a transitive grant, or a
 *   kernel with pages larger than Xen's lead it to an arbitrary address. The page is
 *   looked up here, and the kernel always gets one.
 */
#include "internal.h"

#include <linux/mm.h>
#include <linux/ratelimit.h>
#include <xen/grant_table.h>
#include <xen/page.h>

#include "../core/core.h"
#include "../port/port.h"

/* The kernel indexes its arrays without a check, so it gets no reference beyond its table. */
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
	xengnt_say_busy(ref, caller);
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

/*
 * A page for a reference that grants no page of memory: the kernel drops one reference
 * on it when access has ended. Not a page that anybody could miss.
 */
static struct page *stand_in(void)
{
	struct page *page = ZERO_PAGE(0);

	get_page(page);
	return page;
}

/* A reference on the page behind a busy entry; NULL if the entry cannot be read. */
static struct page *page_of_busy(grant_ref_t ref)
{
	struct page *page = xg_keep_page_of(ref);

	if (page || !xg_port_table_frame(ref / xengnt_frame_refs()))
		return page;
	return stand_in();
}

void xengnt_kernel_defer_end(grant_ref_t ref, struct page *page)
{
	gnttab_end_foreign_access(ref, page ?: stand_in());
}

void xengnt_kernel_end(grant_ref_t ref, struct page *page, unsigned long caller)
{
	if (!xengnt_kernels_own(ref, caller))
		return;
	if (xengnt_kernel_try_end(ref, caller)) {
		if (page)
			put_page(page);
		return;
	}
	if (!page)
		page = page_of_busy(ref);
	if (page && !xengnt_kernel_cannot_end())
		gnttab_end_foreign_access(ref, page);
	else
		/* No code would look at the entry again, so the page must not be reused. */
		pr_err_ratelimited("reference %#x is in use, and this kernel cannot end access to it: it and its page are kept until the guest is rebooted; caller %pS\n",
		       ref, (void *)caller);
}

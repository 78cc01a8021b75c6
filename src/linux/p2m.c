// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's table from its own frame numbers to the machine's (p2m), where a
 * page that a grant is mapped into must stand as the foreign frame it shows:
 * page table entries and bus addresses are made from it.
 *
 * The kernel's own functions for this are not exported; the table itself is,
 * and so is the making of a missing part of it (xen_alloc_p2m_entry).
 */
#include "internal.h"

#include <linux/mm.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/page.h>

#include "p2m.h"

#if defined(CONFIG_ARM) || defined(CONFIG_ARM64)
/* The list of foreign frames that DMA goes by is keyed by the address mapped at. */
bool xengnt_p2m_has_kmaps(void)
{
	return false;
}

int xengnt_p2m_enter(const struct gnttab_map_grant_ref *op, struct page *page)
{
	return set_phys_to_machine(op->host_addr >> XEN_PAGE_SHIFT,
				   op->dev_bus_addr >> XEN_PAGE_SHIFT) ? 0 : -ENOMEM;
}

bool xengnt_p2m_clear(const struct gnttab_unmap_grant_ref *op, struct page *page)
{
	set_phys_to_machine(op->host_addr >> XEN_PAGE_SHIFT, INVALID_P2M_ENTRY);
	return true;
}

#elif defined(CONFIG_XEN_PV)
bool xengnt_p2m_has_kmaps(void)
{
	return !xen_feature(XENFEAT_auto_translated_physmap);
}

int xengnt_p2m_enter(const struct gnttab_map_grant_ref *op, struct page *page)
{
	unsigned long pfn = page_to_pfn(page);
	unsigned long entry = FOREIGN_FRAME(XEN_PFN_DOWN(op->dev_bus_addr));
	int err;

	if (xen_feature(XENFEAT_auto_translated_physmap))
		return 0;
	if (pfn >= xen_p2m_size)
		return -ERANGE;
	WARN_ONCE(pfn_to_mfn(pfn) != INVALID_P2M_ENTRY,
		  "a grant is mapped into a page that has memory of its own");
	/* Parts of the table without entries are one page, mapped read-only all over. */
	if (!xen_safe_write_ulong(xen_p2m_addr + pfn, entry))
		return 0;
	err = xen_alloc_p2m_entry(pfn);
	return err < 0 ? err : xen_safe_write_ulong(xen_p2m_addr + pfn, entry);
}

bool xengnt_p2m_clear(const struct gnttab_unmap_grant_ref *op, struct page *page)
{
	unsigned long pfn = page_to_pfn(page);
	unsigned long entry;

	if (xen_feature(XENFEAT_auto_translated_physmap))
		return true;
	entry = __pfn_to_mfn(pfn);
	if (entry == INVALID_P2M_ENTRY || !(entry & FOREIGN_FRAME_BIT))
		return false;
	/* An entry that names a foreign frame was written by us: it can be written. */
	return !xen_safe_write_ulong(xen_p2m_addr + pfn, INVALID_P2M_ENTRY);
}

#else
bool xengnt_p2m_has_kmaps(void)
{
	return false;
}

int xengnt_p2m_enter(const struct gnttab_map_grant_ref *op, struct page *page)
{
	return 0;
}

bool xengnt_p2m_clear(const struct gnttab_unmap_grant_ref *op, struct page *page)
{
	return true;
}
#endif

// SPDX-License-Identifier: GPL-2.0
/*
 * Counts what mappings of grants leave in the kernel's own books, while it
 * loads: p2m entries that name another domain's frame (PV guests only), and
 * pages without memory of their own that somebody has out to map grants into.
 * It uses neither implementation.
 */
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <xen/page.h>
#include <xen/xen.h>

static unsigned long foreign, pages;
module_param(foreign, ulong, 0444);
MODULE_PARM_DESC(foreign, "read: p2m entries that name another domain's frame");
module_param(pages, ulong, 0444);
MODULE_PARM_DESC(pages, "read: pages without memory that somebody has out");

#ifdef CONFIG_XEN_PV
static bool pv_has_no_memory(unsigned long pfn)
{
	unsigned long entry;

	if (pfn >= xen_p2m_size || xen_safe_read_ulong(xen_p2m_addr + pfn, &entry))
		return false;
	/* An entry of all ones has the bit of foreign frames too. */
	if (entry == INVALID_P2M_ENTRY)
		return true;
	if ((entry & (FOREIGN_FRAME_BIT | IDENTITY_FRAME_BIT)) != FOREIGN_FRAME_BIT)
		return false;
	foreign++;
	return true;
}
#endif

static bool has_no_memory(unsigned long pfn)
{
#ifdef CONFIG_XEN_PV
	if (xen_pv_domain())
		return pv_has_no_memory(pfn);
#endif
	return is_zone_device_page(pfn_to_page(pfn));
}

static int __init count_pages_init(void)
{
	unsigned long end = 1UL << (MAX_PHYSMEM_BITS - PAGE_SHIFT), pfn = 0;

	while (pfn < end) {
		if (!pfn_valid(pfn)) {
			pfn = round_down(pfn, PAGES_PER_SECTION) + PAGES_PER_SECTION;
			continue;
		}
		pages += has_no_memory(pfn) && PagePrivate(pfn_to_page(pfn));
		if (!(++pfn % PAGES_PER_SECTION))
			cond_resched();
	}
	pr_info("count_pages: foreign %lu pages %lu\n", foreign, pages);
	return 0;
}

static void __exit count_pages_exit(void)
{
}

module_init(count_pages_init);
module_exit(count_pages_exit);
MODULE_DESCRIPTION("Counts pages and p2m entries of mapped grants");
MODULE_LICENSE("GPL");

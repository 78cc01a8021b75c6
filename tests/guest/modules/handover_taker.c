// SPDX-License-Identifier: GPL-2.0
/*
 * Grants a page to this very domain and, when it goes, ends access whether the
 * page is mapped or not. See suites/both/35-handover.sh.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <xen/grant_table.h>
#include <xen/page.h>
#include <xen/xenbus.h>

static int ref = -1;
module_param(ref, int, 0444);
static unsigned long pfn;
module_param(pfn, ulong, 0444);

static struct page *page;

static int __init handover_taker_init(void)
{
	page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!page)
		return -ENOMEM;
	pfn = page_to_pfn(page);
	ref = gnttab_grant_foreign_access(xenbus_read_unsigned("domid", "", 0),
					  xen_page_to_gfn(page), 0);
	if (ref >= 0)
		return 0;
	__free_page(page);
	return ref;
}

static void __exit handover_taker_exit(void)
{
	gnttab_end_foreign_access(ref, page);
}

module_init(handover_taker_init);
module_exit(handover_taker_exit);
MODULE_DESCRIPTION("xengnt test: goes while its page is mapped");
MODULE_LICENSE("GPL");

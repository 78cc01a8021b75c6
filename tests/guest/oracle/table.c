// SPDX-License-Identifier: GPL-2.0
/* The table itself. */
#include <linux/io.h>

#include "oracle.h"

#define TABLE_ORDER 6	/* 64 frames: as many as a table has by default */

/* Only where the kernel does not live on what is set up and freed here. */
static void show_frames(void)
{
	struct page *range = alloc_pages(GFP_KERNEL | __GFP_COMP, TABLE_ORDER);
	phys_addr_t addr;

	if (!range || gnttab_max_grant_frames() > 1 << TABLE_ORDER)
		return;
	addr = page_to_phys(range);
	gnttab_free_auto_xlat_frames();
	SHOW("free frames that are not there", "back\n");
	SHOW("set up frames", "%d\n", gnttab_setup_auto_xlat_frames(addr));
	SHOW("set up frames again", "%d\n", gnttab_setup_auto_xlat_frames(addr));
	gnttab_free_auto_xlat_frames();
	SHOW("set up frames after freeing", "%d\n", gnttab_setup_auto_xlat_frames(addr));
#ifndef ORACLE_STOCK
	ALONE("frames", xen_auto_xlat_grant_frames.count, gnttab_max_grant_frames());
	ALONE("first frame", xen_auto_xlat_grant_frames.pfn[0], XEN_PFN_DOWN(addr));
	ALONE("where they are", xen_auto_xlat_grant_frames.vaddr == page_address(range), 1);
#endif
	gnttab_free_auto_xlat_frames();
	gnttab_free_auto_xlat_frames();
	SHOW("free frames twice", "back\n");
	__free_pages(range, TABLE_ORDER);
}

void oracle_table(void)
{
	SHOW("frames at most", "%u\n", gnttab_max_grant_frames());
	SHOW("frames at most, once more", "%u\n", gnttab_max_grant_frames());
	if (xen_feature(XENFEAT_auto_translated_physmap))
		SHOW("set up frames that are there", "%d\n", gnttab_setup_auto_xlat_frames(0));
	else
		show_frames();
#ifndef ORACLE_STOCK
	/* The kernel's own would start its table anew, or are not exported. */
	ALONE("init", gnttab_init(), 0);
	ALONE("suspend", gnttab_suspend(), 0);
	ALONE("resume", gnttab_resume(), 0);
#endif
}

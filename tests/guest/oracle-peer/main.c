// SPDX-License-Identifier: GPL-2.0
/*
 * dom0's side of the oracle in a guest: does what the guest asks for through a
 * page that it has granted, while it loads, until the guest says good-bye. Built
 * on the kernel's own functions: what is under test is the guest's side.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <xen/grant_table.h>
#include <xen/page.h>

#include "side.h"

static unsigned short domid;
module_param(domid, ushort, 0);
MODULE_PARM_DESC(domid, "the guest");

static unsigned int ref;
module_param(ref, uint, 0);
MODULE_PARM_DESC(ref, "of the page with its requests");

/* A guest that is silent for so long has gone. */
#define SILENCE (60 * HZ)

static void serve(struct side_page *page)
{
	unsigned long last = jiffies;
	struct side_request request = { SIDE_HELLO };
	u32 number, done = 0;

	do {
		/* The request is read after its number, the answer written before its own. */
		number = virt_load_acquire(&page->asked);
		if (number == done) {
			usleep_range(50, 200);
			continue;
		}
		request = page->request;
		page->result = side_do(domid, &request, page->granted);
		virt_store_release(&page->answered, number); /* see above */
		done = number;
		last = jiffies;
	} while (request.what != SIDE_BYE && !signal_pending(current) &&
		 time_before(jiffies, last + SILENCE));
}

static int __init oracle_peer_init(void)
{
	struct gnttab_map_grant_ref map;
	struct gnttab_unmap_grant_ref unmap;
	struct page *page;

	if (gnttab_alloc_pages(1, &page))
		return -ENOMEM;
	gnttab_set_map_op(&map, (unsigned long)page_address(page), GNTMAP_host_map, ref, domid);
	if (!gnttab_map_refs(&map, NULL, &page, 1) && map.status == GNTST_okay) {
		serve(page_address(page));
		side_clean();
		gnttab_set_unmap_op(&unmap, (unsigned long)page_address(page), GNTMAP_host_map,
				    map.handle);
		gnttab_unmap_refs(&unmap, NULL, &page, 1);
	} else {
		pr_err("oracle_peer: cannot map the guest's page: status %d\n", map.status);
	}
	gnttab_free_pages(1, &page);
	return 0;
}

static void __exit oracle_peer_exit(void)
{
}

module_init(oracle_peer_init);
module_exit(oracle_peer_exit);
MODULE_DESCRIPTION("The other side of a guest's grants, for tests");
MODULE_LICENSE("GPL");

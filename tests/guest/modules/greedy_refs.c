// SPDX-License-Identifier: GPL-2.0
/* A driver that takes all references that it can get when it is loaded, and keeps them. */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <xen/grant_table.h>

#define MAX_LISTS 65536
#define MOST_AT_ONCE 128

static unsigned int taken;
module_param(taken, uint, 0444);
MODULE_PARM_DESC(taken, "read: how many it got");

static grant_ref_t *lists;
static unsigned int nr_lists;

static int __init greedy_refs_init(void)
{
	u16 count = MOST_AT_ONCE;

	lists = kvcalloc(MAX_LISTS, sizeof(*lists), GFP_KERNEL);
	if (!lists)
		return -ENOMEM;
	while (count && nr_lists < MAX_LISTS) {
		if (gnttab_alloc_grant_references(count, &lists[nr_lists])) {
			count /= 2;
		} else {
			taken += count;
			nr_lists++;
		}
	}
	return 0;
}

static void __exit greedy_refs_exit(void)
{
	while (nr_lists)
		gnttab_free_grant_references(lists[--nr_lists]);
	kvfree(lists);
}

module_init(greedy_refs_init);
module_exit(greedy_refs_exit);
MODULE_DESCRIPTION("xengnt test: a driver that takes all references");
MODULE_LICENSE("GPL");

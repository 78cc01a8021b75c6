// SPDX-License-Identifier: GPL-2.0
/* Everything, in order, while the module loads. */
#include <linux/module.h>
#include <xen/xenbus.h>

#include "oracle.h"

domid_t oracle_self;
bool oracle_maps;

static int __init oracle_init(void)
{
	unsigned int self = 0;

	if (!xen_initial_domain() && xenbus_scanf(XBT_NIL, "domid", "", "%u", &self) != 1)
		return -ENODEV;
	oracle_self = self;

	oracle_refs();
	oracle_grants();
	oracle_pages();
	oracle_ranges();
	oracle_copies();
	oracle_table();
	oracle_maps = other_start();
	if (oracle_maps) {
		oracle_busy();
		oracle_maps_good();
		oracle_maps_bad();
		oracle_kmaps();
	}
	oracle_queue();
	other_stop();
	oracle_callbacks();
	SHOW("the end", "reached\n");
	return 0;
}

static void __exit oracle_exit(void)
{
}

module_init(oracle_init);
module_exit(oracle_exit);
MODULE_DESCRIPTION("Says what the grant-table interface does");
MODULE_LICENSE("GPL");

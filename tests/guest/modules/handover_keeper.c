// SPDX-License-Identifier: GPL-2.0
/*
 * Maps a grant of this very domain with the kernel's own functions, so that
 * xengnt can go meanwhile, and watches the granted page.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <xen/grant_table.h>
#include <xen/page.h>
#include <xen/xenbus.h>

/* The symbols behind the drop-in's names. */
#undef gnttab_alloc_pages
#undef gnttab_free_pages
#undef gnttab_map_refs
#undef gnttab_unmap_refs
int gnttab_alloc_pages(int nr_pages, struct page **pages);
void gnttab_free_pages(int nr_pages, struct page **pages);
int gnttab_map_refs(struct gnttab_map_grant_ref *map_ops, struct gnttab_map_grant_ref *kmap_ops,
		    struct page **pages, unsigned int count);
int gnttab_unmap_refs(struct gnttab_unmap_grant_ref *unmap_ops,
		      struct gnttab_unmap_grant_ref *kunmap_ops, struct page **pages,
		      unsigned int count);

#include "own_mapping.h"

static unsigned int ref;
module_param(ref, uint, 0444);
static unsigned long pfn;
module_param(pfn, ulong, 0444);

static struct mapping mapping;
static bool mapped;

/* References on the granted page: one is ours. */
static int get_owners(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%d\n", page_count(pfn_to_page(pfn)));
}
static const struct kernel_param_ops owners_ops = { .get = get_owners };
module_param_cb(owners, &owners_ops, NULL, 0444);

static int unmap(const char *value, const struct kernel_param *param)
{
	if (mapped)
		unmap_own(&mapping);
	mapped = false;
	return 0;
}
static const struct kernel_param_ops unmap_ops = { .set = unmap };
module_param_cb(unmap, &unmap_ops, NULL, 0200);

static int __init handover_keeper_init(void)
{
	int err = map_own(&mapping, ref, xenbus_read_unsigned("domid", "", 0));

	if (err)
		return err;
	mapped = true;
	get_page(pfn_to_page(pfn));
	return 0;
}

static void __exit handover_keeper_exit(void)
{
	unmap(NULL, NULL);
	put_page(pfn_to_page(pfn));
}

module_init(handover_keeper_init);
module_exit(handover_keeper_exit);
MODULE_DESCRIPTION("xengnt test: keeps a grant mapped");
MODULE_LICENSE("GPL");

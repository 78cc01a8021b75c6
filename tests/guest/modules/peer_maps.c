// SPDX-License-Identifier: GPL-2.0
/*
 * The other side of a grant, as a driver that knows nothing of xengnt: maps one
 * page with the kernel's own functions and keeps it until the module goes.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <xen/grant_table.h>

#undef gnttab_alloc_pages
#undef gnttab_free_pages
#undef gnttab_map_refs
#undef gnttab_unmap_refs
extern int gnttab_alloc_pages(int nr, struct page **pages);
extern void gnttab_free_pages(int nr, struct page **pages);
extern int gnttab_map_refs(struct gnttab_map_grant_ref *maps,
			   struct gnttab_map_grant_ref *kernel_maps, struct page **pages,
			   unsigned int nr);
extern int gnttab_unmap_refs(struct gnttab_unmap_grant_ref *unmaps,
			     struct gnttab_unmap_grant_ref *kernel_unmaps, struct page **pages,
			     unsigned int nr);

static unsigned int domid, ref;
module_param(domid, uint, 0444);
MODULE_PARM_DESC(domid, "whose page");
module_param(ref, uint, 0444);
MODULE_PARM_DESC(ref, "by which reference");

static struct page *page;
static struct gnttab_unmap_grant_ref unmap;

static int __init peer_init(void)
{
	struct gnttab_map_grant_ref map;
	unsigned long address;
	int err = gnttab_alloc_pages(1, &page);

	if (err)
		return err;
	address = (unsigned long)page_address(page);
	gnttab_set_map_op(&map, address, GNTMAP_host_map, ref, domid);
	err = gnttab_map_refs(&map, NULL, &page, 1);
	if (!err && map.status)
		err = -EIO;
	gnttab_set_unmap_op(&unmap, address, GNTMAP_host_map, map.handle);
	if (err)
		gnttab_free_pages(1, &page);
	return err;
}

static void __exit peer_exit(void)
{
	gnttab_unmap_refs(&unmap, NULL, &page, 1);
	gnttab_free_pages(1, &page);
}

module_init(peer_init);
module_exit(peer_exit);
MODULE_DESCRIPTION("xengnt test: maps a page of another domain, by the kernel's own functions");
MODULE_LICENSE("GPL");

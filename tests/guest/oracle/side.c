// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>
#include <linux/string.h>
#include <xen/grant_table.h>
#include <xen/page.h>

#include "side.h"

static struct {
	struct page *page;
	int ref;
} granted[SIDE_PAGES];

static struct {
	struct page *page;
	grant_handle_t handle;
} mapped[SIDE_MAPS];

static s64 grant(domid_t other, u8 fill, bool readonly, struct side_granted *told)
{
	u32 i;

	for (i = 0; i < SIDE_PAGES; i++) {
		struct page *page = alloc_page(GFP_KERNEL);

		if (!page || granted[i].page)
			return -ENOMEM;
		memset(page_address(page), fill + i, PAGE_SIZE);
		granted[i].page = page;
		granted[i].ref = gnttab_grant_foreign_access(other, xen_page_to_gfn(page),
							     readonly);
		told[i].ref = granted[i].ref;
		told[i].frame = xen_page_to_gfn(page);
	}
	return 0;
}

static s64 end_and_free(void)
{
	s64 ended = 0;
	u32 i;

	for (i = 0; i < SIDE_PAGES; i++) {
		struct page *page = granted[i].page;
		int ref = granted[i].ref;

		if (!page)
			continue;
		granted[i].page = NULL;
		if (ref < 0) {
			put_page(page);
		} else if (gnttab_try_end_foreign_access(ref)) {
			put_page(page);
			ended++;
		} else {
			/* Never reused while something is still mapped. */
			gnttab_end_foreign_access(ref, page);
		}
	}
	return ended;
}

static s64 map(domid_t other, grant_ref_t ref, bool readonly)
{
	struct gnttab_map_grant_ref op;
	struct page *page;
	u32 slot = 0;
	int err;

	while (slot < SIDE_MAPS && mapped[slot].page)
		slot++;
	if (slot == SIDE_MAPS || gnttab_alloc_pages(1, &page))
		return -ENOMEM;
	gnttab_set_map_op(&op, (unsigned long)page_address(page),
			  GNTMAP_host_map | (readonly ? GNTMAP_readonly : 0), ref, other);
	err = gnttab_map_refs(&op, NULL, &page, 1);
	if (err || op.status != GNTST_okay) {
		gnttab_free_pages(1, &page);
		return err ?: -EIO;
	}
	mapped[slot].page = page;
	mapped[slot].handle = op.handle;
	return slot;
}

static s64 unmap(u32 slot)
{
	struct gnttab_unmap_grant_ref op;
	struct page *page = mapped[slot].page;
	int err;

	if (!page)
		return -EINVAL;
	mapped[slot].page = NULL;
	gnttab_set_unmap_op(&op, (unsigned long)page_address(page), GNTMAP_host_map,
			    mapped[slot].handle);
	err = gnttab_unmap_refs(&op, NULL, &page, 1);
	gnttab_free_pages(1, &page);
	return err ?: op.status;
}

s64 side_do(domid_t other, const struct side_request *request,
	    struct side_granted told[SIDE_PAGES])
{
	const u32 *args = request->args;
	u8 *byte;

	if (request->what == SIDE_GRANT)
		return grant(other, args[0], args[1], told);
	if (request->what == SIDE_FREE)
		return end_and_free();
	if (request->what == SIDE_MAP)
		return map(other, args[0], args[1]);
	if (request->what == SIDE_UNMAP)
		return args[0] < SIDE_MAPS ? unmap(args[0]) : -EINVAL;
	if (request->what == SIDE_HELLO || request->what == SIDE_BYE)
		return 0;
	if (request->what > SIDE_BYE || args[0] >= SIDE_PAGES)
		return -EINVAL;
	if (!granted[args[0]].page)
		return -EINVAL;
	byte = page_address(granted[args[0]].page) + args[1] % PAGE_SIZE;
	switch (request->what) {
	case SIDE_REGRANT:
		gnttab_grant_foreign_access_ref(granted[args[0]].ref, args[1],
						xen_page_to_gfn(granted[args[0]].page), args[2]);
		return 0;
	case SIDE_END:
		return gnttab_end_foreign_access_ref(granted[args[0]].ref);
	case SIDE_READ:
		return READ_ONCE(*byte);
	default:
		WRITE_ONCE(*byte, args[2]);
		return 0;
	}
}

void side_clean(void)
{
	u32 i;

	for (i = 0; i < SIDE_MAPS; i++)
		unmap(i);
	end_and_free();
}

// SPDX-License-Identifier: GPL-2.0
#include "slots.h"

bool slots_create(struct slots *slots, int readonly, unsigned int flags)
{
	unsigned int i;

	memset(slots, 0, sizeof(*slots));
	if (gnttab_alloc_pages(SLOTS, slots->into))
		return false;
	if (gnttab_alloc_pages(SLOTS, slots->kinto)) {
		gnttab_free_pages(SLOTS, slots->into);
		return false;
	}
	for (i = 0; i < SLOTS; i++) {
		slots->granted[i] = fresh_page(0x10 + i);
		slots->ref[i] = grant_self(slots->granted[i], readonly);
		gnttab_set_map_op(&slots->map[i], (unsigned long)page_address(slots->into[i]),
				  flags, slots->ref[i], oracle_self);
		gnttab_set_map_op(&slots->kmap[i], (unsigned long)page_address(slots->kinto[i]),
				  flags, slots->ref[i], oracle_self);
	}
	return true;
}

static grant_handle_t handle_of(const struct gnttab_map_grant_ref *op)
{
	return op->status == GNTST_okay ? op->handle : INVALID_GRANT_HANDLE;
}

void slots_fill_unmaps(struct slots *slots)
{
	unsigned int i;

	for (i = 0; i < SLOTS; i++) {
		gnttab_set_unmap_op(&slots->unmap[i], slots->map[i].host_addr, GNTMAP_host_map,
				    handle_of(&slots->map[i]));
		gnttab_set_unmap_op(&slots->kunmap[i], slots->kmap[i].host_addr, GNTMAP_host_map,
				    handle_of(&slots->kmap[i]));
		/* A mapping for a device is one of its own, and goes only when named. */
		if (slots->map[i].flags & GNTMAP_device_map)
			slots->unmap[i].dev_bus_addr = slots->map[i].dev_bus_addr;
		slots->unmap[i].status = 7;
		slots->kunmap[i].status = 7;
	}
}

int slots_destroy(struct slots *slots)
{
	unsigned int i;
	int ended = 0;

	gnttab_free_pages(SLOTS, slots->into);
	gnttab_free_pages(SLOTS, slots->kinto);
	for (i = 0; i < SLOTS; i++) {
		if (gnttab_try_end_foreign_access(slots->ref[i])) {
			ended++;
			put_page(slots->granted[i]);
		} else {
			/* Never reused while something is still mapped. */
			gnttab_end_foreign_access(slots->ref[i], slots->granted[i]);
		}
	}
	return ended;
}

void slots_show(const struct slots *slots, const char *what, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct page *page = slots->into[i];
		struct xen_page_foreign *foreign = xen_page_foreign(page);
		unsigned long mfn = pfn_to_mfn(page_to_pfn(page));

		SHOW("%s, slot %u", "status %d, foreign %d, domid %d, ref %d, frame %s\n", what, i,
		     slots->map[i].status, !!foreign, foreign && foreign->domid == oracle_self,
		     foreign && foreign->gref == slots->map[i].ref,
		     mfn == xen_page_to_gfn(slots->granted[i]) ? "the granted" :
		     mfn == INVALID_P2M_ENTRY ? "none" : "another");
	}
}

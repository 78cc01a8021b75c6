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
	if (other_grant(SLOT_FILL(0), readonly, slots->granted)) {
		slots_destroy(slots);
		return false;
	}
	for (i = 0; i < SLOTS; i++) {
		gnttab_set_map_op(&slots->map[i], (unsigned long)page_address(slots->into[i]),
				  flags, slots->granted[i].ref, oracle_other);
		gnttab_set_map_op(&slots->kmap[i], (unsigned long)page_address(slots->kinto[i]),
				  flags, slots->granted[i].ref, oracle_other);
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
		gnttab_set_unmap_op(&slots->unmap[i], (unsigned long)page_address(slots->into[i]),
				    GNTMAP_host_map, handle_of(&slots->map[i]));
		gnttab_set_unmap_op(&slots->kunmap[i],
				    (unsigned long)page_address(slots->kinto[i]),
				    GNTMAP_host_map, handle_of(&slots->kmap[i]));
		/* A mapping for a device is one of its own, and goes only when named. */
		if (slots->map[i].flags & GNTMAP_device_map)
			slots->unmap[i].dev_bus_addr = slots->map[i].dev_bus_addr;
		slots->unmap[i].status = 7;
		slots->kunmap[i].status = 7;
	}
}

int slots_destroy(struct slots *slots)
{
	gnttab_free_pages(SLOTS, slots->into);
	gnttab_free_pages(SLOTS, slots->kinto);
	return other_free();
}

void slots_show(const struct slots *slots, const char *what, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct page *page = slots->into[i];
		struct xen_page_foreign *foreign = xen_page_foreign(page);
		unsigned long mfn = frame_behind(page);

		SHOW("%s, slot %u", "status %d, foreign %d, domid %d, ref %d, frame %s\n", what, i,
		     slots->map[i].status, !!foreign, foreign && foreign->domid == oracle_other,
		     foreign && foreign->gref == slots->map[i].ref,
		     mfn == slots->granted[i].frame ? "the granted" :
		     mfn == INVALID_P2M_ENTRY ? "none" : "another");
	}
}

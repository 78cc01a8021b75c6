// SPDX-License-Identifier: GPL-2.0
/*
 * Auto-translated guests with a version 2 table: the frames of its status words.
 *
 * GNTTABOP_get_status_frames is refused to such a guest, and its kernel never
 * maps these frames (its own end of access dereferences NULL there). Xen places
 * them on pages of ours, unpopulated ones, so that no memory is lost below. They
 * are taken out of the guest's map before the pages are given back.
 */
#include "internal.h"
#include "table_frames.h"

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <xen/grant_table.h>
#include <xen/interface/memory.h>
#include <xen/page.h>
#include <xen/xen.h>
#include <asm/xen/hypercall.h>

/* Xen's public memory.h, which Linux's copy lacks it from. */
#define XENMAPIDX_GRANT_TABLE_STATUS 0x80000000ul

static struct {
	struct page **pages;
	bool *placed;
	unsigned int count;
	/*
	 * Placing a frame once more would take it away for a moment from where
	 * it is. Held over a hypercall, once for every 2,048 references.
	 */
	raw_spinlock_t lock;
} status = {
	.lock = __RAW_SPIN_LOCK_UNLOCKED(status.lock),
};

static xen_pfn_t gfn_of(unsigned int index)
{
	return page_to_xen_pfn(status.pages[index]);
}

static bool place(unsigned int index)
{
	struct xen_add_to_physmap add = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_grant_table,
		.idx = index | XENMAPIDX_GRANT_TABLE_STATUS,
		.gpfn = gfn_of(index),
	};

	return !HYPERVISOR_memory_op(XENMEM_add_to_physmap, &add);
}

void *xengnt_status_place(unsigned int index)
{
	unsigned long flags;
	bool placed;

	if (index >= status.count)
		return NULL;
	raw_spin_lock_irqsave(&status.lock, flags);
	if (!status.placed[index])
		status.placed[index] = place(index);
	placed = status.placed[index];
	raw_spin_unlock_irqrestore(&status.lock, flags);
	return placed ? page_address(status.pages[index]) : NULL;
}

void xengnt_status_forget(void)
{
	if (status.count)
		memset(status.placed, 0, status.count * sizeof(*status.placed));
}

int xengnt_status_create(unsigned int count)
{
	int err = -ENOMEM;

	status.pages = kvcalloc(count, sizeof(*status.pages), GFP_KERNEL);
	status.placed = kvcalloc(count, sizeof(*status.placed), GFP_KERNEL);
	if (status.pages && status.placed)
		err = xen_alloc_unpopulated_pages(count, status.pages);
	if (err) {
		kvfree(status.placed);
		kvfree(status.pages);
		return err;
	}
	status.count = count;
	return 0;
}

void xengnt_status_destroy(void)
{
	unsigned int i;

	if (!status.count)
		return;
	for (i = 0; i < status.count; i++) {
		struct xen_remove_from_physmap remove = {
			.domid = DOMID_SELF,
			.gpfn = gfn_of(i),
		};

		if (status.placed[i] && HYPERVISOR_memory_op(XENMEM_remove_from_physmap, &remove))
			pr_err("status frame %u stays where it is\n", i);
	}
	xen_free_unpopulated_pages(status.count, status.pages);
	kvfree(status.placed);
	kvfree(status.pages);
	status.count = 0;
}

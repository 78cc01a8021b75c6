// SPDX-License-Identifier: GPL-2.0
/*
 * Auto-translated guests with a version 2 table: the frames of its status words.
 *
 * Xen refuses GNTTABOP_get_status_frames to such a guest, and its kernel never maps
 * these frames: the kernel's own end of access dereferences NULL there. Here Xen places
 * them at the addresses of unpopulated pages, which cost no memory. They are removed
 * from the guest's map before the pages are given back.
 *
 * After a resume nothing is behind these addresses until a frame is placed again. Xen
 * answers a read there with all ones, so a status word says "busy".
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

/* From Xen's public memory.h; Linux's copy lacks it. */
#define XENMAPIDX_GRANT_TABLE_STATUS 0x80000000ul

static struct {
	struct page **pages;
	bool *placed;
	bool *left; /* placed before a suspend that may have been cancelled */
	unsigned int count;
	/*
	 * Placing a frame that is placed already would remove it for a moment. Held
	 * over one hypercall for every 2,048 references. Guards placed[].
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
	unsigned int i;

	for (i = 0; i < status.count; i++) {
		status.left[i] |= status.placed[i];
		status.placed[i] = false;
	}
}

static void arrays_free(void)
{
	kvfree(status.left);
	kvfree(status.placed);
	kvfree(status.pages);
}

int xengnt_status_create(unsigned int count)
{
	int err = -ENOMEM;

	status.pages = kvcalloc(count, sizeof(*status.pages), GFP_KERNEL);
	status.placed = kvcalloc(count, sizeof(*status.placed), GFP_KERNEL);
	status.left = kvcalloc(count, sizeof(*status.left), GFP_KERNEL);
	if (status.pages && status.placed && status.left)
		err = xen_alloc_unpopulated_pages(count, status.pages);
	if (err)
		arrays_free();
	else
		status.count = count;
	return err;
}

/* Takes a frame out of the guest's map; false if it is there and cannot be taken out. */
static bool unplace(unsigned int index)
{
	struct xen_remove_from_physmap remove = {
		.domid = DOMID_SELF,
		.gpfn = gfn_of(index),
	};

	if (!status.placed[index] && !status.left[index])
		return true;
	return !HYPERVISOR_memory_op(XENMEM_remove_from_physmap, &remove) ||
	       !status.placed[index];
}

void xengnt_status_destroy(void)
{
	unsigned int i;

	if (!status.count)
		return;
	for (i = 0; i < status.count; i++)
		if (!unplace(i))
			pr_err("status frame %u stays in the guest's map\n", i);
	xen_free_unpopulated_pages(status.count, status.pages);
	arrays_free();
	status.count = 0;
}

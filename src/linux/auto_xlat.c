// SPDX-License-Identifier: GPL-2.0
/*
 * The functions of the interface that set up the table. The kernel sets it up before
 * this module can load, and again after each suspend, so these functions only report
 * what the kernel has set up.
 *
 * The documentation of these functions is in include/xengnt/backend.h.
 */
#include "internal.h"

#include <linux/export.h>
#include <linux/io.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/page.h>
#include <xen/xen.h>
#include <asm/xen/hypercall.h>
#include <xengnt/backend.h>

struct grant_frames xengnt_auto_xlat_grant_frames;
EXPORT_SYMBOL_GPL(xengnt_auto_xlat_grant_frames);

static DEFINE_MUTEX(auto_xlat_lock);

int xengnt_init(void)
{
	return xen_domain() ? 0 : -ENODEV;
}
EXPORT_SYMBOL_GPL(xengnt_init);

int xengnt_suspend(void)
{
	return 0;
}
EXPORT_SYMBOL_GPL(xengnt_suspend);

int xengnt_resume(void)
{
	return 0;
}
EXPORT_SYMBOL_GPL(xengnt_resume);

unsigned int xengnt_max_grant_frames(void)
{
	/* Bounded by what Xen allowed at boot, which only the kernel has recorded. */
	return gnttab_max_grant_frames();
}
EXPORT_SYMBOL_GPL(xengnt_max_grant_frames);

int xengnt_setup_auto_xlat_frames(phys_addr_t addr)
{
	struct grant_frames *frames = &xengnt_auto_xlat_grant_frames;
	unsigned int count = xengnt_max_grant_frames();
	unsigned int i;
	int err = -EINVAL;

	mutex_lock(&auto_xlat_lock);
	if (frames->count)
		goto out;
	err = -ENOMEM;
	frames->pfn = kcalloc(count, sizeof(*frames->pfn), GFP_KERNEL);
	if (!frames->pfn)
		goto out;
	frames->vaddr = memremap(addr, (size_t)count * XEN_PAGE_SIZE, MEMREMAP_WB);
	if (!frames->vaddr) {
		pr_warn("cannot map a grant table at %pa\n", &addr);
		kfree(frames->pfn);
		frames->pfn = NULL;
		goto out;
	}
	for (i = 0; i < count; i++)
		frames->pfn[i] = XEN_PFN_DOWN(addr) + i;
	frames->count = count;
	err = 0;
out:
	mutex_unlock(&auto_xlat_lock);
	return err;
}
EXPORT_SYMBOL_GPL(xengnt_setup_auto_xlat_frames);

void xengnt_free_auto_xlat_frames(void)
{
	struct grant_frames *frames = &xengnt_auto_xlat_grant_frames;

	mutex_lock(&auto_xlat_lock);
	if (frames->vaddr)
		memunmap(frames->vaddr);
	kfree(frames->pfn);
	*frames = (struct grant_frames){ };
	mutex_unlock(&auto_xlat_lock);
}
EXPORT_SYMBOL_GPL(xengnt_free_auto_xlat_frames);

/* Auto-translated guests: lists the frames that the kernel has placed. */
int xengnt_table_init(void)
{
	struct grant_frames *frames = &xengnt_auto_xlat_grant_frames;
	struct gnttab_query_size query = { .dom = DOMID_SELF };
	struct gnttab_setup_table setup = { .dom = DOMID_SELF };

	if (!xen_feature(XENFEAT_auto_translated_physmap))
		return 0;
	if (HYPERVISOR_grant_table_op(GNTTABOP_query_size, &query, 1) ||
	    query.status != GNTST_okay)
		return -EIO;
	frames->pfn = kcalloc(query.nr_frames, sizeof(*frames->pfn), GFP_KERNEL);
	if (!frames->pfn)
		return -ENOMEM;
	setup.nr_frames = query.nr_frames;
	set_xen_guest_handle(setup.frame_list, frames->pfn);
	if (HYPERVISOR_grant_table_op(GNTTABOP_setup_table, &setup, 1) ||
	    setup.status != GNTST_okay) {
		xengnt_free_auto_xlat_frames();
		return -EIO;
	}
	frames->count = query.nr_frames;
	return 0;
}

void xengnt_table_exit(void)
{
	xengnt_free_auto_xlat_frames();
}

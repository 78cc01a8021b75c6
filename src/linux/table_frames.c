// SPDX-License-Identifier: GPL-2.0
/*
 * The shared table, mapped a second time.
 *
 * The kernel owns the table and has it mapped; that mapping is not exported.
 * Xen names the frames to whoever asks (GNTTABOP_setup_table for no more frames
 * than there are), and one window of virtual addresses for the largest table is
 * prepared when the module loads, so that a frame can be entered in any context.
 *
 * PV: the list holds machine frames. The window is one page mapped many times;
 * its page table entries are pointed at the table's frames by hypercall, and
 * back before the window goes.
 *
 * PVH, HVM: the list holds the guest frames at which the kernel has mapped the
 * table. They are ordinary pages (PVH: the kernel's direct map has them) or a
 * contiguous range of the platform device (HVM: mapped here on first sight).
 */
#include "internal.h"

#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/syscore_ops.h>
#include <linux/vmalloc.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/page.h>
#include <xen/xen.h>
#include <asm/xen/hypercall.h>

#include "../port/port.h"

#ifdef CONFIG_XEN_PV
#define window_is_pv() xen_pv_domain()
#else
#define window_is_pv() false
#endif

/*
 * No lock: the kernel's table only grows and its frames stay what they are, so
 * two CPUs that look for a frame at once write the same values. (Suspending and
 * resuming happen with everything else stopped.)
 */
static struct {
	unsigned int max;	/* frames the table can grow to */
	unsigned int listed;	/* of these, how many the kernel has: what is in frames[] */
	xen_pfn_t *frames;	/* as Xen names them */
	void **mapped;		/* where each is mapped, or NULL */
	/* PV: the window, the page below it and its own page table entry. */
	void *window;
	struct page *below;
	/* HVM: the range of the platform device. */
	xen_pfn_t range_start;
	void *range;
} table;

/* Asks Xen which frames there are now. */
static int list_frames(void)
{
	struct gnttab_query_size query = { .dom = DOMID_SELF };
	struct gnttab_setup_table setup = { .dom = DOMID_SELF };

	if (HYPERVISOR_grant_table_op(GNTTABOP_query_size, &query, 1) ||
	    query.status != GNTST_okay)
		return -EIO;
	/* Never more than the kernel has: asking would make the table grow under it. */
	setup.nr_frames = min_t(unsigned int, query.nr_frames, table.max);
	set_xen_guest_handle(setup.frame_list, table.frames);
	if (HYPERVISOR_grant_table_op(GNTTABOP_setup_table, &setup, 1) ||
	    setup.status != GNTST_okay)
		return -EIO;
	WRITE_ONCE(table.listed, setup.nr_frames);
	return 0;
}

#ifdef CONFIG_XEN_PV
static void *map_pv(unsigned int index)
{
	unsigned long va = (unsigned long)table.window + index * PAGE_SIZE;

	if (HYPERVISOR_update_va_mapping(va, mfn_pte(table.frames[index], PAGE_KERNEL),
					 UVMF_INVLPG | UVMF_ALL))
		return NULL;
	return (void *)va;
}

static void unmap_pv(unsigned int index)
{
	unsigned long va = (unsigned long)table.window + index * PAGE_SIZE;
	pte_t below = mk_pte(table.below, PAGE_KERNEL);

	if (HYPERVISOR_update_va_mapping(va, below, UVMF_INVLPG | UVMF_ALL))
		pr_err("frame %u of the table stays mapped\n", index);
}

static int window_create(void)
{
	struct page **pages;
	unsigned int i;

	pages = kvmalloc_array(table.max, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	table.below = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (table.below) {
		for (i = 0; i < table.max; i++)
			pages[i] = table.below;
		table.window = vmap(pages, table.max, VM_MAP, PAGE_KERNEL);
	}
	kvfree(pages);
	return table.window ? 0 : -ENOMEM;
}

static void window_destroy(void)
{
	if (table.window)
		vunmap(table.window);
	if (table.below)
		__free_page(table.below);
}

/*
 * A PV guest is saved with its page tables, which must not name frames that are
 * not its memory; and the frames are others when it comes back. The kernel calls
 * these with everything else stopped, next to its own unmapping and mapping.
 */
static int pv_suspend(void)
{
	unsigned int i;

	for (i = 0; i < table.max; i++)
		if (table.mapped[i])
			unmap_pv(i);
	return 0;
}

static void pv_resume(void)
{
	unsigned int i;

	if (list_frames()) {
		pr_err("cannot find the table after resuming\n");
		return;
	}
	for (i = 0; i < table.max; i++)
		if (table.mapped[i] && (i >= table.listed || !map_pv(i)))
			pr_err("frame %u of the table is gone after resuming\n", i);
}

static struct syscore_ops pv_syscore = {
	.suspend = pv_suspend,
	.resume = pv_resume,
};
#else
static void *map_pv(unsigned int index) { return NULL; }
static void unmap_pv(unsigned int index) { }
static int window_create(void) { return 0; }
static void window_destroy(void) { }
static struct syscore_ops pv_syscore;
#endif

/* Where the kernel has put it: a page of its own, or the platform device's range. */
static void *find_translated(unsigned int index)
{
	xen_pfn_t gfn = table.frames[index];

	if (table.range) {
		if (gfn < table.range_start || gfn - table.range_start >= table.max)
			return NULL;
		return table.range + (gfn - table.range_start) * XEN_PAGE_SIZE;
	}
	/* All ones (no valid frame) where the kernel has not mapped it. */
	return pfn_valid(gfn) ? pfn_to_kaddr(gfn) : NULL;
}

static void *find_frame(unsigned int index)
{
	if (index >= READ_ONCE(table.listed))
		return NULL;
	return window_is_pv() ? map_pv(index) : find_translated(index);
}

/* The port: any context. */
void *xg_port_table_frame(unsigned int index)
{
	void *where;

	if (index >= table.max)
		return NULL;
	where = READ_ONCE(table.mapped[index]);
	if (where)
		return where;
	where = find_frame(index);
	/* Perhaps the table has grown since Xen was asked last. */
	if (!where && !list_frames())
		where = find_frame(index);
	if (!where)
		pr_err_ratelimited("frame %u of the grant table cannot be reached\n", index);
	WRITE_ONCE(table.mapped[index], where);
	return where;
}

bool xengnt_kernel_has(unsigned int ref)
{
	unsigned int frame = ref / (XEN_PAGE_SIZE / sizeof(struct grant_entry_v1));

	if (frame < READ_ONCE(table.listed))
		return true;
	return frame < table.max && !list_frames() && frame < READ_ONCE(table.listed);
}

unsigned int xengnt_frames_mapped(void)
{
	unsigned int nr = 0;
	unsigned int i;

	for (i = 0; i < table.max; i++)
		nr += !!READ_ONCE(table.mapped[i]);
	return nr;
}

/* HVM: no page stands behind the table, so the whole range is mapped now. */
static int range_create(void)
{
	if (window_is_pv() || !table.listed)
		return 0;
	if (pfn_valid(table.frames[0]))
		return 0;
	table.range_start = table.frames[0];
	table.range = memremap((resource_size_t)table.range_start * XEN_PAGE_SIZE,
			       (size_t)table.max * XEN_PAGE_SIZE, MEMREMAP_WB);
	return table.range ? 0 : -ENOMEM;
}

int xengnt_frames_init(unsigned int max_frames)
{
	int err = -ENOMEM;

	table.max = max_frames;
	table.frames = kvcalloc(max_frames, sizeof(*table.frames), GFP_KERNEL);
	table.mapped = kvcalloc(max_frames, sizeof(*table.mapped), GFP_KERNEL);
	if (!table.frames || !table.mapped)
		goto fail;
	if (window_is_pv()) {
		err = window_create();
		if (err)
			goto fail;
	}
	err = list_frames();
	if (!err)
		err = range_create();
	if (err)
		goto fail;
	if (window_is_pv())
		register_syscore_ops(&pv_syscore);
	return 0;

fail:
	pr_err("cannot map the grant table: error %d\n", err);
	window_destroy();
	kvfree(table.mapped);
	kvfree(table.frames);
	return err;
}

void xengnt_frames_exit(void)
{
	unsigned int i;

	if (window_is_pv()) {
		unregister_syscore_ops(&pv_syscore);
		for (i = 0; i < table.max; i++)
			if (table.mapped[i])
				unmap_pv(i);
		window_destroy();
	}
	if (table.range)
		memunmap(table.range);
	kvfree(table.mapped);
	kvfree(table.frames);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The shared table, mapped a second time.
 *
 * The kernel owns the table and has it mapped; that mapping is not exported.
 * Xen names the frames to whoever asks (GNTTABOP_setup_table for no more frames
 * than there are). Room for the largest table is prepared when the module
 * loads, so that a frame can be entered in any context.
 *
 * PV: the list holds machine frames, seen through a window (table_window.c); so
 * are the status frames of a version 2 table.
 *
 * PVH, HVM: the list holds the guest frames at which the kernel has mapped the
 * table. They are ordinary pages (PVH: the kernel's direct map has them) or a
 * contiguous range of the platform device (HVM, arm64: mapped here when the
 * module loads). Status frames are placed by us (status_frames.c).
 */
#include "internal.h"
#include "table_frames.h"

#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <xen/grant_table.h>
#include <xen/page.h>
#include <xen/xen.h>
#include <asm/xen/hypercall.h>
#include <xengnt/copy_grants.h>

#include "../core/core.h"
#include "compat.h"

#ifdef CONFIG_XEN_PV
#define is_pv() xen_pv_domain()
#else
#define is_pv() false
#endif

#define STATUSES_PER_FRAME (XEN_PAGE_SIZE / sizeof(grant_status_t))

/*
 * The table's frames have the slots from 0 on, its status frames those behind.
 *
 * No lock: the kernel's table only grows and its frames stay what they are, so
 * two CPUs that look for a frame at once write the same values. What is in
 * frames[] is there before "listed" says so. (Suspending and resuming happen
 * with everything else stopped.)
 */
static struct {
	int version;		/* 0: not one that we know */
	unsigned int max;	/* frames the table can grow to */
	unsigned int max_status;
	unsigned int listed;	/* of these, how many there are: what is in frames[] */
	unsigned int fixed_refs; /* the kernel has these and can have no more; 0: it can */
	xen_pfn_t *frames;	/* as Xen names them */
	void **mapped;		/* where each is mapped, or NULL */
	/* HVM: the range of the platform device. */
	xen_pfn_t range_start;
	void *range;
} table;

static int read_version(void)
{
	struct gnttab_get_version version = { .dom = DOMID_SELF };
	int err = HYPERVISOR_grant_table_op(GNTTABOP_get_version, &version, 1);

	return err ? err : version.version;
}

static unsigned int slots(void)
{
	return table.max + table.max_status;
}

int xengnt_table_version(void)
{
	return table.version;
}

unsigned int xengnt_frame_refs(void)
{
	return XEN_PAGE_SIZE / (table.version == 2 ? sizeof(union grant_entry_v2) :
						     sizeof(struct grant_entry_v1));
}

bool xengnt_kernel_cannot_end(void)
{
	return table.version == 2 && !is_pv();
}

/* How many frames the status words of so many frames take. */
static unsigned int status_frames_of(unsigned int frames)
{
	if (table.version != 2)
		return 0;
	return DIV_ROUND_UP(frames * xengnt_frame_refs(), STATUSES_PER_FRAME);
}

static int list_status_frames(unsigned int frames)
{
	struct gnttab_get_status_frames get = {
		.dom = DOMID_SELF,
		.nr_frames = status_frames_of(frames),
	};

	if (!is_pv() || !get.nr_frames)
		return 0;
	set_xen_guest_handle(get.frame_list, (uint64_t *)table.frames + table.max);
	if (HYPERVISOR_grant_table_op(GNTTABOP_get_status_frames, &get, 1) ||
	    get.status != GNTST_okay)
		return -EIO;
	return 0;
}

/* Asks Xen which they are. The table grows if it has fewer. */
static int list_so_many(unsigned int frames)
{
	struct gnttab_setup_table setup = {
		.dom = DOMID_SELF,
		.nr_frames = min(frames, table.max),
	};
	int err;

	set_xen_guest_handle(setup.frame_list, table.frames);
	if (HYPERVISOR_grant_table_op(GNTTABOP_setup_table, &setup, 1) ||
	    setup.status != GNTST_okay)
		return -EIO;
	err = list_status_frames(setup.nr_frames);
	if (err)
		return err;
	/* After what Xen has just written: other CPUs go by the number. */
	smp_store_release(&table.listed, setup.nr_frames);
	return 0;
}

/* Asks Xen which frames there are now. */
static int list_frames(void)
{
	struct gnttab_query_size query = { .dom = DOMID_SELF };

	/* What entries look like is not known: none is touched. */
	if (!table.version)
		return -EOPNOTSUPP;
	if (HYPERVISOR_grant_table_op(GNTTABOP_query_size, &query, 1) ||
	    query.status != GNTST_okay)
		return -EIO;
	/* Never more than the kernel has: asking would make the table grow under it. */
	return list_so_many(query.nr_frames);
}

/*
 * The version has changed: the kernel goes on with as many references, and with as
 * many frames. Those that the references are in now are asked for here, in PV:
 * elsewhere it is the kernel that says where a frame is. When Xen allows fewer,
 * what is lost is said.
 */
static void list_fixed_refs(void)
{
	unsigned int needed = DIV_ROUND_UP(table.fixed_refs, xengnt_frame_refs());

	if (is_pv() && needed > table.listed)
		list_so_many(needed);
}

bool xengnt_kernel_cannot_grow(void)
{
	return READ_ONCE(table.fixed_refs);
}

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
	return pfn_valid(xengnt_pfn_of(gfn)) ? __va((phys_addr_t)gfn << XEN_PAGE_SHIFT) : NULL;
}

static void *find_slot(unsigned int slot)
{
	bool is_status = slot >= table.max;
	unsigned int listed = smp_load_acquire(&table.listed);

	if (is_status ? slot - table.max >= status_frames_of(listed) : slot >= listed)
		return NULL;
	if (is_pv())
		return xengnt_window_map(slot, table.frames[slot]);
	return is_status ? xengnt_status_place(slot - table.max) : find_translated(slot);
}

static void *reach_slot(unsigned int slot)
{
	void *where = READ_ONCE(table.mapped[slot]);

	if (where)
		return where;
	where = find_slot(slot);
	/* Perhaps the table has grown since Xen was asked last. */
	if (!where && !list_frames())
		where = find_slot(slot);
	WRITE_ONCE(table.mapped[slot], where);
	return where;
}

/* The port: any context. */
void *xg_port_table_frame(unsigned int index)
{
	void *where = index < table.max ? reach_slot(index) : NULL;

	if (!where)
		pr_err_ratelimited("frame %u of the grant table cannot be reached\n", index);
	return where;
}

void *xg_port_status_frame(unsigned int index)
{
	void *where = index < table.max_status ? reach_slot(table.max + index) : NULL;

	if (!where)
		pr_err_ratelimited("status frame %u of the grant table cannot be reached\n", index);
	return where;
}

bool xengnt_kernel_has(unsigned int ref)
{
	unsigned int frame = ref / xengnt_frame_refs();

	if (xengnt_kernel_cannot_grow())
		return ref < table.fixed_refs;
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

static void unmap_all(void)
{
	unsigned int i;

	for (i = 0; i < slots(); i++)
		if (is_pv() && table.mapped[i])
			xengnt_window_unmap(i);
	memset(table.mapped, 0, slots() * sizeof(*table.mapped));
}

/* The kernel calls these with everything else stopped, around its own unmapping and mapping. */
static int frames_suspend(void)
{
	/* How many there are last. What fails leaves what was known. */
	list_frames();
	unmap_all();
	return 0;
}

static void frames_resume(void)
{
	int version = read_version();
	unsigned int lost;

	if (version != 1 && version != 2) {
		pr_err("grant table version %d after resuming is not known\n", version);
		version = 0;
	} else if (version != table.version) {
		pr_warn("the table has version %d after resuming, and had %d\n", version,
			table.version);
		if (table.version && !table.fixed_refs)
			table.fixed_refs = table.listed * xengnt_frame_refs();
	}
	table.version = version;
	xengnt_status_forget();
	if (list_frames()) {
		pr_err("cannot find the table after resuming\n");
		WRITE_ONCE(table.listed, 0);
	} else {
		list_fixed_refs();
	}
	lost = xg_core_resume(version);
	if (lost)
		pr_err("the table is smaller after resuming: %u references lead nowhere until it has grown again\n",
		       lost);
}

XENGNT_SYSCORE(frames_syscore, frames_suspend, frames_resume);

/* HVM: no page stands behind the table, so the whole range is mapped now. */
static int range_create(void)
{
	if (is_pv() || !table.listed)
		return 0;
	if (pfn_valid(xengnt_pfn_of(table.frames[0])))
		return 0;
	table.range_start = table.frames[0];
	table.range = memremap((resource_size_t)table.range_start * XEN_PAGE_SIZE,
			       (size_t)table.max * XEN_PAGE_SIZE, MEMREMAP_WB);
	return table.range ? 0 : -ENOMEM;
}

static int reach_create(void)
{
	int err;

	if (is_pv())
		return xengnt_window_create(slots());
	err = range_create();
	if (!err && table.version == 2)
		err = xengnt_status_create(table.max_status);
	return err;
}

static void reach_destroy(void)
{
	xengnt_status_destroy();
	xengnt_window_destroy();
	if (table.range)
		memunmap(table.range);
	kvfree(table.mapped);
	kvfree(table.frames);
}

int xengnt_frames_init(unsigned int max_frames)
{
	int err = -ENOMEM;

	table.version = read_version();
	if (table.version != 1 && table.version != 2) {
		pr_err("grant table version %d is not known\n", table.version);
		return -EOPNOTSUPP;
	}
	table.max = max_frames;
	/* As many as version 2 would take: the version may change when the guest is restored. */
	table.max_status = DIV_ROUND_UP(max_frames * sizeof(grant_status_t),
					sizeof(union grant_entry_v2));
	table.frames = kvcalloc(slots(), sizeof(*table.frames), GFP_KERNEL);
	table.mapped = kvcalloc(slots(), sizeof(*table.mapped), GFP_KERNEL);
	if (table.frames && table.mapped)
		err = list_frames();
	if (!err)
		err = reach_create();
	if (err) {
		pr_err("cannot map the grant table: error %d\n", err);
		reach_destroy();
		return err;
	}
	xengnt_register_syscore(&frames_syscore);
	return 0;
}

void xengnt_frames_exit(void)
{
	xengnt_unregister_syscore(&frames_syscore);
	unmap_all();
	reach_destroy();
}

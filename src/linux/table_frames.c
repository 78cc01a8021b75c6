// SPDX-License-Identifier: GPL-2.0
/*
 * A second mapping of the shared table.
 *
 * The kernel owns the table and does not export its own mapping. Xen lists the
 * frames on request: GNTTABOP_setup_table, for no more frames than there are. Room
 * for the largest table is prepared when the module loads, so that a frame can be
 * mapped in any context.
 *
 * PV: Xen lists machine frames; they are mapped into a window (table_window.c), and
 * so are the status frames of a version 2 table.
 *
 * PVH, HVM: Xen lists the guest frames where the kernel has placed the table. They
 * are pages in the kernel's direct map (PVH), or a contiguous range of the platform
 * device (HVM, arm64), which is mapped here when the module loads. This module
 * places the status frames (status_frames.c).
 *
 * An address that was handed out stays valid memory until the module unloads: a
 * suspend changes what is behind it, not the address. Suspend and resume run in
 * stop_machine(), which stops a task that has been preempted anywhere, but waits
 * for one that has preemption disabled. So preemption is off from mapping a frame to
 * storing its address, here and in the core.
 */
#include "internal.h"
#include "table_frames.h"

#include <linux/io.h>
#include <linux/mm.h>
#include <linux/preempt.h>
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
 * Slots: the table's frames from 0 on, then its status frames.
 *
 * No lock. The kernel's table only grows, and its frames stay the same until the
 * next suspend, so two CPUs that look up a frame at once store the same values.
 * frames[] is written before "listed" counts it.
 */
static struct {
	int version;		/* 0: unknown, no entry is touched */
	unsigned int max;	/* frames that the table can grow to */
	unsigned int max_status; /* status frames for these, in version 2 */
	unsigned int listed;	/* frames that frames[] lists */
	unsigned int fixed_refs; /* all that the kernel's table can have; 0: it can grow */
	xen_pfn_t *frames;	/* as Xen numbers them */
	void **mapped;		/* the address of each, or NULL */
	/* HVM: the platform device's range, mapped. */
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

/* Status frames that go with a table of @frames frames. */
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

/* Lists the first @frames frames. The table grows if it has fewer. Not preemptible. */
static int list_first(unsigned int frames)
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
	/* Release: a CPU that sees the number sees the frames. */
	smp_store_release(&table.listed, setup.nr_frames);
	return 0;
}

static int query_and_list(void)
{
	struct gnttab_query_size query = { .dom = DOMID_SELF };

	/* The layout of entries is unknown. */
	if (!table.version)
		return -EOPNOTSUPP;
	if (HYPERVISOR_grant_table_op(GNTTABOP_query_size, &query, 1) ||
	    query.status != GNTST_okay)
		return -EIO;
	/* Never more than the kernel has: asking would make the table grow under it. */
	return list_first(query.nr_frames);
}

/* Lists the frames that the table has now. */
static int list_frames(void)
{
	int err;

	/* A resume between the two calls could list more frames than there are then. */
	preempt_disable();
	err = query_and_list();
	preempt_enable();
	return err;
}

/*
 * After a change of version the kernel keeps its number of references and its number
 * of frames. In version 2 the same references need twice the frames. PV: Xen is asked
 * for these. PVH, HVM: only the kernel places frames, so the references beyond the
 * frames that it has placed are lost.
 */
static void list_fixed_refs(void)
{
	unsigned int needed = DIV_ROUND_UP(table.fixed_refs, xengnt_frame_refs());

	if (is_pv() && needed > table.listed)
		list_first(needed);
}

bool xengnt_kernel_cannot_grow(void)
{
	return READ_ONCE(table.fixed_refs);
}

/* Where the kernel has placed a frame: in the direct map, or in the platform device's range. */
static void *find_translated(unsigned int index)
{
	xen_pfn_t gfn = table.frames[index];

	if (table.range) {
		if (gfn < table.range_start || gfn - table.range_start >= table.max)
			return NULL;
		return table.range + (gfn - table.range_start) * XEN_PAGE_SIZE;
	}
	/* Xen lists a frame that the kernel has not placed as all ones, which is not valid. */
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

/*
 * A suspend unmaps all slots, so it must not come between the mapping and the store
 * that records it: the store would revive a slot that nothing is mapped at.
 */
static void *reach_slot(unsigned int slot)
{
	void *where;

	preempt_disable();
	where = READ_ONCE(table.mapped[slot]);
	if (!where) {
		where = find_slot(slot);
		/* The table may have grown since it was listed. */
		if (!where && !list_frames())
			where = find_slot(slot);
		WRITE_ONCE(table.mapped[slot], where);
	}
	preempt_enable();
	return where;
}

/* The port: any context. The caller stores the address before it can be preempted. */
void *xg_port_table_frame(unsigned int index)
{
	void *where = index < table.max ? reach_slot(index) : NULL;

	if (!where)
		pr_err_ratelimited("frame %u of the grant table cannot be mapped: its references are not used\n",
				   index);
	return where;
}

void *xg_port_status_frame(unsigned int index)
{
	void *where = index < table.max_status ? reach_slot(table.max + index) : NULL;

	if (!where)
		pr_err_ratelimited("status frame %u of the grant table cannot be mapped: its references are not used\n",
				   index);
	return where;
}

/*
 * Beyond the table's end Xen refuses every mapping. A frame that the kernel has not placed
 * since the resume was never written, so its entries permit nothing; a suspend that was
 * cancelled leaves the frames where they were.
 */
bool xg_port_table_frame_gone(unsigned int index)
{
	bool gone = false;

	preempt_disable();
	if (index >= table.max)
		gone = true;
	else if (!list_frames())
		gone = index >= table.listed || (!is_pv() && !find_translated(index));
	preempt_enable();
	return gone;
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

/* syscore calls these in stop_machine(): suspend before the kernel unmaps, resume after it maps. */
static int frames_suspend(void)
{
	/* The last count before the suspend; on an error the older one stays. */
	list_frames();
	unmap_all();
	return 0;
}

static void frames_resume(void)
{
	int version = read_version();
	unsigned int lost;

	if (version != 1 && version != 2) {
		pr_err("grant table version %d after resuming is not supported: nothing is granted any more; restore the guest on a host that offers 1 or 2\n",
		       version);
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
		pr_err("cannot list the table's frames after resuming: nothing is granted any more; reboot the guest\n");
		WRITE_ONCE(table.listed, 0);
	} else {
		list_fixed_refs();
	}
	lost = xg_core_resume(version);
	if (lost)
		pr_err("the table is smaller after resuming: %u references have no frame and are not granted until it grows again\n",
		       lost);
}

XENGNT_SYSCORE(frames_syscore, frames_suspend, frames_resume);

/* HVM: the table is not in the direct map; map the platform device's whole range now. */
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

/*
 * Auto-translated guests: room for status frames. x86 takes it in version 1 too, since
 * the guest may be restored where the kernel chooses version 2, and no page can be had
 * during the resume. (Xen has no version 2 on Arm.) It costs frame numbers, one for each 8
 * frames that the table can grow to, and no memory; without it a restore into version 2
 * leaves no entry that can be ended, so none is granted.
 */
static int status_create(void)
{
	int err;

	if (table.version != 2 && !IS_ENABLED(CONFIG_X86))
		return 0;
	err = xengnt_status_create(table.max_status);
	if (err && table.version == 2)
		return err;
	if (err)
		pr_warn("no room for status frames: after a restore into a version 2 table nothing will be granted (error %d)\n",
			err);
	return 0;
}

static int reach_create(void)
{
	int err;

	if (is_pv())
		return xengnt_window_create(slots());
	err = range_create();
	return err ? err : status_create();
}

static void reach_destroy(void)
{
	xengnt_status_destroy();
	xengnt_window_destroy();
	if (table.range)
		memunmap(table.range);
	kvfree(table.mapped);
	kvfree(table.frames);
	memset(&table, 0, sizeof(table));
}

static void set_true(void *flag)
{
	*(bool *)flag = true;
}

/* Does the kernel have @count free references? If so it calls back at once. */
static bool kernel_has_free(unsigned int count)
{
	struct gnttab_free_callback probe = { };
	bool is_free = false;

	gnttab_request_free_callback(&probe, set_true, &is_free, count);
	gnttab_cancel_free_callback(&probe);
	return is_free;
}

/*
 * Was the guest restored from version 1 into version 2 before this module was loaded?
 * The kernel then has twice the references that its frames hold. Only free references
 * can be counted from here, so nothing is found out while half of them are in use; nor
 * is a change from 2 to 1, which leaves the kernel with fewer than its frames hold.
 */
static void find_earlier_change(void)
{
	unsigned int held = table.listed * xengnt_frame_refs();
	/* The lowest references are reserved, never free. */
	unsigned int most_free = held - GNTTAB_NR_RESERVED_ENTRIES;

	if (table.version != 2 || !held || most_free + 1 > U16_MAX ||
	    !kernel_has_free(most_free + 1))
		return;
	table.fixed_refs = 2 * held;
	pr_warn("the table had version 1 when the kernel started: the kernel cannot extend it; reboot the guest to use all of it\n");
	list_fixed_refs();
}

int xengnt_frames_init(unsigned int max_frames)
{
	int err = -ENOMEM;

	table.version = read_version();
	if (table.version != 1 && table.version != 2) {
		pr_err("grant table version %d is not supported: only 1 and 2 are\n", table.version);
		return -EOPNOTSUPP;
	}
	table.max = max_frames;
	/* Enough for version 2: the version may change when the guest is restored. */
	table.max_status = DIV_ROUND_UP(max_frames * sizeof(grant_status_t),
					sizeof(union grant_entry_v2));
	table.frames = kvcalloc(slots(), sizeof(*table.frames), GFP_KERNEL);
	table.mapped = kvcalloc(slots(), sizeof(*table.mapped), GFP_KERNEL);
	if (table.frames && table.mapped)
		err = list_frames();
	if (!err) {
		find_earlier_change();
		err = reach_create();
	}
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

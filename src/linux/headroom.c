// SPDX-License-Identifier: GPL-2.0
/*
 * How much of the table is left, for all of its users together.
 *
 * Xen tells how many frames there are and may be. What is leased is known. How many
 * references the kernel has free it does not export: its free callbacks tell (see
 * xengnt_kernel_free_count()), and what remains are those that it has handed out.
 *
 * A work item looks every ten seconds, and soon after references were leased. The
 * first time that less than headroom_warn percent are left it says so: one line in
 * the log each minute at most, an event to trace, a uevent.
 */
#include "internal.h"
#include "watch.h"

#include <linux/bitops.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/seq_file.h>
#include <linux/workqueue.h>
#include <xen/xen.h>
#include <asm/xen/hypercall.h>

#include "../core/core.h"
#include "shares.h"
#include "takeover.h"
#include "trace.h"

#define LOOK_INTERVAL (10 * HZ)
#define LOOK_SOON (HZ / 10)
#define SAY_INTERVAL (60 * HZ)
#define FRAMES_STEP 32 /* advice is rounded up to a multiple of this */

static unsigned int headroom_warn = 10;

static int set_headroom_warn(const char *text, const struct kernel_param *param)
{
	unsigned int percent;
	int err = kstrtouint(text, 0, &percent);

	if (err)
		return err;
	if (percent > 90) {
		pr_err("headroom_warn=%u: must be 0 to 90 percent\n", percent);
		return -EINVAL;
	}
	WRITE_ONCE(headroom_warn, percent);
	xengnt_headroom_kick();
	return 0;
}

static const struct kernel_param_ops headroom_warn_ops = {
	.set = set_headroom_warn,
	.get = param_get_uint,
};
module_param_cb(headroom_warn, &headroom_warn_ops, &headroom_warn, 0644);
MODULE_PARM_DESC(headroom_warn, "warn when less than this percentage of the table is left (10; 0: never)");

static void look(struct work_struct *work);
static DECLARE_DELAYED_WORK(watch, look);
static unsigned long soon; /* bit 0: it has been asked to look soon */
struct xengnt_seen xengnt_seen;
static bool running;
static bool low;
static bool said;
static unsigned long said_jiffies;

/* --- reading ---------------------------------------------------------- */

int xengnt_read_headroom(struct xengnt_headroom *headroom, struct xg_stats *stats)
{
	struct gnttab_query_size query = { .dom = DOMID_SELF };
	u32 frame_refs = xengnt_frame_refs();
	u32 leased;

	memset(headroom, 0, sizeof(*headroom));
	if (HYPERVISOR_grant_table_op(GNTTABOP_query_size, &query, 1) ||
	    query.status != GNTST_okay)
		return -EIO;
	xg_read_stats(stats);
	headroom->frames = query.nr_frames;
	headroom->frames_max = max(gnttab_max_grant_frames(), headroom->frames);
	headroom->references = headroom->frames * frame_refs;
	headroom->references_max = headroom->frames_max * frame_refs;
	if (!xengnt_kernel_cannot_grow())
		headroom->growable = headroom->references_max - headroom->references;
	/*
	 * These are read one after the other while drivers go on. Each is bounded by what
	 * the ones before leave, so that they add up whatever happens meanwhile.
	 */
	leased = min_t(u64, stats->leased, headroom->references);
	headroom->free = min_t(u64, stats->free + stats->cached, leased);
	headroom->used = leased - headroom->free;
	headroom->kernel_free = min(xengnt_kernel_free_count(), headroom->references - leased);
	headroom->kernel_used = headroom->references - leased - headroom->kernel_free;
	headroom->headroom = headroom->free + headroom->kernel_free + headroom->growable;
	return 0;
}

void xengnt_show_headroom(struct seq_file *file)
{
	struct xengnt_headroom headroom;
	struct xg_stats stats;

	if (xengnt_read_headroom(&headroom, &stats))
		return;
#define LINE(key) seq_printf(file, "table_" #key " %u\n", headroom.key)
	LINE(frames_max);
	LINE(references);
	LINE(references_max);
	LINE(used);
	LINE(free);
	LINE(kernel_used);
	LINE(kernel_free);
	LINE(growable);
	LINE(headroom);
#undef LINE
	seq_printf(file, "table_frames_now %u\n", headroom.frames);
}

/* --- warning ----------------------------------------------------------- */

static const char kernels_name[] = "the kernel and drivers that are not on xengnt";

/* Enters the pools that hold most, the biggest first. */
static void find_biggest(struct xengnt_seen *seen)
{
	struct xg_pool_stats pool;
	u32 number;
	int i, j;

	for (number = 0; xg_read_pool(number, &pool); number++) {
		for (i = 0; i < XENGNT_HOLDERS && seen->biggest[i].held >= pool.held; i++)
			;
		if (i == XENGNT_HOLDERS)
			continue;
		for (j = XENGNT_HOLDERS - 1; j > i; j--)
			seen->biggest[j] = seen->biggest[j - 1];
		seen->biggest[i].held = pool.held;
		strscpy(seen->biggest[i].name, pool.name, sizeof(pool.name));
	}
}

/* Frames with which what is in use now would be half of the table. */
static u32 frames_to_set(const struct xengnt_headroom *headroom)
{
	u32 in_use = headroom->used + headroom->kernel_used;
	u32 frames = DIV_ROUND_UP(2 * in_use, xengnt_frame_refs());

	return roundup(max(frames, headroom->frames_max + 1), FRAMES_STEP);
}

static void say(const struct xengnt_seen *seen)
{
	const struct xengnt_headroom *headroom = &seen->headroom;
	bool pooled = seen->biggest[0].held > headroom->kernel_used;
	u32 most = pooled ? seen->biggest[0].held : headroom->kernel_used;

	pr_warn("%u of %u grant references are left; most, %u, are with %s%s; %s%u\n",
		headroom->headroom, headroom->references_max, most, pooled ? "pool " : "",
		pooled ? seen->biggest[0].name : kernels_name,
		xen_initial_domain() ?
			"for more set this on Xen's command line and reboot: gnttab_max_frames=" :
			"for more set this in the guest's configuration and create it again: max_grant_frames=",
		frames_to_set(headroom));
	trace_xengnt_headroom(headroom->headroom, headroom->references_max, most,
			      pooled ? seen->biggest[0].name : "kernel");
}

static void send_uevent(const struct xengnt_headroom *headroom, const char *state)
{
	char left[40], of[40], what[40];
	char *env[] = { what, left, of, NULL };

	snprintf(what, sizeof(what), "XENGNT_HEADROOM=%s", state);
	snprintf(left, sizeof(left), "XENGNT_LEFT=%u", headroom->headroom);
	snprintf(of, sizeof(of), "XENGNT_REFERENCES_MAX=%u", headroom->references_max);
	/* Without a listener it goes nowhere; nothing depends on it. */
	kobject_uevent_env(&THIS_MODULE->mkobj.kobj, KOBJ_CHANGE, env);
}

static bool below(const struct xengnt_headroom *headroom, unsigned int percent)
{
	return (u64)headroom->headroom * 100 < (u64)headroom->references_max * percent;
}

static void judge(const struct xengnt_seen *seen)
{
	const struct xengnt_headroom *headroom = &seen->headroom;
	unsigned int percent = READ_ONCE(headroom_warn);

	if (below(headroom, percent)) {
		if (!low)
			send_uevent(headroom, "low");
		low = true;
		if (said && time_before(jiffies, said_jiffies + SAY_INTERVAL))
			return;
		said = true;
		said_jiffies = jiffies;
		say(seen);
	} else if (low && !below(headroom, percent + percent / 4)) {
		/* Not at the first reference above: it may go to and fro there. */
		low = false;
		send_uevent(headroom, "enough");
	}
}

static void look(struct work_struct *work)
{
	struct xengnt_seen seen = { .when = jiffies };
	struct xg_stats stats;

	clear_bit(0, &soon);
	xengnt_sysfs_update_pools();
	xengnt_shares_retry();
	xengnt_takeover_check();
	if (!xengnt_read_headroom(&seen.headroom, &stats)) {
		find_biggest(&seen);
		xengnt_seen = seen;
		judge(&seen);
	}
	if (READ_ONCE(running))
		schedule_delayed_work(&watch, LOOK_INTERVAL);
}

void xengnt_headroom_kick(void)
{
	/* Once until it looks: else every lease would put it off again. */
	if (READ_ONCE(running) && !test_and_set_bit(0, &soon))
		mod_delayed_work(system_wq, &watch, LOOK_SOON);
}

/* --- takeover's state ---------------------------------------------------- */

static bool takeover_active;
static unsigned int hooks_lost;

void xengnt_note_takeover(bool active, unsigned int lost)
{
	WRITE_ONCE(takeover_active, active);
	WRITE_ONCE(hooks_lost, lost);
}

bool xengnt_takeover_active(void)
{
	return READ_ONCE(takeover_active);
}

unsigned int xengnt_hooks_lost(void)
{
	return READ_ONCE(hooks_lost);
}

/* --- life ---------------------------------------------------------------- */

void xengnt_headroom_init(void)
{
	clear_bit(0, &soon);
	WRITE_ONCE(running, true);
	xengnt_headroom_kick();
}

void xengnt_headroom_exit(void)
{
	WRITE_ONCE(running, false);
	cancel_delayed_work_sync(&watch);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Leak tracking: where and when each reference that a driver holds was allocated. The
 * kernel's stack depot keeps the stacks, each of them once.
 */
#include "internal.h"
#include "tracking.h"

#include <linux/gfp.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/stackdepot.h>
#include <linux/stacktrace.h>
#include <linux/vmalloc.h>

#include "../core/core.h"

#define STACK_ENTRIES 12
#define SKIPPED_ENTRIES 3 /* this module's functions */
#define GROUPS 256
#define LOGGED_GROUPS 8

DEFINE_STATIC_KEY_FALSE(xengnt_tracking);

struct owner {
	depot_stack_handle_t stack;
	u32 since; /* seconds of the monotonic clock */
};

/* By reference; allocated when tracking is first switched on, kept until the module unloads. */
static struct owner *owners;
static u32 nr_owners; /* 0: cannot be switched on now */
static bool track;
static DEFINE_MUTEX(track_lock);

/* The stack above the exported function, and the time. */
static noinline struct owner owner_now(void)
{
	unsigned long entries[STACK_ENTRIES];
	unsigned int nr = stack_trace_save(entries, STACK_ENTRIES, SKIPPED_ENTRIES);

	return (struct owner){
		.stack = stack_depot_save(entries, nr, GFP_ATOMIC | __GFP_NOWARN),
		.since = ktime_get_seconds(),
	};
}

/*
 * A reference that is given back keeps its entry here. Its state says that no driver
 * holds it, and the next driver to take it overwrites the entry.
 */
void __xengnt_track_taken(u32 first, u32 count)
{
	struct owner owner = owner_now();
	u32 ref;

	for (ref = first; ref - first < count && ref < nr_owners; ref++)
		owners[ref] = owner;
}

void __xengnt_track_list(u32 head)
{
	struct owner owner = owner_now();
	u32 ref;

	for (ref = head; ref < nr_owners; ref = xg_next_on_list(ref))
		owners[ref] = owner;
}

/* --- grouping --------------------------------------------------------- */

struct group {
	depot_stack_handle_t stack;
	u32 refs;
	u32 oldest;
	u32 example; /* one of the references */
};

/* Groups the references that drivers hold (of @pool, or of all) by stack; returns the number. */
static unsigned int collect(const struct xg_pool *pool, struct group *groups)
{
	unsigned int nr = 0;
	u32 ref;

	for (ref = 0; ref < nr_owners; ref++) {
		struct owner owner = owners[ref];
		struct xg_ref_info info;
		unsigned int i;

		if (!owner.stack)
			continue;
		xg_read_ref(ref, &info);
		if (info.state == XG_REF_FREE || (pool && info.pool != pool))
			continue;
		for (i = 0; i < nr && groups[i].stack != owner.stack; i++)
			;
		if (i == GROUPS)
			continue;
		if (i == nr) {
			groups[nr++] = (struct group){ owner.stack, 0, owner.since, ref };
		} else if (owner.since < groups[i].oldest) {
			groups[i].oldest = owner.since;
			groups[i].example = ref;
		}
		groups[i].refs += info.count;
	}
	return nr;
}

static const char *state_name(enum xg_ref_state state)
{
	switch (state) {
	case XG_REF_LISTED:
		return "listed";
	case XG_REF_CLAIMED:
		return "claimed";
	case XG_REF_GRANTED:
		return "granted";
	case XG_REF_DEFERRED:
		return "deferred";
	default:
		return "free";
	}
}

void xengnt_owners_show(struct seq_file *file)
{
	struct group *groups;
	unsigned int nr, i;
	char *text;

	if (!static_branch_unlikely(&xengnt_tracking)) {
		seq_puts(file, "# off: echo 1 > /sys/module/xengnt/parameters/track\n");
		return;
	}
	groups = kvcalloc(GROUPS, sizeof(*groups), GFP_KERNEL);
	text = kmalloc(PAGE_SIZE, GFP_KERNEL);
	nr = groups && text ? collect(NULL, groups) : 0;
	for (i = 0; i < nr; i++) {
		struct xg_ref_info info;

		xg_read_ref(groups[i].example, &info);
		seq_printf(file, "refs %u oldest_s %llu oldest_ref %u state %s domid %u frame %#llx pool %s\n",
			   groups[i].refs, (u64)ktime_get_seconds() - groups[i].oldest,
			   groups[i].example, state_name(info.state), info.domid, info.frame,
			   info.pool ? xg_pool_name(info.pool) : "-");
		stack_depot_snprint(groups[i].stack, text, PAGE_SIZE, 4);
		seq_puts(file, text);
	}
	kfree(text);
	kvfree(groups);
}

void xengnt_owners_log(const struct xg_pool *pool)
{
	struct group *groups;
	unsigned int nr, i;

	if (!static_branch_unlikely(&xengnt_tracking))
		return;
	groups = kvcalloc(GROUPS, sizeof(*groups), GFP_KERNEL);
	nr = groups ? collect(pool, groups) : 0;
	for (i = 0; i < nr && i < LOGGED_GROUPS; i++) {
		pr_warn("%u references, %#x among them, were taken here:\n", groups[i].refs,
			groups[i].example);
		stack_depot_print(groups[i].stack);
	}
	kvfree(groups);
}

void xengnt_owner_log(u32 ref)
{
	if (static_branch_unlikely(&xengnt_tracking) && ref < nr_owners && owners[ref].stack)
		stack_depot_print(owners[ref].stack);
}

/* --- switching --------------------------------------------------------- */

static int switch_to(bool on)
{
	int err = 0;

	mutex_lock(&track_lock);
	if (on && !owners && nr_owners) {
		err = stack_depot_init();
		if (!err) {
			owners = vzalloc(array_size(nr_owners, sizeof(*owners)));
			err = owners ? 0 : -ENOMEM;
		}
	}
	if (!err && nr_owners) {
		/* Entries from an earlier time: their drivers may have freed the references since. */
		if (on && !static_key_enabled(&xengnt_tracking.key))
			memset(owners, 0, array_size(nr_owners, sizeof(*owners)));
		if (on)
			static_branch_enable(&xengnt_tracking);
		else
			static_branch_disable(&xengnt_tracking);
	}
	mutex_unlock(&track_lock);
	return err;
}

static int track_set(const char *value, const struct kernel_param *param)
{
	int err = param_set_bool(value, param);

	return err ? err : switch_to(track);
}

static const struct kernel_param_ops track_ops = {
	.set = track_set,
	.get = param_get_bool,
};
module_param_cb(track, &track_ops, &track, 0644);
MODULE_PARM_DESC(track, "remember where each reference was taken, for debugfs owners and leak reports (0)");

int xengnt_tracking_init(u32 table_refs)
{
	nr_owners = table_refs;
	return switch_to(track);
}

/*
 * The parameter's file is there until after this, and the kernel does not keep the
 * module while it calls track_set(): a switch may be under way, or come later. With
 * nr_owners 0 it does nothing.
 */
void xengnt_tracking_exit(void)
{
	mutex_lock(&track_lock);
	static_branch_disable(&xengnt_tracking);
	vfree(owners);
	owners = NULL;
	nr_owners = 0;
	mutex_unlock(&track_lock);
}

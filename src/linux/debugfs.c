// SPDX-License-Identifier: GPL-2.0
/* /sys/kernel/debug/xengnt: `key value` lines that people and scripts can read. */
#include "internal.h"

#include <linux/debugfs.h>
#include <linux/mm.h>
#include <linux/seq_file.h>

#include "../core/core.h"
#include "takeover.h"
#include "tracking.h"
#include "watch.h"

static struct dentry *dir;

static int stats_show(struct seq_file *file, void *unused)
{
	struct xg_stats stats;

	xg_read_stats(&stats);
	seq_puts(file, "version 1\n");
#define LINE(key) seq_printf(file, #key " %llu\n", stats.key)
	LINE(leased);
	LINE(lease_limit);
	LINE(free);
	LINE(cached);
	LINE(listed);
	LINE(claimed);
	LINE(granted);
	LINE(deferred);
	LINE(allocated_total);
	LINE(freed_total);
	LINE(granted_total);
	LINE(ended_total);
	LINE(deferred_total);
	LINE(reclaimed_total);
	LINE(handed_back_total);
	LINE(misuse_total);
	LINE(enospc_total);
	LINE(callbacks_total);
	LINE(waiting);
	LINE(leased_total);
	LINE(unleased_total);
#undef LINE
	seq_printf(file, "table_frames %u\n", xengnt_frames_mapped());
	xengnt_show_headroom(file);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static int errors_show(struct seq_file *file, void *unused)
{
	unsigned int what;

	for (what = 0; xengnt_report_name(what); what++)
		seq_printf(file, "%s %lu\n", xengnt_report_name(what), xengnt_reports(what));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(errors);

static int pools_show(struct seq_file *file, void *unused)
{
	struct xg_pool_stats pool;
	unsigned int number;

	for (number = 0; xg_read_pool(number, &pool); number++)
		if (pool.used || pool.held)
			seq_printf(file,
				   "name %s held %u limit %u reserve %u allocated_total %llu freed_total %llu used %d\n",
				   pool.name, pool.held, pool.limit, pool.reserve,
				   pool.allocated_total, pool.freed_total, pool.used);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(pools);

static int deferred_show(struct seq_file *file, void *unused)
{
	struct xg_deferred deferred;
	unsigned int ref = 0;

	while (xg_read_deferred(&ref, &deferred))
		seq_printf(file, "ref %u domid %u age_s %llu page %p pool %s\n", deferred.ref,
			   deferred.domid, deferred.age_s, deferred.page, deferred.pool);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(deferred);

/* More than that many drivers do not wait at once; a line of the file each. */
#define MAX_WAITERS 256

static int waiters_show(struct seq_file *file, void *unused)
{
	struct xg_waiter *waiters = kvcalloc(MAX_WAITERS, sizeof(*waiters), GFP_KERNEL);
	u32 nr, i;

	if (!waiters)
		return -ENOMEM;
	nr = xg_read_waiters(waiters, MAX_WAITERS);
	for (i = 0; i < nr; i++)
		seq_printf(file, "place %u count %u fn %ps\n", i + 1, waiters[i].count,
			   waiters[i].fn);
	kvfree(waiters);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(waiters);

static int lease_show(struct seq_file *file, void *unused)
{
	struct xg_lease lease;

	xg_read_lease(&lease);
#define LINE(key) seq_printf(file, #key " %llu\n", (u64)lease.key)
	LINE(leased);
	LINE(limit);
	LINE(step);
	LINE(spare_limit);
	LINE(refused);
	LINE(leased_total);
	LINE(unleased_total);
#undef LINE
	seq_printf(file, "table_frames %u\n", xengnt_frames_mapped());
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(lease);

struct domain_use {
	u32 granted, deferred;
};

static void count_uses(struct domain_use *uses)
{
	struct xg_ref_info info;
	u32 ref;

	for (ref = 0; ref < xg_table_refs(); ref++) {
		xg_read_ref(ref, &info);
		if (info.state == XG_REF_GRANTED)
			uses[info.domid].granted++;
		else if (info.state == XG_REF_DEFERRED)
			uses[info.domid].deferred++;
	}
}

static int domains_show(struct seq_file *file, void *unused)
{
	struct domain_use *uses = kvcalloc(U16_MAX + 1, sizeof(*uses), GFP_KERNEL);
	u32 domid;

	if (!uses)
		return -ENOMEM;
	count_uses(uses);
	for (domid = 0; domid <= U16_MAX; domid++)
		if (uses[domid].granted || uses[domid].deferred)
			seq_printf(file, "domid %u granted %u deferred %u\n", domid,
				   uses[domid].granted, uses[domid].deferred);
	kvfree(uses);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(domains);

static int owners_show(struct seq_file *file, void *unused)
{
	xengnt_owners_show(file);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(owners);

static int takeover_show(struct seq_file *file, void *unused)
{
	xengnt_takeover_show(file);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(takeover);

void xengnt_debugfs_init(void)
{
	dir = debugfs_create_dir("xengnt", NULL);
	debugfs_create_file("stats", 0444, dir, NULL, &stats_fops);
	debugfs_create_file("errors", 0444, dir, NULL, &errors_fops);
	debugfs_create_file("pools", 0444, dir, NULL, &pools_fops);
	debugfs_create_file("waiters", 0444, dir, NULL, &waiters_fops);
	debugfs_create_file("lease", 0444, dir, NULL, &lease_fops);
	debugfs_create_file("domains", 0444, dir, NULL, &domains_fops);
	debugfs_create_file("owners", 0444, dir, NULL, &owners_fops);
	debugfs_create_file("takeover", 0444, dir, NULL, &takeover_fops);
	debugfs_create_file("deferred", 0444, dir, NULL, &deferred_fops);
}

void xengnt_debugfs_exit(void)
{
	debugfs_remove(dir);
}

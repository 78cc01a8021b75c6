// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/xengnt: one value in each file, readable by everybody, where debugfs
 * is root's alone or closed. docs/abi/sysfs-kernel-xengnt describes each.
 *
 * Some of it takes a look at every reference, so all the values are read together
 * and kept for half a second: so frequent reads cost no more.
 */
#include "internal.h"
#include "watch.h"

#include <linux/kobject.h>
#include <linux/mutex.h>
#include <linux/sysfs.h>
#include <xengnt/copy_grants.h>

#include "../core/core.h"
#include "sysfs.h"

#define KEPT_FOR (HZ / 2)

struct values {
	struct xg_stats stats;
	u64 version, frames, frames_max, references, references_max, growable;
	u64 used, free, kernel_used, kernel_free, headroom, headroom_percent;
	u64 deferred_oldest_s, takeover_active, hooks_lost;
};

static struct values values;
static bool values_known;
static unsigned long values_from;
static DEFINE_MUTEX(values_lock);

static u64 oldest_deferred(void)
{
	struct xg_deferred deferred;
	u64 oldest = 0;
	u32 ref = 0;

	while (xg_read_deferred(&ref, &deferred))
		oldest = max(oldest, deferred.age_s);
	return oldest;
}

static int read_values(struct values *now)
{
	struct xengnt_headroom headroom;
	int err = xengnt_read_headroom(&headroom, &now->stats);

	if (err)
		return err;
	now->version = xengnt_table_version();
#define COPY(key) (now->key = headroom.key)
	COPY(frames);
	COPY(frames_max);
	COPY(references);
	COPY(references_max);
	COPY(growable);
	COPY(used);
	COPY(free);
	COPY(kernel_used);
	COPY(kernel_free);
	COPY(headroom);
#undef COPY
	now->headroom_percent = now->headroom * 100 / max(now->references_max, 1ULL);
	now->deferred_oldest_s = now->stats.deferred ? oldest_deferred() : 0;
	now->takeover_active = xengnt_takeover_active();
	now->hooks_lost = xengnt_hooks_lost();
	return 0;
}

/* A file and where its value is in struct values. */
struct value_attribute {
	struct kobj_attribute attr;
	size_t offset;
};

static ssize_t value_show(struct kobject *kobj, struct kobj_attribute *attr, char *text)
{
	size_t offset = container_of(attr, struct value_attribute, attr)->offset;
	ssize_t length = 0;

	mutex_lock(&values_lock);
	if (!values_known || time_after(jiffies, values_from + KEPT_FOR)) {
		length = read_values(&values);
		values_known = !length;
		values_from = jiffies;
	}
	if (!length)
		length = sysfs_emit(text, "%llu\n", *(u64 *)((void *)&values + offset));
	mutex_unlock(&values_lock);
	return length;
}

#define VALUE(group, file, member) \
	static struct value_attribute group##_##file = { \
		.attr = __ATTR(file, 0444, value_show, NULL), \
		.offset = offsetof(struct values, member), \
	}
#define LISTED(group, file) (&group##_##file.attr.attr)

VALUE(table, version, version);
VALUE(table, frames, frames);
VALUE(table, frames_max, frames_max);
VALUE(table, references, references);
VALUE(table, references_max, references_max);
VALUE(table, growable, growable);
VALUE(table, used, used);
VALUE(table, free, free);
VALUE(table, kernel_used, kernel_used);
VALUE(table, kernel_free, kernel_free);
VALUE(table, headroom, headroom);
VALUE(table, headroom_percent, headroom_percent);

static struct attribute *table_attrs[] = {
	LISTED(table, version),
	LISTED(table, frames),
	LISTED(table, frames_max),
	LISTED(table, references),
	LISTED(table, references_max),
	LISTED(table, growable),
	LISTED(table, used),
	LISTED(table, free),
	LISTED(table, kernel_used),
	LISTED(table, kernel_free),
	LISTED(table, headroom),
	LISTED(table, headroom_percent),
	NULL
};

VALUE(references, leased, stats.leased);
VALUE(references, lease_limit, stats.lease_limit);
VALUE(references, free, stats.free);
VALUE(references, cached, stats.cached);
VALUE(references, listed, stats.listed);
VALUE(references, claimed, stats.claimed);
VALUE(references, granted, stats.granted);
VALUE(references, deferred, stats.deferred);
VALUE(references, deferred_oldest_s, deferred_oldest_s);
VALUE(references, waiting, stats.waiting);

static struct attribute *references_attrs[] = {
	LISTED(references, leased),
	LISTED(references, lease_limit),
	LISTED(references, free),
	LISTED(references, cached),
	LISTED(references, listed),
	LISTED(references, claimed),
	LISTED(references, granted),
	LISTED(references, deferred),
	LISTED(references, deferred_oldest_s),
	LISTED(references, waiting),
	NULL
};

VALUE(totals, allocated, stats.allocated_total);
VALUE(totals, freed, stats.freed_total);
VALUE(totals, granted, stats.granted_total);
VALUE(totals, ended, stats.ended_total);
VALUE(totals, deferred, stats.deferred_total);
VALUE(totals, reclaimed, stats.reclaimed_total);
VALUE(totals, handed_back, stats.handed_back_total);
VALUE(totals, misuse, stats.misuse_total);
VALUE(totals, refused, stats.enospc_total);
VALUE(totals, callbacks, stats.callbacks_total);
VALUE(totals, leased, stats.leased_total);
VALUE(totals, unleased, stats.unleased_total);

static struct attribute *totals_attrs[] = {
	LISTED(totals, allocated),
	LISTED(totals, freed),
	LISTED(totals, granted),
	LISTED(totals, ended),
	LISTED(totals, deferred),
	LISTED(totals, reclaimed),
	LISTED(totals, handed_back),
	LISTED(totals, misuse),
	LISTED(totals, refused),
	LISTED(totals, callbacks),
	LISTED(totals, leased),
	LISTED(totals, unleased),
	NULL
};

VALUE(takeover, active, takeover_active);
VALUE(takeover, hooks_lost, hooks_lost);

static struct attribute *takeover_attrs[] = {
	LISTED(takeover, active),
	LISTED(takeover, hooks_lost),
	NULL
};

/* A file for each kind of report; filled when the module loads. */
static struct kobj_attribute error_files[XG_REPORTS];
static struct attribute *errors_attrs[XG_REPORTS + 1];

static ssize_t error_show(struct kobject *kobj, struct kobj_attribute *attr, char *text)
{
	return sysfs_emit(text, "%lu\n", xengnt_reports(attr - error_files));
}

static void fill_errors(void)
{
	unsigned int what;

	for (what = 0; xengnt_report_name(what); what++) {
		error_files[what].attr.name = xengnt_report_name(what);
		error_files[what].attr.mode = 0444;
		error_files[what].show = error_show;
		errors_attrs[what] = &error_files[what].attr;
	}
}

static const struct attribute_group table_group = { .name = "table", .attrs = table_attrs };
static const struct attribute_group references_group = {
	.name = "references", .attrs = references_attrs,
};
static const struct attribute_group totals_group = { .name = "totals", .attrs = totals_attrs };
static const struct attribute_group errors_group = { .name = "errors", .attrs = errors_attrs };
static const struct attribute_group takeover_group = {
	.name = "takeover", .attrs = takeover_attrs,
};
static const struct attribute_group *groups[] = {
	&table_group, &references_group, &totals_group, &errors_group, &takeover_group, NULL
};

static struct kobject *top;

void xengnt_sysfs_init(void)
{
	values_known = false;
	fill_errors();
	top = kobject_create_and_add("xengnt", kernel_kobj);
	if (top && sysfs_create_groups(top, groups)) {
		kobject_put(top);
		top = NULL;
	}
	if (!top || xengnt_sysfs_pools_init(top))
		pr_warn("/sys/kernel/xengnt is not complete: there is not enough memory; load the module again\n");
}

void xengnt_sysfs_exit(void)
{
	xengnt_sysfs_pools_exit();
	if (!top)
		return;
	sysfs_remove_groups(top, groups);
	kobject_put(top);
	top = NULL;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/xengnt/pools: a directory for each pool.
 *
 * Pools come and go in contexts that cannot sleep, so the watch (headroom.c) brings
 * the directories up to date: a tenth of a second after a pool has come, and every
 * ten seconds. A file whose pool has gone meanwhile cannot be read (ENODEV).
 */
#include "internal.h"
#include "watch.h"

#include <linux/kobject.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "../core/core.h"
#include "sysfs.h"

#define MAX_POOLS 256 /* of the core, more than which it does not make */

struct pool_dir {
	struct kobject kobj;
	u32 number; /* of the pool */
	char name[32];
};

static struct kobject *parent;
static struct pool_dir *dirs[MAX_POOLS];
static DEFINE_MUTEX(dirs_lock);

static bool is_shown(const struct xg_pool_stats *pool)
{
	return pool->used || pool->held;
}

/* The pool that a directory was made for, unless another has its number by now. */
static bool read_pool_of(const struct pool_dir *dir, struct xg_pool_stats *pool)
{
	return xg_read_pool(dir->number, pool) && is_shown(pool) && !strcmp(pool->name, dir->name);
}

#define POOL_FILE(file, format, value) \
	static ssize_t file##_show(struct kobject *kobj, struct kobj_attribute *attr, char *text) \
	{ \
		struct xg_pool_stats pool; \
		\
		if (!read_pool_of(container_of(kobj, struct pool_dir, kobj), &pool)) \
			return -ENODEV; \
		return sysfs_emit(text, format "\n", value); \
	} \
	static struct kobj_attribute file##_file = __ATTR_RO(file)

POOL_FILE(name, "%s", pool.name);
POOL_FILE(held, "%u", pool.held);
POOL_FILE(reserve, "%u", pool.reserve);
POOL_FILE(limit, "%u", pool.limit);
POOL_FILE(allocated_total, "%llu", pool.allocated_total);
POOL_FILE(freed_total, "%llu", pool.freed_total);

static struct attribute *pool_attrs[] = {
	&name_file.attr,
	&held_file.attr,
	&reserve_file.attr,
	&limit_file.attr,
	&allocated_total_file.attr,
	&freed_total_file.attr,
	NULL
};
ATTRIBUTE_GROUPS(pool);

static void pool_dir_release(struct kobject *kobj)
{
	kfree(container_of(kobj, struct pool_dir, kobj));
}

static const struct kobj_type pool_dir_type = {
	.release = pool_dir_release,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = pool_groups,
};

/* Pools may share a name, their directories may not. */
static bool is_taken(const char *name)
{
	u32 i;

	for (i = 0; i < MAX_POOLS; i++)
		if (dirs[i] && !strcmp(kobject_name(&dirs[i]->kobj), name))
			return true;
	return false;
}

static void make_dir(u32 number, const char *name)
{
	/* A dot in front: else "." and ".." would be names. A slash would lead below. */
	char unique[48];
	struct pool_dir *dir;
	u32 copy = 1;

	snprintf(unique, sizeof(unique), "%s%s", *name == '.' ? "_" : "", name);
	strreplace(unique, '/', '!');
	while (is_taken(unique)) {
		snprintf(unique, sizeof(unique), "%s%s.%u", *name == '.' ? "_" : "", name, ++copy);
		strreplace(unique, '/', '!');
	}
	dir = kzalloc(sizeof(*dir), GFP_KERNEL);
	if (!dir)
		return; /* the next round tries again */
	dir->number = number;
	strscpy(dir->name, name, sizeof(dir->name));
	if (kobject_init_and_add(&dir->kobj, &pool_dir_type, parent, "%s", unique))
		kobject_put(&dir->kobj);
	else
		dirs[number] = dir;
}

static void remove_dir(u32 number)
{
	struct pool_dir *dir = dirs[number];

	if (!dir)
		return;
	dirs[number] = NULL;
	/* Waits for who is reading one of its files. */
	kobject_del(&dir->kobj);
	kobject_put(&dir->kobj);
}

void xengnt_sysfs_update_pools(void)
{
	struct xg_pool_stats pool;
	u32 number;

	mutex_lock(&dirs_lock);
	for (number = 0; parent && number < MAX_POOLS; number++) {
		if (dirs[number] && !read_pool_of(dirs[number], &pool))
			remove_dir(number);
		if (!dirs[number] && xg_read_pool(number, &pool) && is_shown(&pool))
			make_dir(number, pool.name);
	}
	mutex_unlock(&dirs_lock);
}

int xengnt_sysfs_pools_init(struct kobject *top)
{
	parent = kobject_create_and_add("pools", top);
	if (!parent)
		return -ENOMEM;
	xengnt_sysfs_update_pools();
	return 0;
}

void xengnt_sysfs_pools_exit(void)
{
	u32 number;

	mutex_lock(&dirs_lock);
	for (number = 0; number < MAX_POOLS; number++)
		remove_dir(number);
	kobject_put(parent);
	parent = NULL;
	mutex_unlock(&dirs_lock);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Reserves and limits for pools by name, given as parameters when the module loads or
 * written later: reserve=xen_netfront:1024,xen_blkfront:512 limit=xen_gntalloc:8192.
 *
 * They hold for pools that exist and for those that come later. What is written
 * replaces what that parameter had: a name that is no longer there gets the values
 * that its pool was made with.
 */
#include "internal.h"
#include "shares.h"

#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "../core/core.h"

#define MAX_SHARES 64
#define MAX_POOLS 256 /* of the core */

struct share {
	char name[32];
	u32 count;
};

struct shares {
	struct share list[MAX_SHARES];
	unsigned int nr;
};

/* Read by pools that are being made, in any context; written under write_lock as well. */
static struct shares reserves, limits;
static struct {
	struct xg_pool *pool; /* NULL: no pool here */
	u32 reserve, limit;   /* that it was made with */
} known[MAX_POOLS];
static DEFINE_RAW_SPINLOCK(lock);
/* One writer at a time; setting a pool's reserve may take long. */
static DEFINE_MUTEX(write_lock);

/* --- parsing ------------------------------------------------------------ */

static int parse_one(char *word, struct share *share)
{
	char *colon = strchr(word, ':');

	if (!colon || colon == word || colon - word >= sizeof(share->name))
		return -EINVAL;
	*colon = '\0';
	strscpy(share->name, word, sizeof(share->name));
	return kstrtou32(colon + 1, 0, &share->count);
}

/* NAME:N,NAME:N; nothing at all is fine. */
static int parse(const char *text, struct shares *shares)
{
	char *copy = kstrdup(text, GFP_KERNEL);
	char *rest, *word;
	int err = 0;

	if (!copy)
		return -ENOMEM;
	rest = strim(copy);
	while (!err && *rest && (word = strsep(&rest, ","))) {
		err = shares->nr < MAX_SHARES ? parse_one(word, &shares->list[shares->nr]) : -E2BIG;
		shares->nr++;
		if (!rest)
			break;
	}
	kfree(copy);
	return err;
}

/* --- applying ------------------------------------------------------------- */

/* Modules have underscores where people, and built-in drivers, have dashes. */
static bool same_name(const char *one, const char *other)
{
	for (; *one || *other; one++, other++)
		if ((*one == '-' ? '_' : *one) != (*other == '-' ? '_' : *other))
			return false;
	return true;
}

static u32 wanted(const struct shares *shares, const char *name, u32 unless)
{
	unsigned int i;

	for (i = 0; i < shares->nr; i++)
		if (same_name(shares->list[i].name, name))
			return shares->list[i].count;
	return unless;
}

static void set_pool(struct xg_pool *pool, const char *name, u32 reserve, u32 limit)
{
	int err;

	/* Of the two the limit holds: a reserve above it could never be used. */
	reserve = min(reserve, limit);
	err = xg_pool_set(pool, reserve, limit);
	if (err)
		pr_warn("pool %s cannot have a reserve of %u references and a limit of %u: error %d; free some, then write the parameter again\n",
			name, reserve, limit, err);
}

void xengnt_shares_apply(struct xg_pool *pool, u32 reserve, u32 limit)
{
	const char *name = xg_pool_name(pool);
	unsigned long flags;
	bool named;
	u32 own_reserve = reserve, own_limit = limit;
	int i;

	raw_spin_lock_irqsave(&lock, flags);
	for (i = 0; i < MAX_POOLS && known[i].pool; i++)
		;
	if (i < MAX_POOLS) {
		known[i].pool = pool;
		known[i].reserve = reserve;
		known[i].limit = limit;
	}
	reserve = wanted(&reserves, name, reserve);
	limit = wanted(&limits, name, limit);
	named = reserve != own_reserve || limit != own_limit;
	raw_spin_unlock_irqrestore(&lock, flags);
	if (named)
		set_pool(pool, name, reserve, limit);
}

void xengnt_shares_forget(struct xg_pool *pool)
{
	unsigned long flags;
	int i;

	/* Whoever is writing a parameter may be setting this very pool. */
	mutex_lock(&write_lock);
	raw_spin_lock_irqsave(&lock, flags);
	for (i = 0; i < MAX_POOLS; i++)
		if (known[i].pool == pool)
			known[i].pool = NULL;
	raw_spin_unlock_irqrestore(&lock, flags);
	mutex_unlock(&write_lock);
}

/* Under write_lock: no pool goes meanwhile. */
static void apply_to_all(void)
{
	struct xg_pool *pool;
	unsigned long flags;
	u32 reserve, limit;
	int i;

	for (i = 0; i < MAX_POOLS; i++) {
		raw_spin_lock_irqsave(&lock, flags);
		pool = known[i].pool;
		reserve = known[i].reserve;
		limit = known[i].limit;
		if (pool) {
			reserve = wanted(&reserves, xg_pool_name(pool), reserve);
			limit = wanted(&limits, xg_pool_name(pool), limit);
		}
		raw_spin_unlock_irqrestore(&lock, flags);
		if (pool)
			set_pool(pool, xg_pool_name(pool), reserve, limit);
	}
}

/* --- the parameters ---------------------------------------------------------- */

static int set_shares(const char *text, const struct kernel_param *param)
{
	struct shares *parsed = kzalloc(sizeof(*parsed), GFP_KERNEL);
	unsigned long flags;
	int err;

	if (!parsed)
		return -ENOMEM;
	err = parse(text, parsed);
	if (err) {
		pr_err("%s=%s: must be NAME:N,NAME:N, at most %d of them\n", param->name,
		       text, MAX_SHARES);
		goto out;
	}
	mutex_lock(&write_lock);
	raw_spin_lock_irqsave(&lock, flags);
	*(struct shares *)param->arg = *parsed;
	raw_spin_unlock_irqrestore(&lock, flags);
	/* While the module loads there is no pool yet. */
	apply_to_all();
	mutex_unlock(&write_lock);
out:
	kfree(parsed);
	return err;
}

static int get_shares(char *text, const struct kernel_param *param)
{
	const struct shares *shares = param->arg;
	int length = 0;
	unsigned int i;

	mutex_lock(&write_lock);
	for (i = 0; i < shares->nr; i++)
		length += scnprintf(text + length, PAGE_SIZE - length, "%s%s:%u", i ? "," : "",
				    shares->list[i].name, shares->list[i].count);
	mutex_unlock(&write_lock);
	length += scnprintf(text + length, PAGE_SIZE - length, "\n");
	return length;
}

static const struct kernel_param_ops shares_ops = {
	.set = set_shares,
	.get = get_shares,
};
module_param_cb(reserve, &shares_ops, &reserves, 0644);
MODULE_PARM_DESC(reserve, "NAME:N,...: references that only the pool of this name can take");
module_param_cb(limit, &shares_ops, &limits, 0644);
MODULE_PARM_DESC(limit, "NAME:N,...: references that the pool of this name may have at most");

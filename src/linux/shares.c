// SPDX-License-Identifier: GPL-2.0
/*
 * Reserves and limits for pools by name, given as parameters when the module loads or
 * written later: reserve=xen_netfront:1024,xen_blkfront:512 limit=xen_gntalloc:8192.
 *
 * They hold for pools that exist and for later ones. A write replaces the whole
 * parameter: a pool that it no longer names gets back the reserve and limit that it
 * was created with.
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
#include "waiting.h"

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
static struct known {
	struct xg_pool *pool; /* NULL: no pool here */
	u32 reserve, limit;   /* that it was made with */
	u32 has;	      /* the reserve that it was given last */
	u32 unmet;	      /* the reserve that it could not be given; 0: none */
} known[MAX_POOLS];
static DEFINE_RAW_SPINLOCK(lock);
/* One writer at a time; setting a pool's reserve may take long. */
static DEFINE_MUTEX(write_lock);

/* --- parsing ------------------------------------------------------------ */

/* Modules have underscores where people, and built-in drivers, have dashes. */
static bool same_name(const char *one, const char *other)
{
	for (; *one || *other; one++, other++)
		if ((*one == '-' ? '_' : *one) != (*other == '-' ? '_' : *other))
			return false;
	return true;
}

static const struct share *find(const struct shares *shares, const char *name)
{
	unsigned int i;

	for (i = 0; i < shares->nr; i++)
		if (same_name(shares->list[i].name, name))
			return &shares->list[i];
	return NULL;
}

static int parse_one(char *word, struct shares *shares)
{
	char *colon = strchr(word, ':');
	struct share *share;

	if (!colon || colon == word || colon - word >= sizeof(share->name))
		return -EINVAL;
	if (shares->nr == MAX_SHARES)
		return -E2BIG;
	*colon = '\0';
	/* Of two values for one name neither is right. */
	if (find(shares, word))
		return -EINVAL;
	share = &shares->list[shares->nr++];
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
	while (!err && rest && *rest) {
		word = strsep(&rest, ",");
		err = parse_one(word, shares);
	}
	kfree(copy);
	return err;
}

/* --- applying ------------------------------------------------------------- */

struct goal {
	struct xg_pool *pool;
	u32 reserve, limit;
};

/* The reserve and limit that the parameters want for a pool. Under the lock. */
static struct goal goal_of(const struct known *here)
{
	struct goal goal = { here->pool, here->reserve, here->limit };
	const struct share *share;

	if (!here->pool)
		return goal;
	share = find(&reserves, xg_pool_name(here->pool));
	if (share)
		goal.reserve = share->count;
	share = find(&limits, xg_pool_name(here->pool));
	if (share)
		goal.limit = share->count;
	/* Of the two the limit holds: a reserve above it could never be used. */
	goal.reserve = min(goal.reserve, goal.limit);
	return goal;
}

static struct goal read_goal(const struct known *here)
{
	unsigned long flags;
	struct goal goal;

	raw_spin_lock_irqsave(&lock, flags);
	goal = goal_of(here);
	raw_spin_unlock_irqrestore(&lock, flags);
	return goal;
}

/* Returns whether to log that the reserve is not free. */
static bool note(struct known *here, const struct goal *goal, bool met)
{
	unsigned long flags;
	bool is_new;

	raw_spin_lock_irqsave(&lock, flags);
	is_new = !met && here->unmet != goal->reserve;
	here->unmet = met ? 0 : goal->reserve;
	if (met)
		here->has = goal->reserve;
	raw_spin_unlock_irqrestore(&lock, flags);
	return is_new;
}

static void set_pool(struct known *here, const struct goal *goal)
{
	int err = xg_pool_set(goal->pool, goal->reserve, goal->limit);

	/* The limit holds all the same, and so does the reserve that is there already. */
	if (err)
		(void)xg_pool_set(goal->pool, min(READ_ONCE(here->has), goal->limit), goal->limit);
	/* A waiter may now want more than the limit allows. */
	xengnt_waiters_look(goal->pool);
	if (note(here, goal, !err))
		pr_warn("pool %s cannot have a reserve of %u references now: error %d; this is tried again every ten seconds: free some, or set a smaller reserve\n",
			xg_pool_name(goal->pool), goal->reserve, err);
}

/*
 * Gives a pool, which does not go meanwhile, what the parameters want. Any context. A
 * parameter that is written meanwhile may have been applied by its writer already: so
 * this looks again after it has set the pool.
 */
static void settle(struct known *here)
{
	struct goal goal = read_goal(here);
	struct goal again;

	while (goal.pool) {
		set_pool(here, &goal);
		again = read_goal(here);
		if (again.reserve == goal.reserve && again.limit == goal.limit)
			break;
		goal = again;
	}
}

/* Enters a pool. There is a place for each one that the core can make. */
static struct known *enter(struct xg_pool *pool, u32 reserve, u32 limit)
{
	struct known *here = NULL;
	unsigned long flags;
	int i;

	raw_spin_lock_irqsave(&lock, flags);
	for (i = 0; i < MAX_POOLS && !here; i++)
		if (!known[i].pool)
			here = &known[i];
	if (here)
		*here = (struct known){ pool, reserve, limit, reserve, 0 };
	raw_spin_unlock_irqrestore(&lock, flags);
	return here;
}

void xengnt_shares_apply(struct xg_pool *pool, u32 reserve, u32 limit)
{
	struct known *here = enter(pool, reserve, limit);
	struct goal goal;

	if (!here)
		return;
	goal = read_goal(here);
	/* Most pools are not named. */
	if (goal.reserve != reserve || goal.limit != limit)
		settle(here);
}

static void forget(const struct xg_pool *pool)
{
	unsigned long flags;
	int i;

	/* A writer of a parameter may be setting this very pool. */
	mutex_lock(&write_lock);
	raw_spin_lock_irqsave(&lock, flags);
	for (i = 0; i < MAX_POOLS; i++)
		if (!pool || known[i].pool == pool)
			known[i].pool = NULL;
	raw_spin_unlock_irqrestore(&lock, flags);
	mutex_unlock(&write_lock);
}

void xengnt_shares_forget(const struct xg_pool *pool)
{
	forget(pool);
}

void xengnt_shares_exit(void)
{
	forget(NULL);
}

void xengnt_shares_retry(void)
{
	int i;

	mutex_lock(&write_lock);
	for (i = 0; i < MAX_POOLS; i++)
		if (READ_ONCE(known[i].unmet))
			settle(&known[i]);
	mutex_unlock(&write_lock);
}

/* Under write_lock: no pool goes meanwhile. */
static void apply_to_all(void)
{
	int i;

	for (i = 0; i < MAX_POOLS; i++)
		settle(&known[i]);
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
		pr_err("%s=%s: must be NAME:N,NAME:N, each name once, at most %d of them\n", param->name,
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

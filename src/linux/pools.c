// SPDX-License-Identifier: GPL-2.0
/* Pools: those that drivers make, and one for each module that uses the drop-in. */
#include "internal.h"

#include <linux/err.h>
#include <linux/export.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <xengnt/pool.h>

#include "../core/core.h"
#include "tracking.h"

#define MAX_MODULES 255

static struct {
	struct module *module;
	struct xg_pool *pool;
} by_module[MAX_MODULES];
static DEFINE_RAW_SPINLOCK(by_module_lock);

struct xengnt_pool *xengnt_pool_create(const char *name, unsigned int reserve, unsigned int limit)
{
	struct xg_pool *pool;
	int err;

	if (!name || !*name || strlen(name) > 31 || reserve > limit)
		return ERR_PTR(-EINVAL);
	pool = xg_pool_create(name, reserve, limit, true, &err);
	return pool ? (struct xengnt_pool *)pool : ERR_PTR(err);
}
EXPORT_SYMBOL_GPL(xengnt_pool_create);

static unsigned int destroy(struct xg_pool *pool)
{
	unsigned int out = xg_pool_destroy(pool);

	if (out) {
		pr_warn("pool %s: %u references were still out when it was given up\n",
			xg_pool_name(pool), out);
		xengnt_owners_log(pool);
	}
	return out;
}

unsigned int xengnt_pool_destroy(struct xengnt_pool *pool)
{
	if (!pool || (struct xg_pool *)pool == xg_default_pool())
		return 0;
	return destroy((struct xg_pool *)pool);
}
EXPORT_SYMBOL_GPL(xengnt_pool_destroy);

static struct xg_pool *find(struct module *module)
{
	int i;

	/* Acquire: the pool was entered before the module. */
	for (i = 0; i < MAX_MODULES; i++)
		if (smp_load_acquire(&by_module[i].module) == module)
			return by_module[i].pool;
	return NULL;
}

/* Enters the pool, unless another CPU has made one for the module meanwhile. */
static struct xg_pool *enter(struct module *module, struct xg_pool *pool)
{
	struct xg_pool *there;
	unsigned long flags;
	int i;

	raw_spin_lock_irqsave(&by_module_lock, flags);
	there = find(module);
	for (i = 0; i < MAX_MODULES && !there; i++) {
		if (by_module[i].module)
			continue;
		by_module[i].pool = pool;
		smp_store_release(&by_module[i].module, module);
		there = pool;
	}
	raw_spin_unlock_irqrestore(&by_module_lock, flags);
	return there;
}

struct xengnt_pool *xengnt_pool_of_module(struct module *module)
{
	struct xg_pool *there;
	struct xg_pool *pool;
	int err;

	if (!module)
		return (struct xengnt_pool *)xg_default_pool();
	there = find(module);
	if (there)
		return (struct xengnt_pool *)there;
	pool = xg_pool_create(module_name(module), 0, XENGNT_POOL_NO_LIMIT, false, &err);
	if (!pool)
		return (struct xengnt_pool *)xg_default_pool();
	there = enter(module, pool);
	if (there != pool)
		xg_pool_destroy(pool);
	return (struct xengnt_pool *)(there ? there : xg_default_pool());
}
EXPORT_SYMBOL_GPL(xengnt_pool_of_module);

/* A module has gone: what it has not freed is said, and comes back if anybody frees it. */
static int module_event(struct notifier_block *self, unsigned long state, void *data)
{
	struct module *module = data;
	struct xg_pool *pool = NULL;
	unsigned long flags;
	int i;

	if (state != MODULE_STATE_GOING)
		return NOTIFY_DONE;
	raw_spin_lock_irqsave(&by_module_lock, flags);
	for (i = 0; i < MAX_MODULES; i++) {
		if (by_module[i].module != module)
			continue;
		pool = by_module[i].pool;
		WRITE_ONCE(by_module[i].module, NULL);
	}
	raw_spin_unlock_irqrestore(&by_module_lock, flags);
	if (pool)
		destroy(pool);
	return NOTIFY_DONE;
}

static struct notifier_block module_notifier = {
	.notifier_call = module_event,
};

int xengnt_pools_init(void)
{
	return register_module_notifier(&module_notifier);
}

void xengnt_pools_exit(void)
{
	unregister_module_notifier(&module_notifier);
}

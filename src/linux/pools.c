// SPDX-License-Identifier: GPL-2.0
/* Pools: those that drivers make, and one for each client that made none. */
#include "internal.h"

#include <linux/err.h>
#include <linux/export.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <xengnt/pool.h>

#include "../core/core.h"
#include "callers.h"
#include "shares.h"
#include "tracking.h"
#include "waiting.h"

/* One for each pool that there can be; the core has the same limit. */
#define MAX_CLIENTS 255

static struct xengnt_client clients[MAX_CLIENTS];
static DEFINE_RAW_SPINLOCK(clients_lock);

struct xengnt_pool *xengnt_pool_create(const char *name, unsigned int reserve, unsigned int limit)
{
	struct xg_pool *pool;
	int err;

	if (!name || !*name || strlen(name) > 31 || reserve > limit)
		return ERR_PTR(-EINVAL);
	pool = xg_pool_create(name, reserve, limit, true, &err);
	if (!pool)
		return ERR_PTR(err);
	xengnt_shares_apply(pool, reserve, limit);
	return (struct xengnt_pool *)pool;
}
EXPORT_SYMBOL_GPL(xengnt_pool_create);

static unsigned int destroy(struct xg_pool *pool)
{
	unsigned int out;

	xengnt_shares_forget(pool);
	xengnt_waiters_end(pool);
	out = xg_pool_destroy(pool);
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

static struct xengnt_client *find(const char *name)
{
	int i;

	for (i = 0; i < MAX_CLIENTS; i++)
		if (clients[i].pool && !strcmp(clients[i].name, name))
			return &clients[i];
	return NULL;
}

/* Enters the pool, unless another CPU has made one for the client meanwhile. */
static struct xengnt_client *enter(const char *name, struct xg_pool *pool)
{
	struct xengnt_client *there;
	unsigned long flags;
	int i;

	raw_spin_lock_irqsave(&clients_lock, flags);
	there = find(name);
	for (i = 0; i < MAX_CLIENTS && !there; i++) {
		if (clients[i].pool)
			continue;
		strscpy(clients[i].name, name, sizeof(clients[i].name));
		clients[i].taken = false;
		/* Those who read without the lock see the rest of it first. */
		smp_store_release(&clients[i].pool, pool);
		there = &clients[i];
	}
	raw_spin_unlock_irqrestore(&clients_lock, flags);
	return there;
}

struct xengnt_client *xengnt_client_named(const char *name)
{
	struct xengnt_client *there;
	struct xg_pool *pool;
	unsigned long flags;
	int err;

	raw_spin_lock_irqsave(&clients_lock, flags);
	there = find(name);
	raw_spin_unlock_irqrestore(&clients_lock, flags);
	if (there)
		return there;
	pool = xg_pool_create(name, 0, XENGNT_POOL_NO_LIMIT, false, &err);
	if (!pool)
		return NULL;
	there = enter(name, pool);
	if (!there || there->pool != pool)
		xg_pool_destroy(pool);
	else
		xengnt_shares_apply(pool, 0, XENGNT_POOL_NO_LIMIT);
	return there;
}

struct xengnt_pool *xengnt_pool_of_module(struct module *module)
{
	struct xengnt_client *client = module ? xengnt_client_named(module_name(module)) : NULL;

	return (struct xengnt_pool *)(client ? client->pool : xg_default_pool());
}
EXPORT_SYMBOL_GPL(xengnt_pool_of_module);

void xengnt_each_client(void (*fn)(const struct xengnt_client *client, void *arg), void *arg)
{
	int i;

	for (i = 0; i < MAX_CLIENTS; i++)
		if (smp_load_acquire(&clients[i].pool))
			fn(&clients[i], arg);
}

bool xengnt_pool_is_taken(const struct xg_pool *pool)
{
	int i;

	for (i = 0; i < MAX_CLIENTS; i++)
		if (READ_ONCE(clients[i].pool) == pool)
			return READ_ONCE(clients[i].taken);
	return pool == xg_default_pool() && xengnt_default_pool_is_taken();
}

/* A module has gone: what it has not freed is said, and comes back if anybody frees it. */
static void client_gone(const char *name)
{
	struct xengnt_client *client;
	struct xg_pool *pool = NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&clients_lock, flags);
	client = find(name);
	if (client) {
		pool = client->pool;
		WRITE_ONCE(client->pool, NULL);
	}
	raw_spin_unlock_irqrestore(&clients_lock, flags);
	if (pool)
		destroy(pool);
}

static int module_event(struct notifier_block *self, unsigned long state, void *data)
{
	struct module *module = data;

	switch (state) {
	case MODULE_STATE_COMING:
		xengnt_callers_module_coming(module);
		break;
	case MODULE_STATE_LIVE:
		xengnt_callers_module_live(module);
		break;
	case MODULE_STATE_GOING:
		xengnt_callers_module_going(module);
		client_gone(module_name(module));
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block module_notifier = {
	.notifier_call = module_event,
};

int xengnt_pools_init(void)
{
	int err = register_module_notifier(&module_notifier);

	if (!err)
		xengnt_shares_apply(xg_default_pool(), 0, XENGNT_POOL_NO_LIMIT);
	return err;
}

void xengnt_pools_exit(void)
{
	unregister_module_notifier(&module_notifier);
	xengnt_shares_exit();
}

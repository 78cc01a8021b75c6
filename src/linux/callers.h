/* SPDX-License-Identifier: GPL-2.0 */
/* The client behind a return address. See callers.c and pools.c. */
#ifndef XENGNT_CALLERS_H
#define XENGNT_CALLERS_H

#include <linux/module.h>
#include <linux/types.h>

struct seq_file;
struct xengnt_pool;
struct xg_pool;

/* A module, or a part of the kernel, with the pool that its calls draw from. */
struct xengnt_client {
	struct xg_pool *pool; /* NULL: this place in the table is free */
	bool taken;           /* it has allocated while its calls were taken over */
	char name[MODULE_NAME_LEN];
};

/*
 * The client of that name, which is made when it is not there yet. NULL when there
 * is no memory or no room for another. Any context; does not sleep.
 */
struct xengnt_client *xengnt_client_named(const char *name);
/* Calls the function for each client. Clients may come and go meanwhile. */
void xengnt_each_client(void (*fn)(const struct xengnt_client *client, void *arg), void *arg);
/* Whether the pool is one of a client whose calls are or were taken over. */
bool xengnt_pool_is_taken(const struct xg_pool *pool);

/*
 * The client that the code at this return address belongs to, or NULL: use the
 * pool "default". Any context; does not sleep. A few loads when the address has
 * called before.
 */
struct xengnt_client *xengnt_client_at(unsigned long ret_ip);
struct xengnt_pool *xengnt_pool_at(unsigned long ret_ip);
/* As xengnt_pool_at(), for a call that was taken over. */
struct xengnt_pool *xengnt_taken_pool_at(unsigned long ret_ip);
/* Whether such a call has drawn from the pool "default". */
bool xengnt_default_pool_is_taken(void);

/* Memory of the module's code comes into use, or goes out of it. */
void xengnt_callers_module_coming(const struct module *module);
void xengnt_callers_module_live(const struct module *module);
void xengnt_callers_module_going(const struct module *module);

#endif /* XENGNT_CALLERS_H */

// SPDX-License-Identifier: GPL-2.0
/*
 * Names the caller by its return address: a module by its name, built-in code by
 * the name that a person knows it by.
 *
 * The kernel's symbols answer that, which takes microseconds. So each address that
 * has called is remembered, with its client, in a hash table that is read without
 * a lock. There are a few such places in each driver. What belongs to a module's
 * code is forgotten when the memory of that code comes into use or goes out of it,
 * so an address never stands for code that was there earlier.
 */
#include "internal.h"
#include "callers.h"

#include <linux/hash.h>
#include <linux/kallsyms.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "../core/core.h"

#define SITES_BITS 10
#define NR_SITES (1u << SITES_BITS)
/* Beyond that the table is not searched any faster than the symbols are. */
#define MAX_PROBES 32

/* The values of an address that is none: the search for another ends, or goes on. */
#define NO_SITE 0ul
#define FORGOTTEN 1ul

static struct site {
	unsigned long ret_ip;
	struct xengnt_client *client;
} sites[NR_SITES];
static DEFINE_RAW_SPINLOCK(sites_lock);

/* Built-in code that uses the grant table, by the first letters of its functions. */
static const struct {
	const char *prefix;
	const char *name;
} built_in[] = {
	{ "xenbus_", "xenbus" },
	{ "xs_", "xenbus" },
	{ "xencons_", "hvc" },
	{ "xen_hvm_console_", "hvc" },
	{ "xen_pv_console_", "hvc" },
	{ "xen_grant_dma_", "grant-dma-ops" },
	{ "xen_dma_", "grant-dma-ops" },
	{ "platform_pci_", "platform-pci" },
	{ "xen_alloc_unpopulated", "balloon" },
	{ "xenkbd_", "xen-kbdfront" },
	{ "xenfb_", "xen-fbfront" },
	{ "pcifront_", "xen-pcifront" },
	{ "xennet_", "xen-netfront" },
	{ "blkif_", "xen-blkfront" },
	{ "blkfront_", "xen-blkfront" },
	{ "gntdev_", "xen-gntdev" },
	{ "gntalloc_", "xen-gntalloc" },
};

/* No symbol; or a tracer or probe, which puts itself in the caller's place. */
static const char * const nobody[] = {
	"0x", "return_to_handler", "arch_rethook_trampoline", "__kretprobe_trampoline",
};

static struct site *site_after(unsigned long ret_ip, unsigned int probe)
{
	return &sites[(hash_long(ret_ip, SITES_BITS) + probe) % NR_SITES];
}

static struct xengnt_client *find(unsigned long ret_ip)
{
	unsigned int probe;

	for (probe = 0; probe < MAX_PROBES; probe++) {
		struct site *site = site_after(ret_ip, probe);
		/* Acquire: the client was entered before the address. */
		unsigned long here = smp_load_acquire(&site->ret_ip);

		if (likely(here == ret_ip))
			return READ_ONCE(site->client);
		if (here == NO_SITE)
			break;
	}
	return NULL;
}

/* When there is no room the address is looked up each time. */
static void remember(unsigned long ret_ip, struct xengnt_client *client)
{
	unsigned long flags;
	unsigned int probe;

	raw_spin_lock_irqsave(&sites_lock, flags);
	for (probe = 0; probe < MAX_PROBES && !find(ret_ip); probe++) {
		struct site *site = site_after(ret_ip, probe);

		if (site->ret_ip != NO_SITE && site->ret_ip != FORGOTTEN)
			continue;
		WRITE_ONCE(site->client, client);
		smp_store_release(&site->ret_ip, ret_ip);
		break;
	}
	raw_spin_unlock_irqrestore(&sites_lock, flags);
}

/* Nothing at the forgotten addresses runs now, so nobody is about to use what find() gave it. */
static void forget(const struct module *module,
		   bool (*within)(unsigned long addr, const struct module *module))
{
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&sites_lock, flags);
	for (i = 0; i < NR_SITES; i++)
		if (sites[i].ret_ip > FORGOTTEN && within(sites[i].ret_ip, module))
			WRITE_ONCE(sites[i].ret_ip, FORGOTTEN);
	raw_spin_unlock_irqrestore(&sites_lock, flags);
}

static bool in_init_code(unsigned long addr, const struct module *module)
{
	return within_module_init(addr, module);
}

static bool in_any_code(unsigned long addr, const struct module *module)
{
	return within_module(addr, module);
}

void xengnt_callers_module_coming(const struct module *module)
{
	forget(module, in_any_code);
}

/* The code of its init function is about to be freed. */
void xengnt_callers_module_live(const struct module *module)
{
	forget(module, in_init_code);
}

void xengnt_callers_module_going(const struct module *module)
{
	forget(module, in_any_code);
}

/* Turns "function [module]" into the module's name, "function" into that of its part. */
static const char *name_of(char *symbol)
{
	char *module = strchr(symbol, '[');
	unsigned int i;

	if (module) {
		module[strcspn(module, "]")] = '\0';
		return module + 1;
	}
	for (i = 0; i < ARRAY_SIZE(nobody); i++)
		if (strstarts(symbol, nobody[i]))
			return NULL;
	for (i = 0; i < ARRAY_SIZE(built_in); i++)
		if (strstarts(symbol, built_in[i].prefix))
			return built_in[i].name;
	return symbol;
}

static noinline struct xengnt_client *look_up(unsigned long ret_ip)
{
	struct xengnt_client *client;
	char symbol[KSYM_SYMBOL_LEN];
	const char *name;

	/* One byte back is the call itself, which may be the last of its function. */
	sprint_symbol_no_offset(symbol, ret_ip - 1);
	name = name_of(symbol);
	client = name ? xengnt_client_named(name) : NULL;
	if (client)
		remember(ret_ip, client);
	return client;
}

struct xengnt_client *xengnt_client_at(unsigned long ret_ip)
{
	struct xengnt_client *client = find(ret_ip);

	return likely(client) ? client : look_up(ret_ip);
}

/* Calls that were taken over have drawn from the pool "default". */
static bool default_is_taken;

bool xengnt_default_pool_is_taken(void)
{
	return READ_ONCE(default_is_taken);
}

static struct xengnt_pool *pool_of(const struct xengnt_client *client)
{
	return (struct xengnt_pool *)(likely(client) ? client->pool : xg_default_pool());
}

struct xengnt_pool *xengnt_pool_at(unsigned long ret_ip)
{
	return pool_of(xengnt_client_at(ret_ip));
}

struct xengnt_pool *xengnt_taken_pool_at(unsigned long ret_ip)
{
	struct xengnt_client *client = xengnt_client_at(ret_ip);

	bool *taken = client ? &client->taken : &default_is_taken;

	if (unlikely(!READ_ONCE(*taken)))
		WRITE_ONCE(*taken, true);
	return pool_of(client);
}

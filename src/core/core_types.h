/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Results and structures that cross the boundary between the core and its
 * host. Read by C and by C++; the functions are declared in core.h.
 */
#ifndef XENGNT_CORE_TYPES_H
#define XENGNT_CORE_TYPES_H

#include "../port/port.h"

/* Results: 0 or one of these. The first four have the value of Linux's errno. */
enum {
	XG_OK = 0,
	XG_NO_MEMORY = -12,
	XG_INVALID = -22,
	XG_NO_SPACE = -28,
	XG_UNSUPPORTED = -95,
	XG_NOT_LEASED = -1000,  /* not leased: the kernel's own allocator has it */
	XG_MISUSE = -1001,      /* refused, and reported */
	XG_UNREACHABLE = -1002, /* refused, and reported: the entry's frame is gone */
};

/* Results of ending access, beside the errors above. */
enum {
	XG_BUSY = 0,  /* the other domain still uses the grant */
	XG_ENDED = 1, /* access has ended, or was not granted */
};

/* Ends every private list: GNTTAB_LIST_END of the stock interface. */
#define XG_NO_REF 0xffffffffu

struct xg_pool;

struct xg_config {
	uint32_t table_refs;  /* entries that the table can grow to; 1 to 2^20 */
	uint32_t lease_limit; /* references leased at most; 0: no limit but the reserve */
	uint32_t lease_step;  /* references leased at a time at least; 1 to XG_LEASE_BATCH */
	uint32_t spare_limit; /* free references kept when idle; the lease returns the rest */
	uint32_t kernel_reserve; /* references that are never leased */
	unsigned int table_version; /* 1 or 2 */
	bool strict; /* grants and ends detect races of wrong callers; see docs/security.md */
};

/* The caller's memory for xg_end_notify(); the layout of struct xengnt_end_notice. */
struct xg_end_notice {
	void (*fn)(void *arg);
	void *arg;
	void *page;
	uint32_t ref;
};

/*
 * The layout of struct gnttab_free_callback of the stock header. The last two
 * members use its padding: the core owns them while the callback is queued.
 */
struct xg_free_callback {
	struct xg_free_callback *next;
	void (*fn)(void *arg);
	void *arg;
	uint16_t count;
	uint16_t pool;     /* the number of the pool whose references are counted */
	uint32_t starving; /* 1: frees bypass the CPU caches for its sake */
};

/* Numbers of references now (approximate while others allocate), then totals since start. */
struct xg_stats {
	uint64_t leased, lease_limit;
	uint64_t free, cached, listed, claimed, granted, deferred;
	uint64_t lost; /* set aside: the table has lost their frame */
	uint64_t allocated_total, freed_total, granted_total, ended_total;
	uint64_t deferred_total, reclaimed_total, handed_back_total;
	uint64_t misuse_total, enospc_total, callbacks_total, waiting;
	uint64_t leased_total, unleased_total;
};
struct xg_pool_stats {
	char name[32];
	bool used; /* else: given up */
	uint32_t held, limit, reserve;
	uint64_t allocated_total, freed_total;
};

enum xg_ref_state {
	XG_REF_FREE, /* or not leased, cached, not the first of those listed together */
	XG_REF_LISTED,
	XG_REF_CLAIMED,
	XG_REF_GRANTED,
	XG_REF_DEFERRED,
};

struct xg_ref_info {
	enum xg_ref_state state;
	const struct xg_pool *pool;
	uint32_t count; /* with those that are listed together with it; else 1 */
	uint16_t domid; /* these two only mean something when granted or deferred */
	uint64_t frame;
};

/* A reference whose end is deferred. */
struct xg_deferred {
	uint32_t ref;
	uint16_t domid;
	uint64_t age_s;
	const void *page;
	char pool[32];
};

/* A callback that waits for references. The queue is in order of arrival. */
struct xg_waiter {
	void (*fn)(void *arg);
	uint16_t count;
};

/* The lease of references from the kernel's allocator. */
struct xg_lease {
	uint32_t leased, limit, step, spare_limit;
	uint32_t refused; /* how many the kernel could not lend when last asked; 0: it could */
	uint64_t leased_total, unleased_total;
};

#endif /* XENGNT_CORE_TYPES_H */

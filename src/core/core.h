/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The core as its host sees it: what the shims of src/linux/ and the tests of
 * tests/host/ call. Read by C and by C++.
 *
 * Unless a comment says otherwise every function may be called in any context,
 * interrupts off included, and does not sleep. @caller is the address that
 * called into the module: reports name it.
 *
 * Functions with "_fast" in their name touch only this CPU's cache: the caller
 * stays on @cpu meanwhile. They answer XG_SLOW, having changed nothing, when
 * the function without "_fast" has to be called, from anywhere.
 */
#ifndef XENGNT_CORE_H
#define XENGNT_CORE_H

#include "../port/port.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Results: 0 or one of these. The first three have the value of Linux's errno. */
enum {
	XG_OK = 0,
	XG_NO_MEMORY = -12,
	XG_INVALID = -22,
	XG_NO_SPACE = -28,
	XG_UNSUPPORTED = -95,
	XG_NOT_LEASED = -1000, /* not ours: ask the kernel's own allocator */
	XG_MISUSE = -1001,     /* refused, and reported */
	XG_SLOW = -1002,
};

/* Ends every private list: GNTTAB_LIST_END of the stock interface. */
#define XG_NO_REF 0xffffffffu

struct xg_pool;

struct xg_config {
	uint32_t table_refs;  /* entries that the table can grow to; 1 to 2^20 */
	uint32_t lease_limit; /* references leased at most; 0: as many as there are */
	uint32_t lease_step;  /* references leased at a time at least; 1 to XG_LEASE_BATCH */
	uint32_t spare_limit; /* free references kept when idle; the rest goes back */
	unsigned int table_version; /* 1 or 2 */
};

/* Sets the core up; nothing is leased yet. May sleep. 0, XG_NO_MEMORY, XG_INVALID. */
int xg_core_start(const struct xg_config *config);
/*
 * Gives everything back: free references to the kernel, deferred ones through
 * xg_port_hand_over(). References still held by drivers are reported and
 * ended. No other call may run or follow. May sleep.
 */
void xg_core_stop(void);

/*
 * The table has been set up anew, perhaps in another version, as after a
 * suspend: its frames are looked up again. Returns how many leased references
 * have no entry any more: what is granted through them leads nowhere. Nothing
 * else may run meanwhile.
 */
uint32_t xg_core_resume(unsigned int table_version);

/* The pool of callers that named none, between start and stop. */
extern struct xg_pool *xg_the_default_pool;
static inline struct xg_pool *xg_default_pool(void)
{
	return xg_the_default_pool;
}
/*
 * A pool with a limit and a reserve, leased at once. NULL and *@error:
 * XG_NO_MEMORY (no memory, or too many pools), XG_NO_SPACE (the reserve cannot
 * be had). Sleeps only if it may.
 */
struct xg_pool *xg_pool_create(const char *name, uint32_t reserve, uint32_t limit, bool may_sleep,
			       int *error);
/*
 * Nothing may allocate from the pool any more. What is still out stays usable,
 * and is freed as before. Returns how many of those nobody has ended yet: a
 * deferred end is its driver's no more. Looks at every reference.
 */
uint32_t xg_pool_destroy(struct xg_pool *pool);
const char *xg_pool_name(const struct xg_pool *pool);

/* --- references ------------------------------------------------------ */

/* One reference (0 or more), or XG_NO_SPACE, or XG_SLOW. */
int64_t xg_alloc_one_fast(struct xg_pool *pool, unsigned int cpu);
int64_t xg_alloc_one(struct xg_pool *pool);
/* 0, XG_NOT_LEASED, XG_MISUSE, or XG_SLOW. */
int xg_free_one_fast(uint32_t ref, unsigned int cpu);
int xg_free_one(uint32_t ref, unsigned long caller);

/* A private list of @count (0 is fine) in *@head, or XG_NO_SPACE and *@head untouched. */
int xg_alloc_list(struct xg_pool *pool, uint32_t count, uint32_t *head);
/*
 * Frees a private list. 0 and *@head at its end; XG_NOT_LEASED and *@head at a
 * list of the kernel's own references; XG_MISUSE and *@head where it broke.
 */
int xg_free_list(uint32_t *head, unsigned long caller);
/*
 * The next reference of a list, or XG_NO_SPACE: it is at its end, or broken.
 * These two ask the kernel themselves when the reference is not leased: nothing
 * is left to do for the shim around them, and they are called that often.
 */
int xg_claim(uint32_t *head, unsigned long caller);
/* 0, or XG_MISUSE. */
int xg_release(uint32_t *head, uint32_t ref, unsigned long caller);

/* @count consecutive references, the first in *@first; 0 or XG_NO_SPACE. */
int xg_alloc_seq(struct xg_pool *pool, uint32_t count, uint32_t *first);
/*
 * Frees @count references from *@first on. XG_NOT_LEASED: stopped at *@first,
 * *@count are left. XG_MISUSE: those that could be freed were.
 */
int xg_free_seq(uint32_t *first, uint32_t *count, unsigned long caller);
/* Whether the reference is leased, in whatever state. */
bool xg_is_leased(uint32_t ref);

/* --- granting and ending --------------------------------------------- */

/*
 * 0, XG_NOT_LEASED, XG_MISUSE, XG_INVALID (frame beyond the entry's range).
 * @cpu is where the caller stays meanwhile, here and below.
 */
int xg_grant(uint32_t ref, unsigned int cpu, uint16_t domid, uint64_t frame, bool readonly,
	     unsigned long caller);
/* Allocates and grants: the reference, XG_NO_SPACE, XG_INVALID, XG_SLOW. */
int64_t xg_grant_new_fast(struct xg_pool *pool, unsigned int cpu, uint16_t domid, uint64_t frame,
			  bool readonly, unsigned long caller);
int64_t xg_grant_new(struct xg_pool *pool, uint16_t domid, uint64_t frame, bool readonly,
		     unsigned long caller);
/*
 * The same for @length bytes from @offset of a page, and for a grant of another
 * domain's (@source_ref of @source_domid) that is passed on: both for copying
 * only, and XG_UNSUPPORTED when the table has version 1.
 */
int xg_grant_part(uint32_t ref, unsigned int cpu, uint16_t domid, uint64_t frame, bool readonly,
		  uint16_t offset, uint16_t length, unsigned long caller);
int xg_grant_transitive(uint32_t ref, unsigned int cpu, uint16_t domid, bool readonly,
			uint16_t source_domid, uint32_t source_ref, unsigned long caller);
/* Ends access: 1 ended (or never granted), 0 still in use; XG_NOT_LEASED, XG_MISUSE. */
int xg_end(uint32_t ref, unsigned int cpu, unsigned long caller);
/* Ends access and frees: 1, or 0 and nothing changed; XG_NOT_LEASED, XG_MISUSE, XG_SLOW. */
int xg_try_end_fast(uint32_t ref, unsigned int cpu);
int xg_try_end(uint32_t ref, unsigned long caller);
/*
 * Ends access now or, when the other side is busy, as soon as it lets go; then
 * frees the reference and drops the caller's reference on @page. @page may be
 * NULL: then a busy entry keeps a reference of its own on the granted page.
 * 1 (done), 0 (deferred), XG_NOT_LEASED, XG_MISUSE (@page stays the caller's).
 */
int xg_end_and_put(uint32_t ref, void *page, unsigned long caller);

/* The caller's memory for xg_end_notify(); the layout of struct xengnt_end_notice. */
struct xg_end_notice {
	void (*fn)(void *arg);
	void *arg;
	void *page;
	uint32_t ref;
};

/*
 * xg_end_and_put(), and calls @fn once access has ended: inside this call, or
 * later from the worker, with interrupts off. 1, 0 likewise; XG_NOT_LEASED, XG_MISUSE: nothing
 * has happened, and @fn will not be called.
 */
int xg_end_notify(struct xg_end_notice *notice, uint32_t ref, void *page, void (*fn)(void *arg),
		  void *arg, unsigned long caller);
/* Once this returns @fn neither runs nor will run, unless called from @fn itself. */
void xg_cancel_notice(struct xg_end_notice *notice);

/*
 * For references that are not leased, where the host cannot do it itself: closes
 * the entry unless it is in use (false), or keeps the granted page, which is NULL
 * when there is none, from being freed.
 */
bool xg_end_unleased(uint32_t ref);
void *xg_keep_page_of(uint32_t ref);

/*
 * Allocates and grants @count frames; all or none: 0, XG_NO_SPACE, XG_INVALID.
 */
int xg_grant_batch(struct xg_pool *pool, uint16_t domid, const unsigned long *frames,
		   uint32_t count, bool readonly, uint32_t *refs, unsigned long caller);
/*
 * xg_end_and_put() for each of @count references. @pages may be NULL, and so may
 * each of its members. References that are not leased are moved to the front of
 * @refs, their pages to the front of @pages; how many is returned.
 */
uint32_t xg_end_batch(uint32_t *refs, void **pages, uint32_t count, unsigned long caller);

/* --- free callbacks --------------------------------------------------- */

/* The layout of struct gnttab_free_callback of the stock header. */
struct xg_free_callback {
	struct xg_free_callback *next;
	void (*fn)(void *arg);
	void *arg;
	uint16_t count;
};

/*
 * Has @fn called once @count references are free. Already queued: nothing
 * changes. @fn may run before this returns, must not sleep, and may ask again.
 */
void xg_request_callback(struct xg_free_callback *callback, void (*fn)(void *arg), void *arg,
			 uint16_t count);
/* Once this returns @fn neither runs nor will run, unless called from @fn itself. */
void xg_cancel_callback(struct xg_free_callback *callback);

/* Counts and reports a wrong call that the shim itself has refused. */
void xg_refuse(enum xg_report what, uint32_t ref, unsigned long caller);

/* --- called by the host ------------------------------------------------ */

/* The kernel's allocator has references again. Interrupts may be off, its lock held. */
void xg_kernel_has_room(void);
/* One round of the deferred ends, of the lease. May sleep; never two at a time. */
void xg_deferred_work(void);
void xg_lease_work(void);

/* --- watching ---------------------------------------------------------- */

/* Numbers of references now (approximate while others allocate), then totals since start. */
struct xg_stats {
	uint64_t leased, lease_limit;
	uint64_t free, cached, listed, claimed, granted, deferred;
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
/* The pools by number, from 0 on; false when there is none of that number or above. */
bool xg_read_pool(uint32_t number, struct xg_pool_stats *stats);

/* References are numbered below this, whatever part of the table is there yet. */
uint32_t xg_table_refs(void);

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
/* What is known of any number; whoever holds it may change it meanwhile. */
void xg_read_ref(uint32_t ref, struct xg_ref_info *info);
/* What follows on a private list that only the caller uses now; XG_NO_REF at its end. */
uint32_t xg_next_on_list(uint32_t ref);

/* A reference whose end is deferred. */
struct xg_deferred {
	uint32_t ref;
	uint16_t domid;
	uint64_t age_s;
	const void *page;
	char pool[32];
};
/* The first one at or after *@ref, which goes on behind it; false when there is none. */
bool xg_read_deferred(uint32_t *ref, struct xg_deferred *deferred);

/* Who waits for references, the first in the queue first. */
struct xg_waiter {
	void (*fn)(void *arg);
	uint16_t count;
};
/* The first @most of them; how many were written. */
uint32_t xg_read_waiters(struct xg_waiter *waiters, uint32_t most);

/* What is leased from the kernel's allocator. */
struct xg_lease {
	uint32_t leased, limit, step, spare_limit;
	uint32_t refused; /* so many the kernel could not lend when last asked; 0: it had them */
	uint64_t leased_total, unleased_total;
};
void xg_read_lease(struct xg_lease *lease);

/* Reads every reference's state: may take a while, interrupts on. */
void xg_read_stats(struct xg_stats *stats);

/*
 * Holds the core's rules against its data; 0, or the number of the rule that
 * is broken. Nothing else may run meanwhile. For tests.
 */
int xg_check_invariants(void);

#ifdef __cplusplus
}
#endif

#endif /* XENGNT_CORE_H */

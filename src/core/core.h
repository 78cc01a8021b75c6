/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The core as its host sees it: what the shims of src/linux/ and the tests of
 * tests/host/ call. Read by C and by C++.
 *
 * Unless a comment says otherwise every function may be called in any context,
 * interrupts off included, and does not sleep. @caller is the address that
 * called into the module: reports name it.
 *
 * Functions with "_slow" in their name are the second half of those without:
 * fast_paths.h tries the usual case first. Tests call the whole ones.
 */
#ifndef XENGNT_CORE_H
#define XENGNT_CORE_H

#include "core_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Sets the core up; nothing is leased yet. May sleep. 0, XG_NO_MEMORY, XG_INVALID. */
int xg_core_start(const struct xg_config *config);
/*
 * Gives everything back: free references to the kernel, deferred ones through
 * xg_port_hand_over(). References still held by drivers are reported and
 * ended. No other call may run or follow. May sleep.
 */
void xg_core_stop(void);

/*
 * The table has changed, perhaps its version too, as after a suspend: the core
 * looks its frames up again. Returns how many leased references cannot be
 * reached: grants through them are refused, and their ends stay deferred until
 * the frame can be reached. Nothing else runs meanwhile, and no call is inside
 * a section that is pinned or holds a lock.
 */
uint32_t xg_core_resume(unsigned int table_version);

/* Changes how many references are never leased. What is leased beyond returns as it is freed. */
void xg_set_kernel_reserve(uint32_t refs);

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
 * Gives a pool another reserve and limit. XG_NO_SPACE: the reserve cannot be
 * had, and nothing has changed.
 */
int xg_pool_set(struct xg_pool *pool, uint32_t reserve, uint32_t limit);
/*
 * No call may allocate from the pool any more. References that are still out
 * stay usable, and are freed as before. Returns how many of them nobody has
 * ended yet (a deferred end no longer belongs to its driver). Callbacks that
 * wait for the pool are forgotten. Reads the state of every reference.
 */
uint32_t xg_pool_destroy(struct xg_pool *pool);
const char *xg_pool_name(const struct xg_pool *pool);

/* --- references ------------------------------------------------------ */

/* One reference (0 or more), or XG_NO_SPACE. */
int64_t xg_alloc_one(struct xg_pool *pool);
int64_t xg_alloc_one_slow(struct xg_pool *pool);
/* 0, XG_NOT_LEASED, XG_MISUSE. */
int xg_free_one(uint32_t ref, unsigned long caller);
int xg_free_one_slow(uint32_t ref, unsigned long caller);
/* Frees a reference whose entry the caller, a fast path, has closed. Pinned. */
void xg_free_ended(uint32_t ref);
/* Empties this CPU's cache for those who wait, and serves them. Pinned. */
void xg_flush_for_waiters(uint32_t pool, unsigned int cpu);

/* A private list of @count (0 is fine) in *@head, or XG_NO_SPACE and *@head untouched. */
int xg_alloc_list(struct xg_pool *pool, uint32_t count, uint32_t *head);
/*
 * Private lists may mix leased references with the kernel's own, in any order:
 * the port is asked about those that are not leased.
 *
 * Frees a private list. 0 and *@head at its end; XG_MISUSE and *@head where it
 * broke.
 */
int xg_free_list(uint32_t *head, unsigned long caller);
/* The next reference of a list, or XG_NO_SPACE: the list is at its end, or broken. */
int xg_claim(uint32_t *head, unsigned long caller);
int xg_claim_slow(uint32_t *head, unsigned long caller);
/* 0, or XG_MISUSE. */
int xg_release(uint32_t *head, uint32_t ref, unsigned long caller);
int xg_release_slow(uint32_t *head, uint32_t ref, unsigned long caller);

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
 * Grants access through a claimed reference. 0, XG_NOT_LEASED, XG_MISUSE,
 * XG_INVALID (the entry cannot hold the frame's number), XG_UNREACHABLE.
 */
int xg_grant(uint32_t ref, uint16_t domid, uint64_t frame, bool readonly, unsigned long caller);
int xg_grant_slow(uint32_t ref, uint16_t domid, uint64_t frame, bool readonly,
		  unsigned long caller);
/* Allocates and grants: the reference, XG_NO_SPACE, XG_INVALID. */
int64_t xg_grant_new(struct xg_pool *pool, uint16_t domid, uint64_t frame, bool readonly,
		     unsigned long caller);
int64_t xg_grant_new_slow(struct xg_pool *pool, uint16_t domid, uint64_t frame, bool readonly,
			  unsigned long caller);
/* The same when the fast path has taken @ref and cannot reach its entry. */
int64_t xg_grant_new_lost(struct xg_pool *pool, uint32_t ref, uint16_t domid, uint64_t frame,
			  bool readonly, unsigned long caller);
/*
 * Like xg_grant() for @length bytes from @offset of a page, and for a grant of
 * another domain's (@source_ref of @source_domid) that is passed on: both for
 * copying only, and XG_UNSUPPORTED when the table has version 1.
 */
int xg_grant_part(uint32_t ref, uint16_t domid, uint64_t frame, bool readonly, uint16_t offset,
		  uint16_t length, unsigned long caller);
int xg_grant_transitive(uint32_t ref, uint16_t domid, bool readonly, uint16_t source_domid,
			uint32_t source_ref, unsigned long caller);
/* Ends access: XG_ENDED (also when it was never granted), XG_BUSY; XG_NOT_LEASED, XG_MISUSE. */
int xg_end(uint32_t ref, unsigned long caller);
int xg_end_slow(uint32_t ref, unsigned long caller);
/* Ends access and frees: XG_ENDED, or XG_BUSY and nothing changed; XG_NOT_LEASED, XG_MISUSE. */
int xg_try_end(uint32_t ref, unsigned long caller);
int xg_try_end_slow(uint32_t ref, unsigned long caller);
/*
 * Ends access now or, when the other side is busy, as soon as it lets go; then
 * frees the reference and drops the caller's reference on @page. @page may be
 * NULL: then a busy entry keeps a reference of its own on the granted page.
 * XG_ENDED, XG_BUSY (deferred), XG_NOT_LEASED, XG_MISUSE (@page stays the caller's).
 */
int xg_end_and_put(uint32_t ref, void *page, unsigned long caller);
int xg_end_and_put_slow(uint32_t ref, void *page, unsigned long caller);

/*
 * xg_end_and_put(), and calls @fn once access has ended: inside this call, or
 * later from the worker, with interrupts off. XG_ENDED, XG_BUSY likewise;
 * XG_NOT_LEASED, XG_MISUSE: nothing has happened, and @fn will not be called.
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

/*
 * Calls @fn once the pool could take @count references, its limit and reserve
 * included. Already queued: nothing changes. @fn may run before this returns,
 * must not sleep, and may ask again.
 */
void xg_request_callback(struct xg_pool *pool, struct xg_free_callback *callback,
			 void (*fn)(void *arg), void *arg, uint16_t count);
/* Once this returns @fn neither runs nor will run, unless called from @fn itself. */
void xg_cancel_callback(struct xg_free_callback *callback);
/* Whether the pool's limit, and all that may be leased, allow as many at once, when all are free. */
bool xg_can_ever_allocate(const struct xg_pool *pool, uint32_t count);

/* Counts and reports a wrong call that the shim itself has refused. */
void xg_refuse(enum xg_report what, uint32_t ref, unsigned long caller);

/* --- called by the host ------------------------------------------------ */

/* The kernel's allocator has references again. Interrupts may be off, its lock held. */
void xg_kernel_has_room(void);
/* One round of the deferred ends, of the lease. May sleep; never two at a time. */
void xg_deferred_work(void);
void xg_lease_work(void);

/* --- watching ---------------------------------------------------------- */

/* The pools by number, from 0 on; false when there is none of that number or above. */
bool xg_read_pool(uint32_t number, struct xg_pool_stats *stats);

/* References are numbered below this, whatever part of the table is there yet. */
uint32_t xg_table_refs(void);

/* The state of any reference; its holder may change it meanwhile. */
void xg_read_ref(uint32_t ref, struct xg_ref_info *info);
/* The next reference of a private list that only the caller uses; XG_NO_REF at its end. */
uint32_t xg_next_on_list(uint32_t ref);

/* The first one at or after *@ref, which goes on behind it; false when there is none. */
bool xg_read_deferred(uint32_t *ref, struct xg_deferred *deferred);

/* The first @most of them; how many were written. */
uint32_t xg_read_waiters(struct xg_waiter *waiters, uint32_t most);

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

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The calls that drivers make for each packet and each segment, as inline
 * functions for C and C++. The shims of src/linux/ inline them; c_api.cc makes
 * the functions of core.h from them, for the tests and for everybody else. So
 * the fast and the slow way of each call are composed here and nowhere else.
 *
 * xg_quick_*() either does the usual thing completely, or changes nothing and
 * says so; the slow way (core.h: xg_*_slow) knows every case. xg_*_fast() is
 * both of them; shims that must not save registers for the slow way call the two
 * themselves. Each stays on
 * its CPU from beginning to end: so a resume after a suspend cannot come in
 * between, and an entry's address stays good.
 *
 * In a version 1 table, the call whose compare-and-swap takes the permission out
 * of the entry wins over all others that end or defer the same grant. Only the
 * winner changes the state word of a granted reference, so a plain store suffices.
 */
#ifndef XENGNT_CORE_FAST_PATHS_H
#define XENGNT_CORE_FAST_PATHS_H

#include "core.h"
#include "layout.h"

/* Staying on this CPU: the number of it, and back. */
#if defined(__KERNEL__) && !defined(__cplusplus)
#include <linux/smp.h>
#define xg_pin() get_cpu()
#define xg_unpin() put_cpu()
#else
#define xg_pin() xg_port_pin()
#define xg_unpin() xg_port_unpin()
#endif

/* Counts where only this CPU, or this reference's owner, writes: no interrupt splits it on x86. */
#if defined(__x86_64__)
#define xg_increment(counter) __asm__ volatile("incq %0" : "+m"(*(counter)) : : "cc")
#else
#define xg_increment(counter) \
	__atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED)
#endif

#define xg_expect(x, what) __builtin_expect(!!(x), what)
#define XG_FAST static inline __attribute__((always_inline))

/* struct grant_entry_v1 of Xen's public grant_table.h; grant_entry.hh has the C++ form. */
struct xg_entry_v1 {
	uint16_t flags;
	uint16_t domid;
	uint32_t frame;
};
#define XG_ENTRIES_V1 (XG_PORT_FRAME_SIZE / (uint32_t)sizeof(struct xg_entry_v1))
#define XG_PERMIT 1u
#define XG_READONLY 4u

/*
 * The entry of a reference, or NULL. xg_fast.frames holds, for each frame, where
 * entry 0 of the table would be if all frames followed this one's place.
 */
XG_FAST struct xg_entry_v1 *xg_fast_entry(uint32_t ref)
{
	struct xg_entry_v1 *base = (struct xg_entry_v1 *)__atomic_load_n(
		&xg_fast.frames[ref / XG_ENTRIES_V1], __ATOMIC_RELAXED);

	return xg_expect(!!base, 1) ? base + ref : base;
}

XG_FAST uint32_t xg_fast_high(const struct xg_ref *r)
{
	return __atomic_load_n(&r->high, __ATOMIC_RELAXED);
}

/* --- private lists ------------------------------------------------------ */

/* The next reference of a list, or XG_NO_REF. */
XG_FAST uint32_t xg_quick_claim(uint32_t *head)
{
	uint32_t ref = *head;
	struct xg_ref *r;
	struct xg_ref *second;
	uint32_t high;
	uint32_t next;

	if (xg_expect(ref >= xg_fast.nr_refs, 0))
		return XG_NO_REF;
	r = &xg_fast.refs[ref];
	high = xg_fast_high(r);
	next = __atomic_load_n(&r->link, __ATOMIC_RELAXED);
	if (xg_expect((high & XG_KIND_MASK) == XG_KIND(XG_STATE_LISTED, 1), 1)) {
		high -= XG_KIND(XG_STATE_LISTED, 1) - XG_STATE_CLAIMED;
	} else {
		/* The first of a run hands its length on to the second. */
		if (xg_expect((high & 0xff) != XG_STATE_LISTED, 0))
			return XG_NO_REF;
		second = &xg_fast.refs[next];
		if (xg_expect((xg_fast_high(second) & XG_KIND_MASK) != XG_KIND(XG_STATE_FREE, 0),
			      0))
			return XG_NO_REF;
		__atomic_store_n(&second->high, high - XG_KIND(0, 1), __ATOMIC_RELAXED);
		high = (high & ~XG_KIND_MASK) | XG_STATE_CLAIMED;
	}
	__atomic_store_n(&r->high, high, __ATOMIC_RELAXED);
	*head = next;
	return ref;
}

XG_FAST int xg_claim_fast(uint32_t *head, unsigned long caller)
{
	uint32_t ref = xg_quick_claim(head);

	return xg_expect(ref != XG_NO_REF, 1) ? (int)ref : xg_claim_slow(head, caller);
}

XG_FAST bool xg_quick_release(uint32_t *head, uint32_t ref)
{
	struct xg_ref *r;
	uint32_t high;

	if (xg_expect(ref >= xg_fast.nr_refs, 0))
		return false;
	r = &xg_fast.refs[ref];
	high = xg_fast_high(r);
	if (xg_expect((high & XG_KIND_MASK) != XG_STATE_CLAIMED, 0))
		return false;
	high += XG_KIND(XG_STATE_LISTED, 1) - XG_KIND(XG_STATE_CLAIMED, 0);
	__atomic_store_n(&r->word, *head | (uint64_t)high << 32, __ATOMIC_RELAXED);
	*head = ref;
	return true;
}

XG_FAST int xg_release_fast(uint32_t *head, uint32_t ref, unsigned long caller)
{
	return xg_expect(xg_quick_release(head, ref), 1) ? XG_OK :
							   xg_release_slow(head, ref, caller);
}

/* --- granting and ending ------------------------------------------------ */

XG_FAST void xg_fast_open(struct xg_ref *r, struct xg_entry_v1 *entry, uint16_t domid,
			  uint64_t frame, bool readonly)
{
	xg_increment(&r->grants);
	__atomic_store_n(&entry->domid, domid, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->frame, (uint32_t)frame, __ATOMIC_RELAXED);
	/* The flags make the entry valid: Xen must not see them before the rest. */
	__atomic_store_n(&entry->flags, (uint16_t)(readonly ? XG_PERMIT | XG_READONLY : XG_PERMIT),
			 __ATOMIC_RELEASE);
}

XG_FAST bool xg_quick_grant(uint32_t ref, uint16_t domid, uint64_t frame, bool readonly)
{
	struct xg_entry_v1 *entry;
	struct xg_ref *r;
	uint32_t high;
	bool done;

	if (xg_expect(ref >= xg_fast.nr_fast_grants || frame >> 32, 0))
		return false;
	(void)xg_pin();
	r = &xg_fast.refs[ref];
	high = xg_fast_high(r);
	entry = xg_fast_entry(ref);
	done = (high & XG_KIND_MASK) == XG_STATE_CLAIMED && entry;
	if (xg_expect(done, 1)) {
		/* The state first: an end that came now finds the entry closed, and is refused. */
		__atomic_store_n(&r->high, high + XG_STATE_GRANTED - XG_STATE_CLAIMED,
				 __ATOMIC_RELAXED);
		xg_fast_open(r, entry, domid, frame, readonly);
	}
	xg_unpin();
	return done;
}

XG_FAST int xg_grant_fast(uint32_t ref, uint16_t domid, uint64_t frame, bool readonly,
			  unsigned long caller)
{
	return xg_expect(xg_quick_grant(ref, domid, frame, readonly), 1) ?
		       XG_OK :
		       xg_grant_slow(ref, domid, frame, readonly, caller);
}

/* Takes the permission out of the entry; false: in use, closed, or changed under us. */
XG_FAST bool xg_fast_close(struct xg_entry_v1 *entry)
{
	uint16_t flags = __atomic_load_n(&entry->flags, __ATOMIC_RELAXED);

	if (xg_expect(!(flags & XG_PERMIT), 0))
		return false;
	/* It fails when the other side uses the grant. */
	flags &= XG_PERMIT | XG_READONLY;
	return __atomic_compare_exchange_n(&entry->flags, &flags, (uint16_t)0, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

XG_FAST bool xg_quick_end(uint32_t ref)
{
	struct xg_entry_v1 *entry;
	struct xg_ref *r;
	uint32_t high;
	bool done;

	if (xg_expect(ref >= xg_fast.nr_fast_grants, 0))
		return false;
	(void)xg_pin();
	r = &xg_fast.refs[ref];
	high = xg_fast_high(r);
	entry = xg_fast_entry(ref);
	done = (high & XG_KIND_MASK) == XG_STATE_GRANTED && entry && xg_fast_close(entry);
	if (xg_expect(done, 1))
		__atomic_store_n(&r->high, high - (XG_STATE_GRANTED - XG_STATE_CLAIMED),
				 __ATOMIC_RELEASE);
	xg_unpin();
	return done;
}

XG_FAST int xg_end_fast(uint32_t ref, unsigned long caller)
{
	return xg_expect(xg_quick_end(ref), 1) ? XG_ENDED : xg_end_slow(ref, caller);
}

/* --- single references through this CPU's cache -------------------------- */

/*
 * Takes a reference out of the cache, with the state @high: its number, or
 * XG_NO_REF. Pinned. @busy keeps this CPU's interrupts out.
 */
XG_FAST uint32_t xg_fast_take(struct xg_pool *pool, struct xg_cpu_cache *cache, uint32_t high)
{
	uint32_t used;
	uint32_t ref;
	uint32_t cached;

	if (xg_expect(__atomic_load_n(&cache->busy, __ATOMIC_RELAXED), 0))
		return XG_NO_REF;
	__atomic_store_n(&cache->busy, 1u, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	for (used = __atomic_load_n(&cache->used, __ATOMIC_RELAXED); used;) {
		ref = __atomic_load_n(&cache->slots[--used], __ATOMIC_RELAXED);
		__atomic_store_n(&cache->used, used, __ATOMIC_RELAXED);
		cached = XG_HIGH(XG_STATE_CACHED, 0, pool->id);
		/* It fails on a stale hint: another CPU has taken the reference. */
		if (xg_expect(__atomic_compare_exchange_n(&xg_fast.refs[ref].high, &cached, high,
							  false, __ATOMIC_SEQ_CST,
							  __ATOMIC_SEQ_CST), 1)) {
			xg_increment(&cache->allocated);
			__atomic_signal_fence(__ATOMIC_SEQ_CST);
			__atomic_store_n(&cache->busy, 0u, __ATOMIC_RELAXED);
			return ref;
		}
	}
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&cache->busy, 0u, __ATOMIC_RELAXED);
	return XG_NO_REF;
}

/* A reference from this CPU's cache, or XG_NO_REF. */
XG_FAST uint32_t xg_quick_alloc_one(struct xg_pool *pool)
{
	unsigned int cpu = xg_pin();
	uint32_t ref = xg_fast_take(pool, &pool->caches[cpu],
				    XG_HIGH(XG_STATE_CLAIMED, 0, pool->id));

	xg_unpin();
	return ref;
}

XG_FAST int64_t xg_alloc_one_fast(struct xg_pool *pool)
{
	uint32_t ref = xg_quick_alloc_one(pool);

	return xg_expect(ref != XG_NO_REF, 1) ? (int64_t)ref : xg_alloc_one_slow(pool);
}

/*
 * Puts a reference whose word has the upper half @high into this CPU's cache;
 * false, and nothing has happened. Pinned. The hint comes before the state: who
 * sees the state can find the reference. The compare-and-swap is the barrier
 * between that and the look at "starving": see Waiters.
 */
XG_FAST bool xg_fast_put(uint32_t ref, uint32_t high, unsigned int cpu)
{
	struct xg_cpu_cache *cache = &xg_fast.caches[high >> 16][cpu];
	uint32_t used;
	bool done;

	if (xg_expect(__atomic_load_n(&cache->busy, __ATOMIC_RELAXED), 0))
		return false;
	__atomic_store_n(&cache->busy, 1u, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	used = __atomic_load_n(&cache->used, __ATOMIC_RELAXED);
	done = used < XG_CACHE_SLOTS;
	if (xg_expect(done, 1)) {
		__atomic_store_n(&cache->slots[used], ref, __ATOMIC_RELEASE);
		__atomic_store_n(&cache->used, used + 1, __ATOMIC_RELEASE);
		done = __atomic_compare_exchange_n(&xg_fast.refs[ref].high, &high,
						   (high & ~XG_KIND_MASK) | XG_STATE_CACHED, false,
						   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
		if (xg_expect(done, 1))
			xg_increment(&cache->freed);
		else
			__atomic_store_n(&cache->used, used, __ATOMIC_RELAXED);
	}
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&cache->busy, 0u, __ATOMIC_RELAXED);
	return done;
}

/* After xg_fast_put(): somebody waits, so the cache goes to the central list. */
XG_FAST void xg_fast_freed(uint32_t high, unsigned int cpu)
{
#if !defined(__x86_64__) && !defined(__i386__)
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
	if (xg_expect(__atomic_load_n(&xg_fast.starving, __ATOMIC_RELAXED), 0))
		xg_flush_for_waiters(high >> 16, cpu);
}

XG_FAST bool xg_quick_free_one(uint32_t ref)
{
	unsigned int cpu;
	uint32_t high;
	bool done;

	if (xg_expect(ref >= xg_fast.nr_refs, 0))
		return false;
	cpu = xg_pin();
	high = xg_fast_high(&xg_fast.refs[ref]);
	done = (high & XG_KIND_MASK) == XG_STATE_CLAIMED && xg_fast_put(ref, high, cpu);
	if (xg_expect(done, 1))
		xg_fast_freed(high, cpu);
	xg_unpin();
	return done;
}

XG_FAST int xg_free_one_fast(uint32_t ref, unsigned long caller)
{
	return xg_expect(xg_quick_free_one(ref), 1) ? XG_OK : xg_free_one_slow(ref, caller);
}

XG_FAST int64_t xg_grant_new_fast(struct xg_pool *pool, uint16_t domid, uint64_t frame,
				  bool readonly, unsigned long caller)
{
	struct xg_entry_v1 *entry;
	unsigned int cpu;
	uint32_t ref;

	if (xg_expect(frame >> 32 || !xg_fast.nr_fast_grants, 0))
		return xg_grant_new_slow(pool, domid, frame, readonly, caller);
	cpu = xg_pin();
	ref = xg_fast_take(pool, &pool->caches[cpu], XG_HIGH(XG_STATE_GRANTED, 0, pool->id));
	if (xg_expect(ref == XG_NO_REF, 0)) {
		xg_unpin();
		return xg_grant_new_slow(pool, domid, frame, readonly, caller);
	}
	entry = xg_fast_entry(ref);
	if (xg_expect(!entry, 0)) {
		xg_unpin();
		return xg_grant_new_lost(pool, ref, domid, frame, readonly, caller);
	}
	xg_fast_open(&xg_fast.refs[ref], entry, domid, frame, readonly);
	xg_unpin();
	return ref;
}

/* Ends access and frees the reference. */
XG_FAST bool xg_quick_end_and_free(uint32_t ref)
{
	struct xg_cpu_cache *cache;
	struct xg_entry_v1 *entry;
	unsigned int cpu;
	uint32_t high;
	bool ended = false;

	if (xg_expect(ref >= xg_fast.nr_fast_grants, 0))
		return false;
	cpu = xg_pin();
	high = xg_fast_high(&xg_fast.refs[ref]);
	entry = xg_fast_entry(ref);
	if (xg_expect((high & XG_KIND_MASK) == XG_STATE_GRANTED && entry, 1)) {
		cache = &xg_fast.caches[high >> 16][cpu];
		/* No way back once the entry is closed: room is made sure of first. */
		if (xg_expect(!__atomic_load_n(&cache->busy, __ATOMIC_RELAXED) &&
			      __atomic_load_n(&cache->used, __ATOMIC_RELAXED) < XG_CACHE_SLOTS, 1) &&
		    xg_fast_close(entry)) {
			ended = true;
			if (xg_expect(xg_fast_put(ref, high, cpu), 1))
				xg_fast_freed(high, cpu);
			else
				xg_free_ended(ref);
		}
	}
	xg_unpin();
	return ended;
}

XG_FAST int xg_try_end_fast(uint32_t ref, unsigned long caller)
{
	return xg_expect(xg_quick_end_and_free(ref), 1) ? XG_ENDED : xg_try_end_slow(ref, caller);
}

#endif /* XENGNT_CORE_FAST_PATHS_H */

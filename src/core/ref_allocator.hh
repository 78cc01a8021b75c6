// SPDX-License-Identifier: GPL-2.0
//
// Allocating and freeing references: CPU caches over the store over the lease.
//
// A single reference is taken from and put into this CPU's cache: no shared cache line is touched.
// Lists and sequences go to the store. When the store is short the lease grows; when it cannot, all
// CPUs' caches are drained into the store. While somebody does so, or waits for references
// (`starving_`), what is freed goes straight to the store: so an allocation fails only when too few
// references are free anywhere.
#pragma once

#include "lease.hh"

namespace xengnt
{

class FreeCallbacks;

inline constexpr u32 max_pools = 256;

class RefAllocator
{
	FreeStore &store_;
	Lease &lease_;
	FreeCallbacks &callbacks_;
	CpuCache *caches_[max_pools] = {}; // by pool: what the hot paths need of it
	Pool *pools_[max_pools] = {};
	SpinLock pools_lock_;
	u32 nr_pools_ GUARDED_BY(pools_lock_) = 0; // numbers in use, dead ones included
	u32 cpus_ = 0;
	u32 starving_ = 0; // atomic: allocations that look everywhere, and callbacks that wait
	u64 failed_ = 0;   // atomic
	u64 misused_ = 0;  // atomic

	template <class Take>
	Result<GrantRef> take_or_grow(Pool &pool, u32 count, bool contiguous, Take take);
	template <class Take>
	XG_RARE Result<GrantRef> grow_and_take(Pool &pool, u32 count, bool contiguous, Take take);
	Result<GrantRef> refill(Pool &pool);
	[[gnu::noinline]] void flush(Pool &pool, CpuCache &cache, u32 keep);
	void drain(Pool &pool, CpuCache &cache);
	Status put(GrantRef ref, RefWord word, unsigned cpu, bool ended = false);
	bool enter(Pool *pool, CpuCache *caches);
	void put_into_store(GrantRef ref, RefWord word);

public:
	constexpr RefAllocator(FreeStore &store, Lease &lease, FreeCallbacks &callbacks)
	    : store_(store), lease_(lease), callbacks_(callbacks), pools_lock_()
	{
	}

	bool create();
	void destroy();
	// A new pool, with no reserve yet. Null when there is no memory, or there are too many.
	Pool *create_pool(const char *name, u32 limit, bool may_sleep);
	// Has so many references kept for the pool; false when they cannot be had.
	bool reserve(Pool &pool, u32 count);
	// Gives a pool up; how many references of it are still out.
	u32 destroy_pool(Pool &pool);
	// Pools that were given up and have everything back can be used again. True: some have not.
	bool reap_pools();
	// Every pool in use, by number; null at the end of the numbers that were ever used.
	const Pool *pool_at(u32 number) const;
	Pool &pool(PoolId id) const { return *pools_[id.raw]; }

	// From this CPU's cache, in the given state, after taken(ref, its word, what the word is
	// now, the cache); busy: the slow function must be used.
	template <class Taken>
	Result<GrantRef> alloc_fast(Pool &pool, unsigned cpu, RefState state, Taken taken);
	Result<GrantRef> alloc_fast(Pool &pool, unsigned cpu);
	// Into this CPU's cache; busy as above.
	Status free_fast(GrantRef ref, RefState from, unsigned cpu);
	// The same when the reference's word was seen to be `word` a moment ago, its access having
	// ended since.
	Status free_ended(GrantRef ref, RefWord word, unsigned cpu);
	Result<GrantRef> alloc(Pool &pool);
	Status free(GrantRef ref, RefState from, Caller caller);

	Result<GrantRef> alloc_list(Pool &pool, u32 count);
	// *list is left at the end, or at the first reference that is not leased or not on the
	// list.
	Status free_list(u32 *list, Caller caller);
	// The fast ones know the usual case, and nothing that has to be reported.
	Result<GrantRef> claim_fast(u32 *head);
	Result<GrantRef> claim(u32 *head, Caller caller);
	Status release_fast(u32 *head, GrantRef ref);
	Status release(u32 *head, GrantRef ref, Caller caller);
	Result<GrantRef> alloc_sequence(Pool &pool, u32 count);
	// Stops at a reference that is not leased, *first and *count left there.
	Status free_sequence(u32 *first, u32 *count, Caller caller);

	// To be called by whoever has put references into the store: those who wait get a look.
	void freed_some(u32 free_now);
	// Every CPU's cache of every pool goes into the store.
	void drain_all();
	// Whoever frees says so first and looks at `starving_` then (put(), freed_some()); whoever
	// wants says so here and looks at what is free then. Each has a full barrier in between, so
	// one of the two sees the other; tests/model/waiters.pml shows what happens without.
	[[gnu::always_inline]] void starve()
	{
		fetch_add(&starving_, 1u);
		fence_after_swap();
	}
	[[gnu::always_inline]] void feed() { fetch_sub(&starving_, 1u); }

	XG_RARE Error misuse(enum xg_report what, GrantRef ref, Caller caller);

	u64 failed() const { return load_relaxed(&failed_); }
	u64 misused() const { return load_relaxed(&misused_); }
	u32 cpus() const { return cpus_; }
	template <class Visit> void each_cache(Visit visit) const
	{
		for (const Pool *pool : pools_)
			for (u32 cpu = 0; pool && cpu < cpus_; cpu++)
				visit(pool->caches[cpu]);
	}
	CpuCache &cache(PoolId pool, unsigned cpu) const { return caches_[pool.raw][cpu]; }
};

template <class Taken>
[[gnu::always_inline]] inline Result<GrantRef> RefAllocator::alloc_fast(Pool &pool, unsigned cpu,
									RefState state, Taken taken)
{
	CpuCache &cache = pool.caches[cpu];
	CacheUse use(cache);
	if (!use.granted()) [[unlikely]]
		return Error::busy;
	for (u32 used = load_relaxed(&cache.used); used;) {
		GrantRef ref{load_relaxed(&cache.slots[--used])};
		store_relaxed(&cache.used, used);
		u64 *raw = ref_table.word(ref.raw);
		RefWord word{load_relaxed(raw)};
		// A stale hint: another CPU has taken this one.
		if (!word.is(RefState::cached, pool.id)) [[unlikely]]
			continue;
		RefWord now = word.next_generation(state);
		if (compare_and_swap(raw, word.raw, now.raw)) [[likely]] {
			count(&cache.allocated);
			taken(ref, raw, now, cache);
			return ref;
		}
	}
	return Error::busy;
}

} // namespace xengnt

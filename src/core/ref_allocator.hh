// SPDX-License-Identifier: GPL-2.0
//
// Allocating and freeing references: CPU caches over the central list over the lease.
//
// A single reference is taken from and put into this CPU's cache: no shared cache line is touched
// (fast_paths.h). Lists and sequences go to the central list. When that is short the lease grows;
// when it cannot, all CPUs' caches are drained into the central list. While somebody does so, or
// waits for references, what is freed goes straight to the central list: so an allocation fails
// only when too few references are free anywhere.
#pragma once

#include "lease.hh"
#include "pools.hh"

namespace xengnt
{

class RefAllocator
{
	u64 failed_ = 0; // atomic

	Result<GrantRef> refill(Pool &pool);
	bool put_into_cache(GrantRef ref, RefWord word, unsigned cpu);
	void put_into_list(GrantRef ref, RefWord word);
	static void flush(Pool &pool, CpuCache &cache, u32 keep);
	static void drain(Pool &pool, const CpuCache &cache);

public:
	void create() { failed_ = 0; }

	// Takes references by `take`; leases what `missing` says and looks everywhere as long as
	// that is too few. `missing` is 0 when leasing cannot help.
	template <class Take, class Missing>
	Result<GrantRef> take_or_grow(Take take, Missing missing);
	template <class Take, class Missing>
	Result<GrantRef> grow_and_take(Take take, Missing missing);
	// How many to lease for `count` of the pool.
	static u32 missing(const Pool &pool, u32 count, bool contiguous);

	Result<GrantRef> alloc(Pool &pool);
	// Frees a claimed reference.
	Status free(GrantRef ref, Caller caller);
	// Frees a reference that the caller alone can reach, in state `word`.
	void free_owned(GrantRef ref, RefWord word);
	Result<GrantRef> alloc_sequence(Pool &pool, u32 count);
	// Stops at a reference that is not leased, *first and *count left there.
	Status free_sequence(GrantRef *first, u32 *count, Caller caller);

	// A pool with a reserve. no_memory: also when there are too many.
	Status create_pool(const char *name, u32 reserve, u32 limit, bool may_sleep, Pool **pool);
	// Another reserve and limit; no_space, and nothing changed, when the reserve is not free.
	Status set_pool(Pool &pool, u32 reserve, u32 limit);
	// Gives a pool up; how many references of it are still out.
	u32 destroy_pool(Pool &pool);
	// Lets pools that were given up be used again once they have everything back. True: some
	// have not.
	bool reap_pools();

	// For the caller that has put references into the central list: those who wait get a look.
	static void freed_some(u32 free_now);
	// Empties this CPU's cache for those who wait. Pinned.
	static void flush_for_waiters(Pool &pool, unsigned cpu);
	// Every CPU's cache of every pool goes into the central list.
	static void drain_all();
	// The same for caches that were not used since the last call; how many references came.
	static u32 drain_idle();

	u64 failed() const { return load_relaxed(&failed_); }
	void count_failed() { fetch_add(&failed_, u64{1}); }
};

extern RefAllocator allocator;

} // namespace xengnt

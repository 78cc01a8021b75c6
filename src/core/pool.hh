// SPDX-License-Identifier: GPL-2.0
//
// A pool: on whose account references are out, and each CPU's cache of them.
#pragma once

#include "../base/atomics.hh"
#include "ref_word.hh"

namespace xengnt
{

inline constexpr u32 cache_slots = 64;

// One CPU's free references of one pool. Only that CPU writes here, staying put meanwhile; `busy`
// turns away an interrupt that comes in between. Other CPUs read the slots and take references by
// changing their state words (see ref_word.hh), so a slot is a hint.
struct alignas(64) CpuCache {
	u32 used;
	u32 busy;
	u64 allocated; // taken here
	u64 freed;     // given back here
	u64 granted;
	u64 ended;
	u32 slots[cache_slots];
};
static_assert(sizeof(CpuCache) <= 512);

inline constexpr u32 pool_name_size = 32;

struct Pool {
	// A pool's memory is kept until the module goes, for the next pool: other CPUs may be
	// looking through its caches at any time.
	enum class Life : u32 { used, dying, dead };

	CpuCache *caches;
	PoolId id;
	Life life;     // under the allocator's pool lock
	u32 held;      // taken out of the store, caches included; under the store's lock
	u32 limit;     // most that may be held
	u32 reserve;   // kept for this pool by the store
	u64 allocated; // in lists and sequences; single references are counted by the caches
	u64 freed;
	char name[pool_name_size];
};

// Makes the owner's use of its cache visible to its own interrupts. False: we are such an
// interrupt, and the cache is in use below us.
class CacheUse
{
	CpuCache *mine_; // null: not to be used here

public:
	[[gnu::always_inline]] explicit CacheUse(CpuCache &cache)
	    : mine_(load_relaxed(&cache.busy) ? nullptr : &cache)
	{
		if (mine_) [[likely]]
			store_relaxed(&mine_->busy, 1u);
		compiler_barrier();
	}
	[[gnu::always_inline]] ~CacheUse()
	{
		compiler_barrier();
		if (mine_) [[likely]]
			store_relaxed(&mine_->busy, 0u);
	}
	CacheUse(const CacheUse &) = delete;
	CacheUse &operator=(const CacheUse &) = delete;
	[[gnu::always_inline]] bool granted() const { return mine_ != nullptr; }
};

} // namespace xengnt

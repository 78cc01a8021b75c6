// SPDX-License-Identifier: GPL-2.0
//
// A pool and its CPU caches: struct xg_pool and struct xg_cpu_cache of layout.h, with what C++
// adds.
#pragma once

#include "../base/atomics.hh"
#include "ref_word.hh"

namespace xengnt
{

using Pool = ::xg_pool;
using CpuCache = ::xg_cpu_cache;

inline constexpr u32 cache_slots = XG_CACHE_SLOTS;
inline constexpr u32 max_pools = XG_MAX_POOLS;
inline constexpr u32 pool_name_size = XG_POOL_NAME_SIZE;
static_assert(sizeof(CpuCache) <= 512);
// A power of two: the kernel aligns such memory to its size, and so to lines.
static_assert(sizeof(Pool) == 128);

// Pool 0 owns nothing: its number stands in the words of references in the central list.
inline constexpr PoolId no_pool{0};

// A pool's memory is kept until the module unloads, for the next pool: other CPUs may be looking
// through its caches at any time.
enum PoolLife : u32 { pool_used, pool_dying, pool_dead };

[[gnu::always_inline]] inline PoolId id_of(const Pool &pool)
{
	return {static_cast<u16>(pool.id)};
}

// Adds to a counter that only this CPU, or the holder of a lock, writes.
[[gnu::always_inline]] inline void increment(u64 *counter, u64 n = 1)
{
	store_relaxed(counter, load_relaxed(counter) + n);
}

// Makes the owner's use of its cache visible to its own interrupts. Not granted: we are such an
// interrupt, and the interrupted code is using the cache.
class CacheUse
{
	CpuCache *mine_; // null: not granted

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

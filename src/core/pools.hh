// SPDX-License-Identifier: GPL-2.0
//
// The pools by number: made, given up, used again.
#pragma once

#include "../base/lock.hh"
#include "../base/result.hh"
#include "pool.hh"

namespace xengnt
{

class PoolRegistry
{
	Pool *pools_[max_pools] = {};
	SpinLock lock_;
	u32 nr_pools_ GUARDED_BY(lock_) = 0; // numbers in use, dead ones included
	u32 cpus_ = 0;

	bool enter(Pool *pool, CpuCache *caches);
	Pool *reuse();

public:
	constexpr PoolRegistry() : lock_() {}

	void create() UNSHARED;
	void destroy() UNSHARED;

	// A new pool, with no reserve yet. Null when there is no memory, or there are too many.
	Pool *add(const char *name, u32 limit, bool may_sleep);
	// Gives a pool up, its caches drained: it can be used again once nothing of it is out.
	void give_up(Pool &pool);
	// For each pool that was given up and still has references out, until `visit` says that
	// all are back. True: some have not.
	template <class Visit> bool reap(Visit visit);

	Pool &at(PoolId id) const { return *pools_[id.raw]; }
	// Every pool in use, by number from 0 on; null at the end of the numbers ever used.
	const Pool *by_number(u32 number) const;
	u32 cpus() const { return cpus_; }
	template <class Visit> void each(Visit visit) const
	{
		for (u32 id = 1; id < max_pools; id++)
			if (Pool *pool = load_acquire(&pools_[id]))
				visit(*pool);
	}
};

extern PoolRegistry pools;

template <class Visit> bool PoolRegistry::reap(Visit visit)
{
	bool some_left = false;
	each([&](Pool &pool) {
		{
			LockGuard guard(lock_);
			if (pool.life != pool_dying)
				return;
		}
		bool all_back = visit(pool);
		LockGuard guard(lock_);
		if (all_back && pool.life == pool_dying)
			pool.life = pool_dead;
		some_left |= !all_back;
	});
	return some_left;
}

} // namespace xengnt

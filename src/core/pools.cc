// SPDX-License-Identifier: GPL-2.0
//
// The life of pools: the part of the allocator that is not about references.
#include "ref_allocator.hh"

namespace xengnt
{

namespace
{

// Pool 0 is nobody's: the number in the words of references that are in the store.
constexpr u32 first_pool = 1;

void copy_name(char *to, const char *from)
{
	u32 i = 0;
	for (; i + 1 < pool_name_size && from[i]; i++)
		to[i] = from[i];
	to[i] = 0;
}

} // namespace

// Gives the pool a number; false when all are in use.
bool RefAllocator::enter(Pool *pool, CpuCache *caches)
{
	LockGuard guard(pools_lock_);
	u32 id = first_pool + nr_pools_;
	if (id == max_pools)
		return false;
	nr_pools_++;
	pool->caches = caches;
	pool->id = {static_cast<u16>(id)};
	caches_[id] = caches;
	// Seen by CPUs that look through all caches: last.
	store_release(&pools_[id], pool);
	return true;
}

Pool *RefAllocator::create_pool(const char *name, u32 limit, bool may_sleep)
{
	reap_pools();
	Pool *pool = nullptr;
	{
		LockGuard guard(pools_lock_);
		for (u32 id = first_pool; id < first_pool + nr_pools_ && !pool; id++)
			if (pools_[id]->life == Pool::Life::dead)
				pool = pools_[id];
		if (pool)
			pool->life = Pool::Life::used;
	}
	if (!pool) {
		auto *alloc = may_sleep ? xg_port_alloc : xg_port_alloc_atomic;
		pool = static_cast<Pool *>(alloc(sizeof(Pool)));
		void *caches = alloc(cpus_ * sizeof(CpuCache));
		if (!pool || !caches || !enter(pool, static_cast<CpuCache *>(caches))) {
			xg_port_free(caches);
			xg_port_free(pool);
			return nullptr;
		}
	}
	copy_name(pool->name, name);
	store_.set_account(*pool, limit, 0);
	return pool;
}

bool RefAllocator::reserve(Pool &pool, u32 count)
{
	// What others have free in their caches may be what is missing.
	for (bool looked_everywhere = false;;) {
		u32 open = store_.open_count();
		if (open >= count)
			break;
		if (lease_.grow(count - open))
			continue;
		if (looked_everywhere)
			return false;
		looked_everywhere = true;
		drain_all();
	}
	store_.set_account(pool, pool.limit, count);
	return true;
}

u32 RefAllocator::destroy_pool(Pool &pool)
{
	store_.set_account(pool, 0, 0);
	for (u32 cpu = 0; cpu < cpus_; cpu++)
		drain(pool, pool.caches[cpu]);
	u32 out = store_.held(pool);
	LockGuard guard(pools_lock_);
	pool.life = out ? Pool::Life::dying : Pool::Life::dead;
	return out;
}

bool RefAllocator::reap_pools()
{
	bool some_left = false;
	for (u32 id = first_pool; id < max_pools; id++) {
		Pool *pool = load_acquire(&pools_[id]);
		if (!pool)
			break;
		{
			LockGuard guard(pools_lock_);
			if (pool->life != Pool::Life::dying)
				continue;
		}
		for (u32 cpu = 0; cpu < cpus_; cpu++)
			drain(*pool, pool->caches[cpu]);
		u32 out = store_.held(*pool);
		LockGuard guard(pools_lock_);
		if (!out && pool->life == Pool::Life::dying)
			pool->life = Pool::Life::dead;
		some_left |= out != 0;
	}
	return some_left;
}

const Pool *RefAllocator::pool_at(u32 number) const
{
	return number < max_pools - first_pool ? load_acquire(&pools_[first_pool + number])
					       : nullptr;
}

void RefAllocator::destroy()
{
	for (u32 id = 0; id < max_pools; id++) {
		if (!pools_[id])
			continue;
		xg_port_free(pools_[id]->caches);
		xg_port_free(pools_[id]);
		pools_[id] = nullptr;
		caches_[id] = nullptr;
	}
	LockGuard guard(pools_lock_);
	nr_pools_ = 0;
}

} // namespace xengnt

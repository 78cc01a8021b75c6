// SPDX-License-Identifier: GPL-2.0
#include "pools.hh"

#include "central_free_list.hh"

namespace xengnt
{

constinit PoolRegistry pools;

namespace
{

constexpr u32 first_pool = 1; // 0 is no_pool

void copy_name(char *to, const char *from)
{
	u32 i = 0;
	for (; i + 1 < pool_name_size && from[i]; i++)
		to[i] = from[i];
	to[i] = 0;
}

} // namespace

void PoolRegistry::create()
{
	cpus_ = xg_port_cpus();
	lock_.init(XG_LOCK_POOLS);
}

void PoolRegistry::destroy()
{
	for (u32 id = 0; id < max_pools; id++) {
		if (!pools_[id])
			continue;
		xg_port_free(pools_[id]->caches);
		xg_port_free(pools_[id]);
		pools_[id] = nullptr;
		xg_fast.caches[id] = nullptr;
	}
	nr_pools_ = 0;
}

// Gives the pool a number; false when all are in use.
bool PoolRegistry::enter(Pool *pool, CpuCache *caches)
{
	LockGuard guard(lock_);
	u32 id = first_pool + nr_pools_;
	if (id == max_pools)
		return false;
	nr_pools_++;
	pool->caches = caches;
	pool->id = id;
	xg_fast.caches[id] = caches;
	// Last: CPUs that look through all caches see the pool with this.
	store_release(&pools_[id], pool);
	return true;
}

Pool *PoolRegistry::reuse()
{
	LockGuard guard(lock_);
	for (u32 id = first_pool; id < first_pool + nr_pools_; id++) {
		if (pools_[id]->life != pool_dead)
			continue;
		pools_[id]->life = pool_used;
		return pools_[id];
	}
	return nullptr;
}

Pool *PoolRegistry::add(const char *name, u32 limit, bool may_sleep)
{
	Pool *pool = reuse();
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
	(void)central_list.set_account(*pool, limit, 0);
	return pool;
}

void PoolRegistry::give_up(Pool &pool)
{
	LockGuard guard(lock_);
	pool.life = central_list.held(pool) ? pool_dying : pool_dead;
}

const Pool *PoolRegistry::by_number(u32 number) const
{
	return number < max_pools - first_pool ? load_acquire(&pools_[first_pool + number])
					       : nullptr;
}

} // namespace xengnt

// SPDX-License-Identifier: GPL-2.0
//
// The C boundary: what can be seen from outside. Nothing here changes anything.
#include "parts.hh"

using namespace xengnt;

void xg_read_stats(struct xg_stats *stats)
{
	u64 in_state[ref_states] = {};
	ref_table.each([&](u32, RefWord word) {
		in_state[static_cast<unsigned>(word.state())] +=
		    word.state() == RefState::listed ? word.run() : 1;
	});
	*stats = {};
	stats->leased = core.lease.leased();
	stats->lease_limit = core.lease.limit();
	stats->free = core.store.free_count();
	stats->cached = in_state[static_cast<unsigned>(RefState::cached)];
	stats->listed = in_state[static_cast<unsigned>(RefState::listed)];
	stats->claimed = in_state[static_cast<unsigned>(RefState::claimed)];
	stats->granted = in_state[static_cast<unsigned>(RefState::granted)] +
			 in_state[static_cast<unsigned>(RefState::granting)];
	stats->deferred = in_state[static_cast<unsigned>(RefState::deferred)];
	for (u32 number = 0; const Pool *pool = core.allocator.pool_at(number); number++) {
		stats->allocated_total += load_relaxed(&pool->allocated);
		stats->freed_total += load_relaxed(&pool->freed);
	}
	core.allocator.each_cache([&](const CpuCache &cache) {
		stats->allocated_total += load_relaxed(&cache.allocated);
		stats->freed_total += load_relaxed(&cache.freed);
		stats->granted_total += load_relaxed(&cache.granted);
		stats->ended_total += load_relaxed(&cache.ended);
	});
	stats->deferred_total = core.deferred.deferred_total();
	stats->reclaimed_total = core.deferred.reclaimed_total();
	stats->handed_back_total = core.deferred.handed_over();
	stats->misuse_total = core.allocator.misused();
	stats->enospc_total = core.allocator.failed();
	stats->callbacks_total = core.callbacks.called();
	stats->waiting = core.callbacks.waiting();
	stats->leased_total = core.lease.leased_total();
	stats->unleased_total = core.lease.unleased_total();
}

bool xg_read_pool(uint32_t number, struct xg_pool_stats *stats)
{
	const Pool *pool = core.allocator.pool_at(number);
	if (!pool)
		return false;
	*stats = {};
	for (u32 i = 0; i < pool_name_size; i++)
		stats->name[i] = pool->name[i];
	stats->used = pool->life == Pool::Life::used;
	stats->held = core.store.held(*pool);
	stats->limit = pool->limit;
	stats->reserve = pool->reserve;
	stats->allocated_total = load_relaxed(&pool->allocated);
	stats->freed_total = load_relaxed(&pool->freed);
	for (u32 cpu = 0; cpu < core.allocator.cpus(); cpu++) {
		stats->allocated_total += load_relaxed(&pool->caches[cpu].allocated);
		stats->freed_total += load_relaxed(&pool->caches[cpu].freed);
	}
	return true;
}

uint32_t xg_table_refs(void)
{
	return ref_table.size();
}

void xg_read_ref(uint32_t ref, struct xg_ref_info *info)
{
	u64 *raw = ref_table.find({ref});
	RefWord word{raw ? load_relaxed(raw) : 0};
	*info = {};
	info->count = 1;
	switch (word.state()) {
	case RefState::listed:
		info->state = XG_REF_LISTED;
		info->count = word.run();
		break;
	case RefState::claimed:
	case RefState::granting:
		info->state = XG_REF_CLAIMED;
		break;
	case RefState::granted:
		info->state = XG_REF_GRANTED;
		break;
	case RefState::deferred:
		info->state = XG_REF_DEFERRED;
		break;
	default:
		return;
	}
	info->pool = static_cast<const xg_pool *>(&core.allocator.pool(word.pool()));
	info->domid = granted_to(ref).raw;
	info->frame = entry_frame(ref_table.entry(ref)).raw;
}

uint32_t xg_next_on_list(uint32_t ref)
{
	u64 *raw = ref_table.find({ref});
	RefWord word{raw ? load_relaxed(raw) : 0};
	bool on_list = word.state() == RefState::listed || word.state() == RefState::free;
	return on_list ? word.link() : no_ref.raw;
}

bool xg_read_deferred(uint32_t *ref, struct xg_deferred *deferred)
{
	while (*ref < ref_table.size()) {
		u32 here = (*ref)++;
		if (ref_table.find({here}) && core.deferred.read(here, deferred))
			return true;
	}
	return false;
}

uint32_t xg_read_waiters(struct xg_waiter *waiters, uint32_t most)
{
	return core.callbacks.read(waiters, most);
}

void xg_read_lease(struct xg_lease *lease)
{
	core.lease.read(lease);
}

int xg_check_invariants(void)
{
	if (int broken = core.store.check_invariants())
		return broken;
	if (int broken = core.deferred.check_invariants())
		return broken;
	xg_stats stats;
	xg_read_stats(&stats);
	u64 found = stats.free + stats.cached + stats.listed + stats.claimed + stats.granted +
		    stats.deferred;
	return found == stats.leased ? 0 : 30; // every leased reference is in one state
}

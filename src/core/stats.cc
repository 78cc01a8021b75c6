// SPDX-License-Identifier: GPL-2.0
//
// Statistics and listings of the core. Nothing here changes anything.
#include "core.hh"
#include "rules.hh"

using namespace xengnt;

namespace
{

struct Counts {
	u64 in_state[ref_states];

	u64 operator[](RefState state) const { return in_state[static_cast<unsigned>(state)]; }
};

Counts count_states()
{
	Counts counts{};
	ref_table.each_leased([&](GrantRef, RefWord word) {
		counts.in_state[static_cast<unsigned>(word.state())] +=
		    word.state() == RefState::listed ? word.run() : 1;
	});
	return counts;
}

// In lists and sequences, and singly on each CPU.
void add_totals(const Pool &pool, uint64_t *allocated, uint64_t *freed)
{
	*allocated += load_relaxed(&pool.allocated);
	*freed += load_relaxed(&pool.freed);
	for (u32 cpu = 0; cpu < pools.cpus(); cpu++) {
		*allocated += load_relaxed(&pool.caches[cpu].allocated);
		*freed += load_relaxed(&pool.caches[cpu].freed);
	}
}

xg_ref_state state_of(RefWord word)
{
	switch (word.state()) {
	case RefState::listed:
		return XG_REF_LISTED;
	case RefState::claimed:
	case RefState::granting:
		return XG_REF_CLAIMED;
	case RefState::granted:
		return XG_REF_GRANTED;
	case RefState::deferred:
		return XG_REF_DEFERRED;
	default:
		return XG_REF_FREE;
	}
}

} // namespace

void xg_read_stats(struct xg_stats *stats)
{
	Counts counts = count_states();
	*stats = {};
	stats->leased = lease.leased();
	stats->lease_limit = lease.limit();
	stats->free = central_list.free_count();
	stats->cached = counts[RefState::cached];
	stats->listed = counts[RefState::listed];
	stats->claimed = counts[RefState::claimed];
	stats->granted = counts[RefState::granted] + counts[RefState::granting];
	stats->deferred = counts[RefState::deferred];
	stats->lost = counts[RefState::lost];
	pools.each([&](const Pool &pool) {
		add_totals(pool, &stats->allocated_total, &stats->freed_total);
	});
	stats->deferred_total = deferred_ends.deferred_total();
	stats->reclaimed_total = deferred_ends.reclaimed_total();
	stats->handed_back_total = deferred_ends.handed_over();
	// The fast paths count grants only: what was granted and is not any more has ended.
	stats->granted_total = ref_table.grants();
	u64 not_ended = stats->granted + stats->deferred_total;
	stats->ended_total =
	    stats->granted_total > not_ended ? stats->granted_total - not_ended : 0;
	stats->misuse_total = reports.misused();
	stats->enospc_total = allocator.failed();
	stats->callbacks_total = callbacks.called();
	stats->waiting = callbacks.waiting();
	stats->leased_total = lease.leased_total();
	stats->unleased_total = lease.unleased_total();
}

bool xg_read_pool(uint32_t number, struct xg_pool_stats *stats)
{
	const Pool *pool = pools.by_number(number);
	if (!pool)
		return false;
	*stats = {};
	for (u32 i = 0; i < pool_name_size; i++)
		stats->name[i] = pool->name[i];
	stats->used = pool->life == pool_used;
	stats->held = central_list.held(*pool);
	stats->limit = load_relaxed(&pool->limit);
	stats->reserve = load_relaxed(&pool->reserve);
	add_totals(*pool, &stats->allocated_total, &stats->freed_total);
	return true;
}

uint32_t xg_table_refs(void)
{
	return ref_table.size();
}

void xg_read_ref(uint32_t number, struct xg_ref_info *info)
{
	GrantRef ref{number};
	RefWord word = ref_table.look_up(ref);
	*info = {};
	info->count = 1;
	info->state = state_of(word);
	if (info->state == XG_REF_FREE)
		return;
	if (info->state == XG_REF_LISTED)
		info->count = word.run();
	info->pool = &pools.at(word.pool());
	xg_port_pin();
	GrantEntry entry = ref_table.entry(ref);
	if (entry.reachable()) {
		info->domid = entry_domid(entry).raw;
		info->frame = entry_frame(entry).raw;
	}
	xg_port_unpin();
}

uint32_t xg_next_on_list(uint32_t ref)
{
	return PrivateLists::next({ref}).raw;
}

bool xg_read_deferred(uint32_t *ref, struct xg_deferred *deferred)
{
	while (*ref < ref_table.size()) {
		GrantRef here{(*ref)++};
		if (deferred_ends.read(here, deferred))
			return true;
	}
	return false;
}

uint32_t xg_read_waiters(struct xg_waiter *waiters, uint32_t most)
{
	return callbacks.read(waiters, most);
}

void xg_read_lease(struct xg_lease *to)
{
	lease.read(to);
}

int xg_check_invariants(void)
{
	if (int broken = central_list.check_invariants())
		return broken;
	if (int broken = deferred_ends.check_invariants())
		return broken;
	xg_stats stats;
	xg_read_stats(&stats);
	u64 found = stats.free + stats.cached + stats.listed + stats.claimed + stats.granted +
		    stats.deferred + stats.lost;
	return found == stats.leased ? 0 : rule_one_state;
}

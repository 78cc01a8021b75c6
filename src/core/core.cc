// SPDX-License-Identifier: GPL-2.0
//
// The core's life: started, resumed after a suspend, stopped.
#include "core.hh"

using namespace xengnt;

constinit xg_pool *xg_the_default_pool;

namespace
{

bool is_valid(const xg_config &config)
{
	return config.table_refs && config.table_refs <= max_table_refs && config.lease_step &&
	       config.lease_step <= XG_LEASE_BATCH &&
	       (config.table_version == 1 || config.table_version == 2);
}

void destroy_all()
{
	pools.destroy();
	central_list.destroy();
	ref_table.destroy();
}

// A reference that its driver has not freed: the module unloads, and nobody can free it later.
void release_leaked(GrantRef ref, RefWord word)
{
	DomId domid{0};
	bool ended = true;
	xg_port_pin();
	GrantEntry entry = ref_table.entry(ref);
	if (entry.reachable())
		domid = entry_domid(entry);
	if (word.state() == RefState::granted)
		ended = entry.reachable() && entry_end(entry);
	xg_port_unpin();
	// A reference that was set aside had no owner.
	if (word.state() != RefState::lost)
		xg_port_report(XG_REPORT_LEAKED, ref.raw, domid.raw, 0);
	ref_table.write(ref, RefWord::make(RefState::unleased, no_pool, 0));
	// The kernel keeps the granted page until the other side lets go.
	if (ended)
		xg_port_unlease(&ref.raw, 1);
	else
		xg_port_hand_over(ref.raw, nullptr);
}

} // namespace

int xg_core_start(const struct xg_config *config)
{
	if (!is_valid(*config))
		return XG_INVALID;
	u32 usable = config->table_refs > reserved_refs ? config->table_refs - reserved_refs : 0;
	u32 reserve = min(config->kernel_reserve, usable);
	u32 limit = usable;
	// A limit of the user's own is below the kernel's share, not above it.
	if (config->lease_limit && config->lease_limit < usable - reserve)
		limit = config->lease_limit + reserve;
	xg_fast.starving = 0;
	reports.create();
	callbacks.create();
	deferred_ends.create();
	grants.create();
	allocator.create();
	allocator.create();
	pools.create();
	lease.create(limit, reserve, config->lease_step, config->spare_limit);
	bool is_v2 = config->table_version == 2;
	if (ref_table.create(config->table_refs, is_v2, config->strict) &&
	    central_list.create(config->table_refs)) {
		xg_the_default_pool = pools.add("default", ~0u, true);
		if (xg_the_default_pool)
			return XG_OK;
	}
	destroy_all();
	return XG_NO_MEMORY;
}

void xg_core_stop(void)
{
	xg_port_watch_kernel(0);
	deferred_ends.hand_over();
	RefAllocator::drain_all();
	lease.give_back(~0u);
	ref_table.each_leased(release_leaked);
	xg_the_default_pool = nullptr;
	destroy_all();
}

uint32_t xg_core_resume(unsigned int table_version)
{
	u32 unreachable = ref_table.resume(table_version == 2);
	(void)grants.recover_lost();
	deferred_ends.resume();
	return unreachable;
}

void xg_set_kernel_reserve(uint32_t refs)
{
	lease.set_kernel_reserve(refs);
	callbacks.limits_changed();
	lease.look_for_spare();
}

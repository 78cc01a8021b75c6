// SPDX-License-Identifier: GPL-2.0
//
// The one core and its parts, for the files of the C boundary: core.cc (life, references,
// callbacks), grants.cc (granting and ending) and watch.cc (reading).
#pragma once

#include "batch.hh"
#include "core.h"
#include "deferred_end.hh"
#include "free_callbacks.hh"
#include "lease.hh"
#include "ref_allocator.hh"

struct xg_pool : xengnt::Pool {
};

namespace xengnt
{

struct Core {
	FreeStore store;
	Lease lease{store};
	FreeCallbacks callbacks;
	RefAllocator allocator{store, lease, callbacks};
	DeferredEnds deferred{allocator};
	Batches batches{store, allocator};

	constexpr Core() : callbacks(allocator, store, lease) {}
};

extern Core core;

// Results become numbers at the boundary and nowhere else.
XG_RARE int number_of(Error error);

[[gnu::always_inline]] inline int number(Error error)
{
	return number_of(error);
}

[[gnu::always_inline]] inline int number(Status status)
{
	return status.ok() ? XG_OK : number_of(status.error());
}

[[gnu::always_inline]] inline int64_t number(Result<GrantRef> ref)
{
	return ref.ok() ? static_cast<int64_t>(ref.value().raw) : number_of(ref.error());
}

[[gnu::always_inline]] inline Pool &pool_of(xg_pool *pool)
{
	return *pool;
}

// Whom a granted or deferred reference is granted to.
[[gnu::always_inline]] inline DomId granted_to(u32 ref)
{
	return entry_domid(ref_table.entry(ref));
}

} // namespace xengnt

// SPDX-License-Identifier: GPL-2.0
//
// How many references the kernel's own allocator has lent us: grows when the store runs short,
// shrinks when much has been free for a while, and knows when asking again is pointless.
#pragma once

#include "core.h"
#include "free_store.hh"

namespace xengnt
{

class Lease
{
	static constexpr u32 plenty = ~0u;

	FreeStore &store_;
	u32 limit_ = 0;
	u32 step_ = 0;
	u32 spare_limit_ = 0;
	u32 leased_ = 0; // atomic
	u32 kernel_lacks_ =
	    plenty;          // atomic: asking for this many failed, and nothing came free since
	u64 refused_ms_ = 0; // atomic: when that was
	u32 moving_ = 0;     // atomic: how many lease or give back just now
	u32 shrinking_ = 0;  // atomic: a look at the spare ones is due
	u64 leased_total_ = 0;
	u64 unleased_total_ = 0;

	bool in_vain(u32 count) const;
	u32 claim_room(u32 wanted);
	u32 adopt(u32 *refs, u32 count);
	bool grow_by(u32 needed);
	void give_back(u32 count);
	u32 ask(u32 count, u32 *refs);
	void wait_for_kernel(u32 count);

public:
	constexpr explicit Lease(FreeStore &store) : store_(store) {}

	void create(u32 limit, u32 step, u32 spare_limit);

	// Leases `needed` more, or some more when a step is larger. False when nothing came.
	bool grow(u32 needed);
	// Whether the limit leaves room for so many more.
	bool allows(u32 count) const { return u64{leased()} + count <= limit_; }
	// The same, and asking for them is not known to be in vain.
	bool may_bring(u32 count) const { return allows(count) && !in_vain(count); }
	// How long a refusal counts: the kernel tells when references come free, but not when it
	// could grow its table again.
	static constexpr unsigned patience_ms = 1000;
	// Free references must stay spare this long before some go back: drivers come in bursts.
	static constexpr unsigned shrink_delay_ms = 5000;
	// The store has grown to this: gives back half of what is spare by then.
	void store_has(u32 free, unsigned delay_ms = shrink_delay_ms);
	// Nothing goes back while somebody waits: the worker looks again later.
	void put_off_shrinking();
	// A look from the worker: gives back half of what is spare.
	void shrink();
	// Everything in the store goes back.
	void give_all_back();

	// Whether references are on their way between the kernel and the store.
	bool is_moving() const { return load_acquire(&moving_) != 0; }
	void kernel_has_room() { store_release(&kernel_lacks_, plenty); }

	u32 leased() const { return load_relaxed(&leased_); }
	u32 limit() const { return limit_; }
	void read(xg_lease *lease) const;
	u64 leased_total() const { return load_relaxed(&leased_total_); }
	u64 unleased_total() const { return load_relaxed(&unleased_total_); }
};

} // namespace xengnt

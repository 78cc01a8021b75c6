// SPDX-License-Identifier: GPL-2.0
//
// How many references the kernel's own allocator has lent us: grows when the central list runs
// short, shrinks when references have been spare for a while, and knows when asking again is
// pointless. A share of the table is never leased, so that the kernel's own users always find some.
#pragma once

#include "central_free_list.hh"
#include "core_types.h"

namespace xengnt
{

class Lease
{
	static constexpr u32 plenty = ~0u;

	u32 table_limit_ = 0; // what may be leased but for the kernel's share
	u32 limit_ = 0;       // atomic
	u32 step_ = 0;
	u32 spare_limit_ = 0;
	u32 leased_ = 0; // atomic: with what is being asked for just now
	// Atomic: asking for this many failed, and nothing came free since.
	u32 kernel_lacks_ = plenty;
	u64 refused_ms_ = 0;       // atomic: when that was
	u64 useless_until_ms_ = 0; // atomic: what the kernel lent could not be used
	u32 moving_ = 0;           // atomic: how many lease or give back just now
	u32 moves_ = 0;            // atomic: how often references, or room, have moved
	u32 left_for_room_ = 0;    // atomic: a waiter found the limit reached, and left
	u32 look_is_due_ = 0;      // atomic: the worker will look for spare references
	u32 spare_before_ = 0;     // what was free at the worker's last look; the worker's own
	u64 leased_total_ = 0;
	u64 unleased_total_ = 0;

	bool in_vain(u32 count) const;
	bool is_useless() const { return xg_port_now_ms() < load_relaxed(&useless_until_ms_); }
	u32 claim_room(u32 wanted);
	void release_room(u32 count);
	u32 adopt(u32 *refs, u32 count);
	u32 lease_once(u32 wanted, bool *refused);
	u32 return_once(u32 count);
	u32 ask(u32 count, u32 *refs);
	void wait_for_kernel(u32 count);
	void begin_move() { fetch_add(&moving_, 1u); }
	void end_move();

public:
	// How long a refusal counts: the kernel tells when references come free, but not when it
	// could grow its table again.
	static constexpr unsigned patience_ms = 1000;
	// How often the worker looks for spare references. Those that were spare at two looks in a
	// row go back to the kernel, so a burst is back within two of these intervals.
	static constexpr unsigned look_interval_ms = 600;

	// `limit`: references of the table that may be leased at all.
	void create(u32 limit, u32 kernel_reserve, u32 step, u32 spare_limit);
	void set_kernel_reserve(u32 refs);

	// Leases `needed` more, or some more when a step is larger. How many came: 0 when none did.
	u32 grow(u32 needed);
	// Whether the limit leaves room for this many more.
	bool allows(u32 count) const { return u64{leased()} + count <= limit(); }
	// The same, and asking for them is not known to be in vain, or of no use.
	bool may_bring(u32 count) const
	{
		return allows(count) && !in_vain(count) && !is_useless();
	}
	// For a waiter that finds the limit reached: has the worker look as soon as it no longer
	// is. False: there is room for `count` by now.
	bool leave_until_room(u32 count);
	// Gives back up to `count` of the central list's references at once.
	void give_back(u32 count);
	// The worker's look for spare references: gives back those that were spare last time, but
	// for `wanted`; `from_caches` of them were idle in CPU caches until now.
	void shrink(u32 wanted, u32 from_caches);
	// Has the worker look when more is leased than may be spare.
	void look_for_spare();

	// To find out whether references were on their way while an allocation looked for them:
	// nothing moves now, and moves() is the same as before.
	bool is_moving() const { return load_acquire(&moving_) != 0; }
	u32 moves() const { return load_acquire(&moves_); }
	// The kernel's allocator has references again: the worker tries.
	void kernel_has_room();

	u32 leased() const { return load_relaxed(&leased_); }
	u32 limit() const { return load_relaxed(&limit_); }
	bool is_beyond_spare() const { return leased() > spare_limit_; }
	void read(xg_lease *lease) const;
	u64 leased_total() const { return load_relaxed(&leased_total_); }
	u64 unleased_total() const { return load_relaxed(&unleased_total_); }
};

extern Lease lease;

} // namespace xengnt

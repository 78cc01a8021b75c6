// SPDX-License-Identifier: GPL-2.0
//
// RefAllocator::take_or_grow(): how an allocation gets what is not free in the central list.
#pragma once

#include "ref_allocator.hh"
#include "waiters.hh"

namespace xengnt
{

// How often an allocation looks again because references, or room in the lease, moved while it
// looked. Each time another call has made progress.
inline constexpr int most_looks = 64;
// Turns of waiting for another CPU that is leasing or giving back, or gathers a long sequence.
inline constexpr int most_relaxes = 1000;

template <class Take, class Missing>
[[gnu::always_inline]] inline Result<GrantRef> RefAllocator::take_or_grow(Take take,
									  Missing missing)
{
	Result<GrantRef> taken = take();
	if (taken.ok()) [[likely]]
		return taken;
	return grow_and_take(take, missing);
}

template <class Take, class Missing>
[[gnu::noinline]] Result<GrantRef> RefAllocator::grow_and_take(Take take, Missing missing)
{
	Result<GrantRef> taken = Error::no_space;
	bool starving = false;
	u32 leased_here = 0;

	for (int look = 0; look < most_looks; look++) {
		// Sampled before the look, which may miss what is on its way now.
		u32 moves = lease.moves();
		bool quiet = !lease.is_moving() && !central_list.is_undecided();
		taken = take();
		if (taken.ok())
			break;
		if (u32 lacking = missing()) {
			u32 before = lease.moves();
			u32 grown = lease.grow(lacking);
			leased_here += grown;
			if (grown) {
				look = 0;
				continue;
			}
			// Our own attempt is no movement that others made.
			quiet = quiet && before == moves;
			moves = lease.moves();
		}
		if (!starving) {
			starving = true;
			waiters::begin_wait();
			drain_all();
			continue;
		}
		if (quiet && lease.moves() == moves)
			break;
		int turns = most_relaxes;
		while (turns && (lease.is_moving() || central_list.is_undecided())) {
			xg_port_relax();
			turns--;
		}
		if (!turns)
			break;
	}
	if (starving)
		waiters::end_wait();
	if (!taken.ok()) {
		count_failed();
		// A request that fails leaves the kernel what it had.
		lease.give_back(leased_here);
		freed_some(central_list.free_count());
	}
	return taken;
}

} // namespace xengnt

// SPDX-License-Identifier: GPL-2.0
//
// Waiters are allocations that look everywhere, and drivers that wait for a callback. While there
// are any, freed references go straight to the central list, where waiters find them.
//
// A call that frees makes the reference visible, then looks for waiters. A waiter registers, then
// looks for free references. Each has a full barrier in between, so at least one of the two sees
// the other; tests/model/waiters.pml shows what happens without.
#pragma once

#include "../base/atomics.hh"
#include "layout.h"

namespace xengnt::waiters
{

[[gnu::always_inline]] inline void begin_wait()
{
	fetch_add(&xg_fast.starving, 1u);
	fence_after_swap();
}

[[gnu::always_inline]] inline void end_wait()
{
	fetch_sub(&xg_fast.starving, 1u);
}

// After a read-modify-write operation that has made the freed reference visible.
[[gnu::always_inline]] inline bool any_after_swap()
{
	fence_after_swap();
	return load_relaxed(&xg_fast.starving) != 0;
}

} // namespace xengnt::waiters

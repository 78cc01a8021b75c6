// SPDX-License-Identifier: GPL-2.0
//
// A slot whose frame Xen has paged out is tried again alone, ever more slowly.
#pragma once

#include "../base/types.hh"

namespace xengnt
{

// A status as Xen writes it (Xen's public grant_table.h).
using SlotStatus = std::int16_t;

inline constexpr SlotStatus slot_okay = 0;
inline constexpr SlotStatus slot_bad_page = -9;
inline constexpr SlotStatus slot_eagain = -12;

// state        status eagain                          any other status
// fresh        wait 1 ms, waiting                     final
// waiting n    n < 255: wait n + 1 ms, waiting n + 1  final
//              n = 255: bad_page, final
class EagainRetry
{
	u32 &waited_ms_; // 0: fresh

public:
	explicit EagainRetry(u32 &waited_ms) : waited_ms_(waited_ms) {}
	// Milliseconds until the slot is tried again, or 0: `status` is final.
	u32 next(SlotStatus &status);
};

} // namespace xengnt

// SPDX-License-Identifier: GPL-2.0
#include "unmap_queue.hh"

#include "backend.h"

namespace xengnt
{

u32 UnmapLooks::look(bool held) const
{
	if (!held)
		return 0;
	// In 64 bits: at the largest age a 32-bit product would come round to no wait at all.
	u64 wait_ms = XG_UNMAP_STEP_MS * (u64{age_} + 1);
	return wait_ms < XG_UNMAP_LONGEST_MS ? static_cast<u32>(wait_ms) : XG_UNMAP_LONGEST_MS;
}

u32 UnmapLooks::first(bool held)
{
	age_ = 0;
	return look(held);
}

u32 UnmapLooks::next(bool held)
{
	if (age_ != ~u32{0})
		age_++;
	return look(held);
}

} // namespace xengnt

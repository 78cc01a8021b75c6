// SPDX-License-Identifier: GPL-2.0
//
// When a mapping whose pages are still in use is looked at again. The network, for one, may hold a
// page for as long as it likes after the driver is done with it.
#pragma once

#include "../base/types.hh"

namespace xengnt
{

// One item's looks; `age` counts those that found a page held.
class UnmapLooks
{
	u32 &age_;

	u32 look(bool held) const;

public:
	explicit UnmapLooks(u32 &age) : age_(age) {}
	// Milliseconds until the next look, or 0: unmap now.
	u32 first(bool held);
	u32 next(bool held);
};

} // namespace xengnt

// SPDX-License-Identifier: GPL-2.0
//
// Private lists in their caller's hands: allocated, claimed from, released to, freed. A list may
// mix leased references with the kernel's own, in any order: each is linked in its own allocator's
// way, and the port is asked about the kernel's.
#pragma once

#include "../base/result.hh"
#include "pool.hh"

namespace xengnt
{

class PrivateLists
{
public:
	static Result<GrantRef> alloc(Pool &pool, u32 count);
	// *list is left at its end, or at the first reference that is not on it.
	static Status free(GrantRef *list, Caller caller);
	// The cases that fast_paths.h does not handle. Returns the next reference, or no_space:
	// none is left, or the list is broken.
	static Result<GrantRef> claim(GrantRef *list, Caller caller);
	static Status release(GrantRef *list, GrantRef ref, Caller caller);
	// The next reference on a list that only the caller uses.
	static GrantRef next(GrantRef ref);
};

} // namespace xengnt

// SPDX-License-Identifier: GPL-2.0
//
// Granting and ending many at once: one pass over the references, one trip to the store per run,
// one barrier where the entries need only one.
#pragma once

#include "grant_entry.hh"
#include "ref_allocator.hh"

namespace xengnt
{

class Batches
{
	FreeStore &store_;
	RefAllocator &allocator_;

public:
	constexpr Batches(FreeStore &store, RefAllocator &allocator)
	    : store_(store), allocator_(allocator)
	{
	}

	// Allocates a reference for each frame and grants it; all or none.
	Status grant(Pool &pool, DomId domid, const unsigned long *frames, u32 count, bool readonly,
		     u32 *refs);
	// Ends and frees what it can, dropping a reference on pages[i] (where pages is not null and
	// pages[i] neither). Those that are busy or not granted are left; their numbers are moved
	// to the front of `left`, whose length is returned.
	u32 end(const u32 *refs, void *const *pages, u32 count, u32 *left);
};

} // namespace xengnt

// SPDX-License-Identifier: GPL-2.0
//
// Drivers that wait for references: first come, first looked at; each runs outside every lock.
#pragma once

#include "../base/lock.hh"
#include "core.h"
#include "ref_allocator.hh"

namespace xengnt
{

class FreeCallbacks
{
	struct Call {
		void (*fn)(void *arg);
		void *arg;
	};

	RefAllocator &allocator_;
	FreeStore &store_;
	Lease &lease_;
	SpinLock lock_;
	xg_free_callback *first_ GUARDED_BY(lock_) = nullptr;
	xg_free_callback *running_ GUARDED_BY(lock_) = nullptr;
	unsigned long runner_ GUARDED_BY(lock_) = 0;
	u32 waiting_ GUARDED_BY(lock_) = 0;
	u64 called_ = 0; // atomic

	bool unlink(xg_free_callback *callback) REQUIRES(lock_);
	Call next_to_run(u32 free);
	void serve();
	u32 wanted();

public:
	constexpr FreeCallbacks(RefAllocator &allocator, FreeStore &store, Lease &lease)
	    : allocator_(allocator), store_(store), lease_(lease), lock_()
	{
	}

	void create() UNSHARED;
	void request(xg_free_callback *callback, void (*fn)(void *), void *arg, u16 count);
	void cancel(xg_free_callback *callback);
	// Calls those whose count is met. From whoever freed; returns at once when somebody is at
	// it.
	[[gnu::noinline]] void run();
	// Leases more for those who wait, as long as somebody can be served that way.
	void lease_for_waiting();

	u32 waiting();
	// Those who wait, in their order; how many were written.
	u32 read(xg_waiter *waiters, u32 most);
	u64 called() const { return load_relaxed(&called_); }
};

} // namespace xengnt

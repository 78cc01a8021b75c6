// SPDX-License-Identifier: GPL-2.0
//
// Drivers that wait for references of their pool: first come, first looked at; each runs outside
// every lock.
#pragma once

#include "../base/lock.hh"
#include "core_types.h"
#include "pools.hh"

namespace xengnt
{

class FreeCallbacks
{
	struct Call {
		void (*fn)(void *arg);
		void *arg;
		bool starving;
	};

	SpinLock lock_;
	xg_free_callback *first_ GUARDED_BY(lock_) = nullptr;
	xg_free_callback *running_ GUARDED_BY(lock_) = nullptr;
	unsigned long runner_ GUARDED_BY(lock_) = 0;
	u32 waiting_ GUARDED_BY(lock_) = 0;
	u64 called_ = 0; // atomic

	bool unlink(xg_free_callback *callback) REQUIRES(lock_);
	Call next_to_run();
	void serve();
	u32 least_missing();

public:
	constexpr FreeCallbacks() : lock_() {}

	void create() UNSHARED;
	// Whether the limits allow as many at once.
	static bool can_ever_be_met(const Pool &pool, u32 count);
	// Queues the callback; false when it is queued already. The caller then drains the CPU
	// caches and calls lease_for_waiting().
	bool request(Pool &pool, xg_free_callback *callback, void (*fn)(void *), void *arg,
		     u16 count);
	void cancel(xg_free_callback *callback);
	// Calls those whose count is met. After each rise of what a pool could take; returns at
	// once when another call is at it, which will look again.
	[[gnu::noinline]] void run();
	// Leases more for those who wait, as long as somebody can be served that way.
	void lease_for_waiting();
	// A pool goes: its callbacks are not called any more.
	void forget(const Pool &pool);
	// A pool's limit or reserve, or the lease's limit, has changed.
	void limits_changed();

	u32 waiting();
	// The largest count that is waited for and can be met some time.
	u32 most_wanted();
	// Those who wait, in their order; how many were written.
	u32 read(xg_waiter *to, u32 most);
	u64 called() const { return load_relaxed(&called_); }
};

extern FreeCallbacks callbacks;

} // namespace xengnt

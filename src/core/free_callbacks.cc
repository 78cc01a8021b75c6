// SPDX-License-Identifier: GPL-2.0
#include "free_callbacks.hh"

namespace xengnt
{

namespace
{

// Callbacks that one caller of run() serves before it leaves the rest to the worker.
constexpr int calls_per_run = 16;

} // namespace

void FreeCallbacks::create()
{
	lock_.init(XG_LOCK_CALLBACKS);
	first_ = running_ = nullptr;
	waiting_ = 0;
	called_ = 0;
}

bool FreeCallbacks::unlink(xg_free_callback *callback)
{
	for (xg_free_callback **link = &first_; *link; link = &(*link)->next) {
		if (*link != callback)
			continue;
		*link = callback->next;
		callback->next = nullptr;
		waiting_--;
		return true;
	}
	return false;
}

void FreeCallbacks::request(xg_free_callback *callback, void (*fn)(void *), void *arg, u16 count)
{
	{
		LockGuard guard(lock_);
		xg_free_callback **link = &first_;
		for (; *link; link = &(*link)->next)
			if (*link == callback)
				return;
		callback->next = nullptr;
		callback->fn = fn;
		callback->arg = arg;
		callback->count = count;
		*link = callback;
		waiting_++;
	}
	// From here on what is freed goes to the store and calls run(); what was freed before is
	// fetched now: no wake-up falls between the two.
	allocator_.starve();
	allocator_.drain_all();
	lease_for_waiting();
}

void FreeCallbacks::cancel(xg_free_callback *callback)
{
	unsigned long self = xg_port_self();
	for (;;) {
		bool was_queued;
		bool in_flight;
		{
			LockGuard guard(lock_);
			was_queued = unlink(callback);
			in_flight = running_ == callback && runner_ != self;
		}
		if (was_queued)
			allocator_.feed();
		if (!in_flight)
			return;
		// It may ask again before it ends, so the queue is looked at once more after it.
		xg_port_relax();
	}
}

// Unlinks the first whose count is met and marks it as running. What to call is copied: its owner
// may ask again, for something else, before it is called.
FreeCallbacks::Call FreeCallbacks::next_to_run(u32 free)
{
	LockGuard guard(lock_);
	if (running_)
		return {};
	for (xg_free_callback *callback = first_; callback; callback = callback->next) {
		if (callback->count > free)
			continue;
		unlink(callback);
		running_ = callback;
		runner_ = xg_port_self();
		return {callback->fn, callback->arg};
	}
	return {};
}

void FreeCallbacks::run()
{
	serve();
	// What is free here may be enough by now, together with what the kernel has.
	u32 missing = wanted();
	if (missing && lease_.may_bring(missing))
		xg_port_schedule(XG_WORK_LEASE, 0);
}

void FreeCallbacks::serve()
{
	for (int calls = 0; calls < calls_per_run; calls++) {
		// An interrupt that cancels the callback which it interrupts would wait for ever.
		IrqsOff irqs_off;
		Call call = next_to_run(store_.open_count());
		if (!call.fn)
			return;
		allocator_.feed();
		fetch_add(&called_, u64{1});
		xg_port_call(call.fn, call.arg);
		// Whoever freed meanwhile found us running and left: so we look again.
		LockGuard guard(lock_);
		running_ = nullptr;
	}
	xg_port_schedule(XG_WORK_LEASE, 0);
}

// How many references the least demanding of those who wait still lacks.
u32 FreeCallbacks::wanted()
{
	u32 free = store_.open_count();
	LockGuard guard(lock_);
	u32 least = 0;
	for (xg_free_callback *callback = first_; callback; callback = callback->next) {
		u32 missing = callback->count > free ? callback->count - free : 0;
		if (missing && (!least || missing < least))
			least = missing;
	}
	return least;
}

void FreeCallbacks::lease_for_waiting()
{
	serve();
	for (u32 missing; (missing = wanted()) && lease_.allows(missing); serve()) {
		if (lease_.grow(missing))
			continue;
		// The kernel calls when somebody frees, but nobody calls when there is memory
		// again.
		xg_port_schedule(XG_WORK_LEASE, Lease::patience_ms);
		return;
	}
}

u32 FreeCallbacks::waiting()
{
	LockGuard guard(lock_);
	return waiting_;
}

u32 FreeCallbacks::read(xg_waiter *waiters, u32 most)
{
	u32 nr = 0;
	LockGuard guard(lock_);
	for (xg_free_callback *callback = first_; callback && nr < most; callback = callback->next)
		waiters[nr++] = {callback->fn, callback->count};
	return nr;
}

} // namespace xengnt

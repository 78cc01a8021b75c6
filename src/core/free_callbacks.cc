// SPDX-License-Identifier: GPL-2.0
#include "free_callbacks.hh"

#include "lease.hh"
#include "waiters.hh"

namespace xengnt
{

constinit FreeCallbacks callbacks;

namespace
{

// Callbacks that one caller of run() serves before it leaves the rest to the worker.
constexpr int calls_per_run = 16;

Pool &pool_of(const xg_free_callback &callback)
{
	return pools.at({callback.pool});
}

} // namespace

void FreeCallbacks::create()
{
	lock_.init(XG_LOCK_CALLBACKS);
	first_ = running_ = nullptr;
	waiting_ = 0;
	called_ = 0;
}

// A callback that waits for more than its pool, or all that may be leased, can ever have costs
// others nothing: nothing is freed to the central list, leased or kept for its sake.
bool FreeCallbacks::can_ever_be_met(const Pool &pool, u32 count)
{
	return count <= min(lease.limit(), load_relaxed(&pool.limit));
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

bool FreeCallbacks::request(Pool &pool, xg_free_callback *callback, void (*fn)(void *), void *arg,
			    u16 count)
{
	LockGuard guard(lock_);
	xg_free_callback **link = &first_;
	for (; *link; link = &(*link)->next)
		if (*link == callback)
			return false;
	callback->next = nullptr;
	callback->fn = fn;
	callback->arg = arg;
	callback->count = count;
	callback->pool = id_of(pool).raw;
	callback->starving = can_ever_be_met(pool, count);
	*link = callback;
	waiting_++;
	// From here on what is freed goes to the central list, and who frees calls run().
	if (callback->starving)
		waiters::begin_wait();
	return true;
}

void FreeCallbacks::cancel(xg_free_callback *callback)
{
	unsigned long self = xg_port_self();
	for (;;) {
		bool in_flight;
		{
			LockGuard guard(lock_);
			if (unlink(callback) && callback->starving)
				waiters::end_wait();
			in_flight = running_ == callback && runner_ != self;
		}
		if (!in_flight)
			return;
		// It may ask again before it ends, so the queue is looked at once more after it.
		xg_port_relax();
	}
}

// Unlinks the first whose count is met and marks it as running. What to call is copied: its owner
// may ask again, for something else, before it is called.
//
// This reads without a lock how many references a pool could take. A change that it misses is
// followed by a call of run(), which either finds no callback running and looks itself, or finds
// this one, which looks again afterwards.
FreeCallbacks::Call FreeCallbacks::next_to_run()
{
	LockGuard guard(lock_);
	if (running_)
		return {};
	for (xg_free_callback *callback = first_; callback; callback = callback->next) {
		if (callback->count > central_list.available(pool_of(*callback)))
			continue;
		unlink(callback);
		running_ = callback;
		runner_ = xg_port_self();
		return {callback->fn, callback->arg, callback->starving != 0};
	}
	return {};
}

void FreeCallbacks::run()
{
	serve();
	// Our free references may be enough by now, together with the kernel's.
	u32 missing = least_missing();
	if (!missing)
		return;
	if (lease.may_bring(missing) ||
	    (!lease.allows(missing) && !lease.leave_until_room(missing)))
		xg_port_schedule(XG_WORK_LEASE, 0);
}

void FreeCallbacks::serve()
{
	for (int calls = 0; calls < calls_per_run; calls++) {
		// An interrupt that cancels the callback which it interrupts would wait for ever.
		IrqsOff irqs_off;
		Call call = next_to_run();
		if (!call.fn)
			return;
		if (call.starving)
			waiters::end_wait();
		fetch_add(&called_, u64{1});
		xg_port_call(call.fn, call.arg);
		// A call of run() that found us running has left: so we look again.
		LockGuard guard(lock_);
		running_ = nullptr;
	}
	xg_port_schedule(XG_WORK_LEASE, 0);
}

// How many references the least demanding of those who wait still lacks, of what leasing can bring.
u32 FreeCallbacks::least_missing()
{
	LockGuard guard(lock_);
	u32 least = 0;
	for (xg_free_callback *callback = first_; callback; callback = callback->next) {
		const Pool &pool = pool_of(*callback);
		u32 there = central_list.available(pool);
		if (!callback->starving || callback->count <= there ||
		    callback->count > CentralFreeList::allowed(pool))
			continue;
		u32 missing = callback->count - there;
		if (!least || missing < least)
			least = missing;
	}
	return least;
}

void FreeCallbacks::lease_for_waiting()
{
	serve();
	for (u32 missing; (missing = least_missing()); serve()) {
		if (!lease.allows(missing)) {
			if (lease.leave_until_room(missing))
				return;
			continue;
		}
		if (lease.grow(missing))
			continue;
		// The kernel calls when somebody frees, but not when there is memory again.
		xg_port_schedule(XG_WORK_LEASE, Lease::patience_ms);
		return;
	}
}

void FreeCallbacks::forget(const Pool &pool)
{
	LockGuard guard(lock_);
	for (xg_free_callback **link = &first_; *link;) {
		xg_free_callback *callback = *link;
		if (callback->pool != pool.id) {
			link = &callback->next;
			continue;
		}
		*link = callback->next;
		callback->next = nullptr;
		waiting_--;
		if (callback->starving)
			waiters::end_wait();
	}
}

void FreeCallbacks::limits_changed()
{
	{
		LockGuard guard(lock_);
		for (xg_free_callback *callback = first_; callback; callback = callback->next) {
			bool starving = can_ever_be_met(pool_of(*callback), callback->count);
			if (starving && !callback->starving)
				waiters::begin_wait();
			else if (!starving && callback->starving)
				waiters::end_wait();
			callback->starving = starving;
		}
	}
	run();
}

u32 FreeCallbacks::waiting()
{
	LockGuard guard(lock_);
	return waiting_;
}

u32 FreeCallbacks::most_wanted()
{
	LockGuard guard(lock_);
	u32 most = 0;
	for (xg_free_callback *callback = first_; callback; callback = callback->next)
		if (callback->starving)
			most = max(most, callback->count);
	return most;
}

u32 FreeCallbacks::read(xg_waiter *to, u32 most)
{
	u32 nr = 0;
	LockGuard guard(lock_);
	for (xg_free_callback *callback = first_; callback && nr < most; callback = callback->next)
		to[nr++] = {callback->fn, callback->count};
	return nr;
}

} // namespace xengnt

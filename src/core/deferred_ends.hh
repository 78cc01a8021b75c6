// SPDX-License-Identifier: GPL-2.0
//
// Grants whose end was asked for while the other side had them mapped. Each waits in the queue of
// its domain, linked through its note, with its page; a worker looks at a queue's members in
// batches, soon while the domain lets go of a fair share, ever more seldom while it does not.
#pragma once

#include "../base/lock.hh"
#include "core_types.h"
#include "ref_allocator.hh"

namespace xengnt
{

class DeferredEnds
{
	static constexpr u32 nr_queues = 64; // domains share one when there are more

	struct Queue {
		GrantRef head, tail;
		u32 count;
		u32 round_left;  // members that this round has still to look at
		u32 looked;      // members that the round has looked at
		u32 ended;       // and those of them whose access it has ended
		u32 interval_ms; // from the end of a round to the next
		u64 due_ms;
	};

	SpinLock lock_;
	Queue queues_[nr_queues] GUARDED_BY(lock_);
	u64 deferred_total_ = 0;  // atomic
	u64 reclaimed_total_ = 0; // atomic
	u64 handed_over_ = 0;

	xg_end_notice *telling_ GUARDED_BY(lock_) = nullptr; // whose function is being called
	unsigned long teller_ GUARDED_BY(lock_) = 0;

	void append(Queue &queue, GrantRef ref) REQUIRES(lock_);
	u32 pop(Queue &queue, GrantRef *refs, u32 most);
	static bool try_end(GrantRef ref);
	void finish(GrantRef ref);
	void tell(GrantRef ref);
	void end_batch(Queue &queue);
	void close_round(Queue &queue, u64 now) REQUIRES(lock_);

public:
	constexpr DeferredEnds() : lock_(), queues_{} {}

	void create() UNSHARED;
	// The reference is in state deferred already, and its entry only waits for the other side.
	// `page` (null: none) is put at its end; with a notice, which holds the page, the notice's
	// function is called too.
	void add(GrantRef ref, DomId domid, void *page);
	void add(GrantRef ref, DomId domid, xg_end_notice *notice);
	// The notice is forgotten, or has been called, once this returns.
	void cancel(xg_end_notice *notice);
	// Describes a reference whose end is deferred; false when it is not.
	bool read(GrantRef ref, xg_deferred *deferred);
	// How many references of a pool wait here. Reads every reference's state, without a lock.
	static u32 count_of(PoolId pool);
	// One round of the worker over what is due.
	void work();
	// Hands grants that are still busy to the kernel's own deferral.
	void hand_over();
	// The table has been set up again: everything is looked at soon.
	void resume() UNSHARED;

	u64 deferred_total() const { return load_relaxed(&deferred_total_); }
	u64 reclaimed_total() const { return load_relaxed(&reclaimed_total_); }
	u64 handed_over() const { return handed_over_; }
	int check_invariants();
};

extern DeferredEnds deferred_ends;

} // namespace xengnt

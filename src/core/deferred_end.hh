// SPDX-License-Identifier: GPL-2.0
//
// Grants whose end was asked for while the other side had them mapped. Each waits in the queue of
// its domain, linked through its state word, with its page; a worker looks at a queue's members in
// batches, soon while the domain lets go of some, ever more seldom while it does not.
#pragma once

#include "../base/lock.hh"
#include "core.h"
#include "ref_allocator.hh"

namespace xengnt
{

class DeferredEnds
{
	static constexpr u32 nr_queues = 64; // domains share one when there are more

	struct Queue {
		u32 head, tail, count;
		u32 round_left;  // members that this round has still to look at
		bool progress;   // the round has ended some
		u32 interval_ms; // from the end of a round to the next
		u64 due_ms;
	};

	RefAllocator &allocator_;
	SpinLock lock_;
	Queue queues_[nr_queues] GUARDED_BY(lock_);
	u64 deferred_total_ = 0;  // atomic
	u64 reclaimed_total_ = 0; // atomic
	u64 handed_over_ = 0;

	xg_end_notice *telling_ GUARDED_BY(lock_) = nullptr; // whose function is being called
	unsigned long teller_ GUARDED_BY(lock_) = 0;

	void *page_of(u32 ref) REQUIRES(lock_);
	void enqueue(GrantRef ref, DomId domid, void *page_or_notice, u8 has_notice);
	void finish(u32 ref);
	u32 pop(Queue &queue, u32 *refs, u32 most);
	void append(Queue &queue, u32 ref) REQUIRES(lock_);
	void end_batch(Queue &queue);

public:
	constexpr explicit DeferredEnds(RefAllocator &allocator)
	    : allocator_(allocator), lock_(), queues_{}
	{
	}

	void create() UNSHARED;
	// The reference is in state deferred already; the page is kept until its end.
	void add(GrantRef ref, DomId domid, void *page);
	// The same with a notice, which holds the page.
	void add(GrantRef ref, DomId domid, xg_end_notice *notice);
	// The notice is forgotten, or has been called, once this returns.
	void cancel(xg_end_notice *notice);
	// What is known of a reference whose end is deferred; false when it is not.
	bool read(u32 ref, xg_deferred *deferred);
	// How many references of a pool wait here. Looks at every reference, without a lock.
	static u32 count_of(PoolId pool);
	// One round of the worker over what is due.
	void work();
	// What is still busy goes to the kernel's own deferral.
	void hand_over();

	u64 deferred_total() const { return load_relaxed(&deferred_total_); }
	u64 reclaimed_total() const { return load_relaxed(&reclaimed_total_); }
	u64 handed_over() const { return handed_over_; }
	int check_invariants();
};

} // namespace xengnt

// SPDX-License-Identifier: GPL-2.0
#include "deferred_ends.hh"

#include "rules.hh"

namespace xengnt
{

constinit DeferredEnds deferred_ends;

namespace
{

constexpr u32 batch = 64;       // members taken out of a queue under the lock at once
constexpr u32 per_call = 4096;  // members that one call of work() looks at
constexpr u32 soon_ms = 10;     // first look, and after a round that ended a fair share
constexpr u32 seldom_ms = 1500; // longest wait for a domain that never lets go
constexpr u32 fair_share = 64;  // looks for which one end must have succeeded
constexpr u64 never = ~u64{0};

// Values of a note's pointer that are not a page's address.
constexpr uintptr_t notice_bit = 1; // the rest is a notice's address
constexpr uintptr_t no_page = 2;    // queued, and no page to put

uintptr_t kept_by(GrantRef ref)
{
	return reinterpret_cast<uintptr_t>(ref_table.deferred_note(ref)->page);
}

void keep(GrantRef ref, uintptr_t kept)
{
	ref_table.deferred_note(ref)->page = reinterpret_cast<void *>(kept);
}

uintptr_t mark_of(void *page)
{
	return page ? reinterpret_cast<uintptr_t>(page) : no_page;
}

xg_end_notice *notice_in(uintptr_t kept)
{
	return kept & notice_bit ? reinterpret_cast<xg_end_notice *>(kept & ~notice_bit) : nullptr;
}

// The page of a deferred reference, whether its note has it or its notice.
void *page_in(uintptr_t kept)
{
	if (xg_end_notice *notice = notice_in(kept))
		return notice->page;
	return kept == no_page ? nullptr : reinterpret_cast<void *>(kept);
}

} // namespace

void DeferredEnds::create()
{
	lock_.init(XG_LOCK_DEFERRED);
	for (Queue &queue : queues_)
		queue = {no_ref, no_ref, 0, 0, 0, 0, soon_ms, never};
	deferred_total_ = reclaimed_total_ = handed_over_ = 0;
	telling_ = nullptr;
}

void DeferredEnds::resume()
{
	for (Queue &queue : queues_)
		if (queue.count) {
			queue.due_ms = 0;
			queue.interval_ms = soon_ms;
			xg_port_schedule(XG_WORK_DEFERRED, soon_ms);
		}
}

void DeferredEnds::append(Queue &queue, GrantRef ref)
{
	ref_table.deferred_note(ref)->next = no_ref.raw;
	if (queue.count++)
		ref_table.deferred_note(queue.tail)->next = ref.raw;
	else
		queue.head = ref;
	queue.tail = ref;
}

void DeferredEnds::add(GrantRef ref, DomId domid, void *page)
{
	u64 now = xg_port_now_ms();
	uintptr_t before;
	fetch_add(&deferred_total_, u64{1});
	{
		LockGuard guard(lock_);
		DeferredNote *note = ref_table.deferred_note(ref);
		before = kept_by(ref);
		keep(ref, mark_of(page));
		note->since = static_cast<u32>(now / 1000);
		// Wrong callers have taken the reference out of its state while it was queued: its
		// place in the queue serves the new end.
		if (!before) {
			Queue &queue = queues_[domid.raw % nr_queues];
			append(queue, ref);
			queue.interval_ms = soon_ms;
			if (queue.due_ms > now + soon_ms)
				queue.due_ms = now + soon_ms;
		}
	}
	if (before)
		if (void *old = page_in(before))
			xg_port_page_put(old);
	xg_port_trace(XG_TRACE_DEFER, ref.raw, domid.raw);
	xg_port_schedule(XG_WORK_DEFERRED, soon_ms);
}

void DeferredEnds::add(GrantRef ref, DomId domid, xg_end_notice *notice)
{
	// The tag is put on like an address that is not one.
	add(ref, domid, reinterpret_cast<void *>(reinterpret_cast<uintptr_t>(notice) | notice_bit));
}

void DeferredEnds::cancel(xg_end_notice *notice)
{
	unsigned long self = xg_port_self();
	for (;;) {
		{
			LockGuard guard(lock_);
			GrantRef ref{notice->ref};
			if (ref_table.find(ref) && ref_table.deferred_note(ref) &&
			    notice_in(kept_by(ref)) == notice)
				keep(ref, mark_of(notice->page));
			if (telling_ != notice || teller_ == self)
				return;
		}
		xg_port_relax();
	}
}

bool DeferredEnds::read(GrantRef ref, xg_deferred *deferred)
{
	LockGuard guard(lock_);
	RefWord word = ref_table.read(ref);
	if (word.state() != RefState::deferred || !kept_by(ref))
		return false;
	deferred->ref = ref.raw;
	deferred->domid = static_cast<u16>(word.link());
	deferred->age_s = xg_port_now_ms() / 1000 - ref_table.deferred_note(ref)->since;
	deferred->page = page_in(kept_by(ref));
	const char *name = pools.at(word.pool()).name;
	for (u32 i = 0; i < pool_name_size; i++)
		deferred->pool[i] = name[i];
	return true;
}

u32 DeferredEnds::count_of(PoolId pool)
{
	u32 found = 0;
	ref_table.each_leased([&](GrantRef, RefWord word) {
		found += word.state() == RefState::deferred && word.pool() == pool;
	});
	return found;
}

// Whether the other side has let go. Also looks for an entry that could not be reached.
bool DeferredEnds::try_end(GrantRef ref)
{
	xg_port_pin();
	bool ended =
	    ref_table.reach(ref) ? entry_end(ref_table.entry(ref)) : ref_table.is_gone(ref);
	xg_port_unpin();
	return ended;
}

// Calls the notice's function, if there is one that was not cancelled. An interrupt that cancels
// the notice which it interrupts would wait for ever.
void DeferredEnds::tell(GrantRef ref)
{
	IrqsOff irqs_off;
	void (*fn)(void *) = nullptr;
	void *arg = nullptr;
	{
		LockGuard guard(lock_);
		if (xg_end_notice *notice = notice_in(kept_by(ref))) {
			fn = notice->fn;
			arg = notice->arg;
			telling_ = notice;
			teller_ = xg_port_self();
		}
		keep(ref, 0);
	}
	if (!fn)
		return;
	xg_port_call(fn, arg);
	LockGuard guard(lock_);
	telling_ = nullptr;
}

// Access has ended: the page goes back, the driver is told, the reference is freed.
void DeferredEnds::finish(GrantRef ref)
{
	void *page;
	{
		LockGuard guard(lock_);
		uintptr_t kept = kept_by(ref);
		page = page_in(kept);
		if (xg_end_notice *notice = notice_in(kept))
			notice->page = nullptr;
		else
			keep(ref, no_page);
	}
	if (page)
		xg_port_page_put(page);
	RefWord word = ref_table.read(ref);
	tell(ref);
	fetch_add(&reclaimed_total_, u64{1});
	xg_port_trace(XG_TRACE_RECLAIM, ref.raw, static_cast<u16>(word.link()));
	// A word that wrong callers have changed meanwhile is theirs. The reference goes straight
	// from deferred to free: if it was claimed in between, a wrong caller could free it as
	// well.
	if (word.state() == RefState::deferred)
		allocator.free_owned(ref, word);
}

u32 DeferredEnds::pop(Queue &queue, GrantRef *refs, u32 most)
{
	LockGuard guard(lock_);
	u32 nr = 0;
	while (nr < most && queue.round_left && queue.count) {
		GrantRef ref = queue.head;
		queue.head = {ref_table.deferred_note(ref)->next};
		queue.count--;
		queue.round_left--;
		refs[nr++] = ref;
	}
	return nr;
}

// Tries to end a batch; those that are still busy go to the end of the queue.
void DeferredEnds::end_batch(Queue &queue)
{
	GrantRef refs[batch];
	u32 busy = 0;
	u32 nr = pop(queue, refs, batch);
	for (u32 i = 0; i < nr; i++) {
		if (try_end(refs[i]))
			finish(refs[i]);
		else
			refs[busy++] = refs[i];
	}
	LockGuard guard(lock_);
	for (u32 i = 0; i < busy; i++)
		append(queue, refs[i]);
	queue.looked += nr;
	queue.ended += nr - busy;
}

// A domain that lets go of one now and then must not make every round look at all of them.
void DeferredEnds::close_round(Queue &queue, u64 now)
{
	if (!queue.count) {
		queue.due_ms = never;
	} else if (queue.due_ms <= now) {
		bool fair = u64{queue.ended} * fair_share >= queue.looked && queue.ended;
		queue.interval_ms = fair ? soon_ms : min(queue.interval_ms * 2, seldom_ms);
		queue.due_ms = now + queue.interval_ms;
	}
}

void DeferredEnds::work()
{
	u64 now = xg_port_now_ms();
	u32 budget = per_call;
	u64 next = never;

	for (Queue &queue : queues_) {
		{
			LockGuard guard(lock_);
			if (queue.due_ms <= now && !queue.round_left) {
				queue.round_left = queue.count;
				queue.looked = queue.ended = 0;
			}
		}
		for (;;) {
			{
				LockGuard guard(lock_);
				if (!queue.round_left || budget < batch)
					break;
			}
			end_batch(queue);
			budget -= batch;
		}
		LockGuard guard(lock_);
		if (queue.round_left && queue.count) {
			next = now;
			continue;
		}
		queue.round_left = 0;
		close_round(queue, now);
		if (queue.due_ms < next)
			next = queue.due_ms;
	}
	if (next != never)
		xg_port_schedule(XG_WORK_DEFERRED,
				 static_cast<unsigned>(next > now ? next - now : 0));
}

void DeferredEnds::hand_over()
{
	for (Queue &queue : queues_) {
		GrantRef ref;
		{
			LockGuard guard(lock_);
			queue.round_left = queue.count;
		}
		while (pop(queue, &ref, 1)) {
			if (try_end(ref)) {
				finish(ref);
				continue;
			}
			void *page;
			{
				LockGuard guard(lock_);
				page = page_in(kept_by(ref));
				keep(ref, 0);
			}
			ref_table.write(ref, RefWord::make(RefState::unleased, no_pool, 0));
			xg_port_hand_over(ref.raw, page);
			handed_over_++;
		}
	}
}

int DeferredEnds::check_invariants()
{
	LockGuard guard(lock_);
	for (Queue &queue : queues_) {
		GrantRef ref = queue.head;
		for (u32 i = 0; i < queue.count; i++) {
			if (ref_table.read(ref).state() != RefState::deferred)
				return rule_deferred_state;
			if (i + 1 == queue.count && ref != queue.tail)
				return rule_deferred_tail;
			ref = {ref_table.deferred_note(ref)->next};
		}
	}
	return 0;
}

} // namespace xengnt

// SPDX-License-Identifier: GPL-2.0
#include "deferred_end.hh"

namespace xengnt
{

namespace
{

constexpr u32 batch = 64;       // members taken out of a queue under the lock at once
constexpr u32 per_call = 4096;  // members that one call of work() looks at
constexpr u32 soon_ms = 10;     // first look, and after a round that ended some
constexpr u32 seldom_ms = 1500; // longest wait for a domain that never lets go
constexpr u64 never = ~u64{0};

} // namespace

void DeferredEnds::create()
{
	lock_.init(XG_LOCK_DEFERRED);
	for (Queue &queue : queues_)
		queue = {no_ref.raw, no_ref.raw, 0, 0, false, soon_ms, never};
	deferred_total_ = reclaimed_total_ = handed_over_ = 0;
	telling_ = nullptr;
}

void DeferredEnds::append(Queue &queue, u32 ref)
{
	// Pool and state stay; only the link changes, and nobody else changes a deferred word.
	RefWord word = ref_table.read(ref);
	ref_table.write(ref, RefWord::make(word.state(), word.pool(), no_ref.raw, word.run()));
	if (queue.count++) {
		RefWord last = ref_table.read(queue.tail);
		ref_table.write(queue.tail,
				RefWord::make(last.state(), last.pool(), ref, last.run()));
	} else {
		queue.head = ref;
	}
	queue.tail = ref;
}

void DeferredEnds::enqueue(GrantRef ref, DomId domid, void *page_or_notice, u8 has_notice)
{
	u64 now = xg_port_now_ms();
	ref_table.note(ref.raw).deferred = {page_or_notice, static_cast<u32>(now / 1000), domid};
	fetch_add(&deferred_total_, u64{1});
	{
		LockGuard guard(lock_);
		RefWord word = ref_table.read(ref.raw);
		ref_table.write(ref.raw, RefWord::make(word.state(), word.pool(), 0, has_notice));
		Queue &queue = queues_[domid.raw % nr_queues];
		append(queue, ref.raw);
		queue.interval_ms = soon_ms;
		if (queue.due_ms > now + soon_ms)
			queue.due_ms = now + soon_ms;
	}
	xg_port_trace(XG_TRACE_DEFER, ref.raw, domid.raw);
	xg_port_schedule(XG_WORK_DEFERRED, soon_ms);
}

void DeferredEnds::add(GrantRef ref, DomId domid, void *page)
{
	enqueue(ref, domid, page, 0);
}

void DeferredEnds::add(GrantRef ref, DomId domid, xg_end_notice *notice)
{
	enqueue(ref, domid, notice, 1);
}

// The page of a deferred reference, whether its note has it or its notice.
void *DeferredEnds::page_of(u32 ref)
{
	void *kept = ref_table.note(ref).deferred.page;
	return ref_table.read(ref).run() ? static_cast<xg_end_notice *>(kept)->page : kept;
}

void DeferredEnds::cancel(xg_end_notice *notice)
{
	unsigned long self = xg_port_self();
	for (;;) {
		{
			LockGuard guard(lock_);
			u64 *raw = ref_table.find({notice->ref});
			RefWord word{raw ? load_relaxed(raw) : 0};
			if (word.state() == RefState::deferred && word.run() &&
			    ref_table.note(notice->ref).deferred.page == notice) {
				ref_table.note(notice->ref).deferred.page = notice->page;
				ref_table.write(
				    notice->ref,
				    RefWord::make(word.state(), word.pool(), word.link()));
			}
			if (telling_ != notice || teller_ == self)
				return;
		}
		xg_port_relax();
	}
}

bool DeferredEnds::read(u32 ref, xg_deferred *deferred)
{
	LockGuard guard(lock_);
	RefWord word = ref_table.read(ref);
	if (word.state() != RefState::deferred)
		return false;
	auto &note = ref_table.note(ref).deferred;
	deferred->ref = ref;
	deferred->domid = note.domid.raw;
	deferred->age_s = xg_port_now_ms() / 1000 - note.since;
	deferred->page = page_of(ref);
	const char *name = allocator_.pool(word.pool()).name;
	for (u32 i = 0; i < pool_name_size; i++)
		deferred->pool[i] = name[i];
	return true;
}

u32 DeferredEnds::count_of(PoolId pool)
{
	u32 found = 0;
	ref_table.each([&](u32, RefWord word) {
		found += word.state() == RefState::deferred && word.pool() == pool;
	});
	return found;
}

// Access has ended: page and reference go back, and whoever waits is told.
void DeferredEnds::finish(u32 ref)
{
	// An interrupt that cancels the notice which it interrupts would wait for ever.
	IrqsOff irqs_off;
	xg_end_notice *notice = nullptr;
	void (*fn)(void *) = nullptr;
	void *arg = nullptr;
	void *page;
	DomId domid;
	{
		LockGuard guard(lock_);
		RefWord word = ref_table.read(ref);
		page = page_of(ref);
		domid = ref_table.note(ref).deferred.domid;
		if (word.run()) {
			notice = static_cast<xg_end_notice *>(ref_table.note(ref).deferred.page);
			fn = notice->fn;
			arg = notice->arg;
			telling_ = notice;
			teller_ = xg_port_self();
		}
		ref_table.write(ref, RefWord::make(RefState::claimed, word.pool(), 0));
	}
	if (page)
		xg_port_page_put(page);
	xg_port_trace(XG_TRACE_RECLAIM, ref, domid.raw);
	fetch_add(&reclaimed_total_, u64{1});
	// Cannot fail: the reference is claimed, and by us.
	(void)allocator_.free({ref}, RefState::claimed, {0});
	if (!notice)
		return;
	xg_port_call(fn, arg);
	LockGuard guard(lock_);
	telling_ = nullptr;
}

u32 DeferredEnds::pop(Queue &queue, u32 *refs, u32 most)
{
	LockGuard guard(lock_);
	u32 nr = 0;
	while (nr < most && queue.round_left && queue.count) {
		u32 ref = queue.head;
		queue.head = ref_table.read(ref).link();
		queue.count--;
		queue.round_left--;
		refs[nr++] = ref;
	}
	return nr;
}

// Tries to end a batch; those that are still busy go to the end of the queue.
void DeferredEnds::end_batch(Queue &queue)
{
	u32 refs[batch];
	u32 busy = 0;
	u32 nr = pop(queue, refs, batch);
	for (u32 i = 0; i < nr; i++) {
		u32 ref = refs[i];
		if (!entry_end(ref_table.entry(ref))) {
			refs[busy++] = ref;
			continue;
		}
		finish(ref);
	}
	LockGuard guard(lock_);
	for (u32 i = 0; i < busy; i++)
		append(queue, refs[i]);
	if (busy < nr)
		queue.progress = true;
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
				queue.progress = false;
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
		if (queue.round_left) {
			next = now;
			continue;
		}
		if (!queue.count) {
			queue.due_ms = never;
		} else if (queue.due_ms <= now) {
			u32 longer = smaller(queue.interval_ms * 2, seldom_ms);
			queue.interval_ms = queue.progress ? soon_ms : longer;
			queue.due_ms = now + queue.interval_ms;
		}
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
		u32 ref;
		{
			LockGuard guard(lock_);
			queue.round_left = queue.count;
		}
		while (pop(queue, &ref, 1)) {
			if (entry_end(ref_table.entry(ref))) {
				finish(ref);
				continue;
			}
			void *page;
			{
				LockGuard guard(lock_);
				page = page_of(ref);
			}
			ref_table.write(ref, RefWord::make(RefState::unleased, {0}, 0));
			xg_port_hand_over(ref, page);
			handed_over_++;
		}
	}
}

int DeferredEnds::check_invariants()
{
	LockGuard guard(lock_);
	for (Queue &queue : queues_) {
		u32 ref = queue.head;
		for (u32 i = 0; i < queue.count; i++) {
			RefWord word = ref_table.read(ref);
			if (word.state() != RefState::deferred)
				return 20; // what waits is deferred
			if (i + 1 == queue.count && ref != queue.tail)
				return 21; // a queue ends at its tail
			ref = word.link();
		}
	}
	return 0;
}

} // namespace xengnt

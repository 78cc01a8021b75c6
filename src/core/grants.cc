// SPDX-License-Identifier: GPL-2.0
#include "grants.hh"

#include "private_lists.hh"
#include "reports.hh"

namespace xengnt
{

constinit Grants grants;

namespace
{

// How long an end waits for another one of the same grant that has closed the entry.
constexpr int most_turns = 1000;

// Stays on this CPU: an entry's address is good until the end of it.
class Pinned
{
public:
	Pinned() { xg_port_pin(); }
	~Pinned() { xg_port_unpin(); }
	Pinned(const Pinned &) = delete;
	Pinned &operator=(const Pinned &) = delete;
};

Error bad_frame(GrantRef ref, DomId domid, Caller caller)
{
	xg_port_report(XG_REPORT_GRANT_BAD_FRAME, ref.raw, domid.raw, caller.raw);
	return Error::bad_frame;
}

Error unreachable(GrantRef ref, Caller caller)
{
	xg_port_report(XG_REPORT_UNREACHABLE, ref.raw, 0, caller.raw);
	return Error::unreachable;
}

void put(void *page)
{
	if (page)
		xg_port_page_put(page);
}

} // namespace

// --- granting ---

template <class Open>
[[gnu::always_inline]] inline Status Grants::open(GrantRef ref, Caller caller, Open write_entry)
{
	Pinned pinned;
	RefWord word = ref_table.look_up(ref);
	if (word.state() != RefState::claimed) {
		bool granted =
		    word.state() == RefState::granted || word.state() == RefState::granting;
		if (word.state() == RefState::unleased)
			return Error::not_leased;
		return reports.misuse(granted ? XG_REPORT_GRANT_TWICE : XG_REPORT_GRANT_UNCLAIMED,
				      ref, caller);
	}
	if (!ref_table.reach(ref))
		return unreachable(ref, caller);
	RefWord granting = word.with(RefState::granting);
	if (!ref_table.swap(ref, word, granting))
		return reports.misuse(XG_REPORT_GRANT_TWICE, ref, caller);
	u32 number = ref_table.count_grant(ref);
	write_entry(ref_table.entry(ref));
	ref_table.publish(ref, granting.with(RefState::granted, number));
	return Done{};
}

Status Grants::grant(GrantRef ref, DomId domid, Gfn frame, bool readonly, Caller caller)
{
	Pinned pinned;
	if (!ref_table.entry_holds(frame)) {
		if (ref_table.look_up(ref).state() == RefState::unleased)
			return Error::not_leased;
		return bad_frame(ref, domid, caller);
	}
	return open(ref, caller,
		    [=](GrantEntry entry) { entry_grant(entry, domid, frame, readonly); });
}

// A claimed reference that nobody gets until its frame can be reached again.
void Grants::set_aside(GrantRef ref)
{
	RefWord word = ref_table.read(ref);
	if (!ref_table.swap(ref, word, RefWord::make(RefState::lost, no_pool, 0)))
		return;
	central_list.write_off(pools.at(word.pool()));
	fetch_add(&lost_, 1u);
	xg_port_schedule(XG_WORK_LEASE, Lease::patience_ms);
}

bool Grants::recover_lost()
{
	if (!load_relaxed(&lost_))
		return false;
	ref_table.each_leased([this](GrantRef ref, RefWord word) {
		if (word.state() != RefState::lost || !ref_table.reach(ref))
			return;
		central_list.add(&ref, 1);
		fetch_sub(&lost_, 1u);
	});
	return load_relaxed(&lost_) != 0;
}

void Grants::give_up_lost(GrantRef ref)
{
	ref_table.write(ref, ref_table.read(ref).with(RefState::claimed, 0));
	set_aside(ref);
}

Result<GrantRef> Grants::grant_new(Pool &pool, DomId domid, Gfn frame, bool readonly, Caller caller)
{
	if (!ref_table.entry_holds(frame))
		return bad_frame(no_ref, domid, caller);
	// Each round that fails sets one reference of the table aside.
	for (u32 left = ref_table.size(); left; left--) {
		Result<GrantRef> ref = allocator.alloc(pool);
		if (!ref.ok())
			return ref.error();
		Status granted = open(ref.value(), caller, [=](GrantEntry entry) {
			entry_grant(entry, domid, frame, readonly);
		});
		if (granted.ok())
			return ref;
		if (granted.error() != Error::unreachable)
			break;
		set_aside(ref.value());
	}
	return Error::no_space;
}

Status Grants::grant_part(GrantRef ref, DomId domid, Gfn frame, bool readonly, PagePart part,
			  Caller caller)
{
	Pinned pinned;
	if (!ref_table.entry_holds(frame))
		return bad_frame(ref, domid, caller);
	if (!ref_table.is_v2())
		return Error::unsupported;
	return open(ref, caller, [=](GrantEntry entry) {
		entry_grant_part(entry.v2(), domid, frame, readonly, part);
	});
}

Status Grants::grant_transitive(GrantRef ref, DomId domid, bool readonly, DomId source_domid,
				GrantRef source_ref, Caller caller)
{
	Pinned pinned;
	if (!ref_table.is_v2())
		return Error::unsupported;
	return open(ref, caller, [=](GrantEntry entry) {
		entry_grant_transitive(entry.v2(), domid, readonly, source_domid, source_ref);
	});
}

// --- ending ---

// Result of ending a reference that is not granted: ended if it is claimed, else why it is refused.
Result<End> Grants::not_granted(GrantRef ref, RefWord word, Caller caller)
{
	switch (word.state()) {
	case RefState::claimed:
		return End::ended;
	case RefState::unleased:
		return Error::not_leased;
	default:
		return reports.misuse(XG_REPORT_END_UNCLAIMED, ref, caller);
	}
}

// Another call ends the same grant at the same time. It is about to change the word, and stays on
// its CPU until it has: then this call finds what an end after that one would find. A call that was
// interrupted by this one cannot go on, so the wait is bounded.
Result<End> Grants::lost(GrantRef ref, RefWord word, Caller caller)
{
	for (int turn = 0; turn < most_turns; turn++) {
		RefWord now = ref_table.look_up(ref);
		if (now.raw != word.raw)
			return not_granted(ref, now, caller);
		xg_port_relax();
	}
	return reports.misuse(XG_REPORT_END_UNCLAIMED, ref, caller);
}

// After the entry was closed: takes the word out of "granted". False: another call was faster.
bool Grants::leave_granted(GrantRef ref, RefWord from, RefWord to)
{
	if (ref_table.word_decides(from))
		return ref_table.swap(ref, from, to);
	ref_table.publish(ref, to);
	return true;
}

// Ends the grant that `word` stands for. Busy: nothing has changed. Pinned since before the word
// was read: a resume changes both the word and what the entry means.
Result<End> Grants::end_of(GrantRef ref, RefWord word, Caller caller)
{
	if (word.state() != RefState::granted)
		return not_granted(ref, word, caller);
	GrantEntry entry = ref_table.entry(ref);
	if (!entry.reachable()) {
		if (!ref_table.is_gone(ref))
			return End::busy;
		return ref_table.swap(ref, word, word.with(RefState::claimed))
			   ? Result<End>(End::ended)
			   : lost(ref, word, caller);
	}
	Close close = entry_close(entry);
	if (close == Close::busy)
		return End::busy;
	if (close == Close::was_closed && !ref_table.word_decides(word))
		return lost(ref, word, caller);
	if (!leave_granted(ref, word, word.with(RefState::claimed)))
		return lost(ref, word, caller);
	return End::ended;
}

Result<End> Grants::end(GrantRef ref, Caller caller)
{
	Pinned pinned;
	return end_of(ref, ref_table.look_up(ref), caller);
}

Result<End> Grants::try_end(GrantRef ref, Caller caller)
{
	Result<End> ended = end(ref, caller);
	if (!ended.ok() || ended.value() == End::busy)
		return ended;
	Status freed = allocator.free(ref, caller);
	if (!freed.ok())
		return freed.error();
	return End::ended;
}

// Ends access now, or makes the reference deferred, whose page is then kept.
Result<End> Grants::end_or_defer(GrantRef ref, void **page, DomId *domid, Caller caller)
{
	void *unneeded = nullptr;
	Result<End> ended = end_or_defer_pinned(ref, page, &unneeded, domid, caller);
	// Not while pinned: a kernel built for real time may sleep when it frees a page.
	put(unneeded);
	return ended;
}

Result<End> Grants::end_or_defer_pinned(GrantRef ref, void **page, void **unneeded, DomId *domid,
					Caller caller)
{
	Pinned pinned;
	RefWord word = ref_table.look_up(ref);
	Result<End> ended = end_of(ref, word, caller);
	if (!ended.ok() || ended.value() != End::busy)
		return ended;

	GrantEntry entry = ref_table.entry(ref);
	*domid = entry.reachable() ? entry_domid(entry) : DomId{0};
	void *kept = *page;
	if (!kept && entry.reachable())
		kept = xg_port_page_of_frame(entry_frame(entry).raw);
	Close closed = Close::busy;
	if (ref_table.word_decides(word) || !entry.reachable()) {
		if (!ref_table.swap(ref, word, word.with(RefState::deferred)))
			closed = Close::was_closed;
	} else {
		closed = entry_revoke(entry.v1());
	}
	if (closed == Close::busy) {
		ref_table.publish(ref, word.with(RefState::deferred, domid->raw));
		*page = kept;
		return End::deferred;
	}
	// The caller's own page stays the caller's.
	if (kept != *page)
		*unneeded = kept;
	if (closed == Close::was_closed)
		return lost(ref, word, caller);
	// The other side let go just now.
	ref_table.publish(ref, word.with(RefState::claimed));
	return End::ended;
}

Result<End> Grants::end_and_put(GrantRef ref, void *page, Caller caller)
{
	DomId domid{0};
	Result<End> ended = end_or_defer(ref, &page, &domid, caller);
	if (!ended.ok())
		return ended;
	if (ended.value() == End::deferred) {
		deferred_ends.add(ref, domid, page);
		return ended;
	}
	Status freed = allocator.free(ref, caller);
	if (!freed.ok())
		return freed.error();
	put(page);
	return ended;
}

Result<End> Grants::end_and_notify(xg_end_notice *notice, GrantRef ref, void *page,
				   void (*fn)(void *), void *arg, Caller caller)
{
	DomId domid{0};
	*notice = {fn, arg, page, ref.raw};
	Result<End> ended = end_or_defer(ref, &notice->page, &domid, caller);
	if (!ended.ok())
		return ended;
	if (ended.value() == End::deferred) {
		deferred_ends.add(ref, domid, notice);
		return ended;
	}
	Status freed = allocator.free(ref, caller);
	if (!freed.ok())
		return freed.error();
	put(page);
	fn(arg);
	return ended;
}

// --- many at once ---

Status Grants::grant_batch(Pool &pool, DomId domid, const unsigned long *frames, u32 count,
			   bool readonly, u32 *refs, Caller caller)
{
	for (u32 i = 0; i < count; i++)
		if (!ref_table.entry_holds({frames[i]}))
			return bad_frame(no_ref, domid, caller);
	Result<GrantRef> list = PrivateLists::alloc(pool, count);
	if (!list.ok())
		return list.error();

	// The list is nobody else's: its members can be taken in order, without a claim each.
	GrantRef ref = list.value();
	bool reached = true;
	for (u32 done = 0; done < count;) {
		Pinned pinned;
		u32 first = done;
		for (; done < count && done - first < entries_per_barrier; done++) {
			GrantEntry entry = ref_table.entry(ref);
			if (!entry.reachable())
				break;
			refs[done] = ref.raw;
			ref = {ref_table.read(ref).link()};
			entry_prepare(entry, domid, {frames[done]});
		}
		entries_prepared();
		// Until its entry is open a member is on the list, and no call can end it.
		for (u32 i = first; i < done; i++) {
			GrantRef opened{refs[i]};
			entry_open(ref_table.entry(opened), readonly);
			u32 number = ref_table.count_grant(opened);
			ref_table.publish(opened,
					  RefWord::make(RefState::granted, id_of(pool), number));
		}
		if (done - first < entries_per_barrier && done < count) {
			reached = false;
			count = done;
		}
	}
	if (reached)
		return Done{};
	// A frame of the table is gone: what was granted is ended, what was not is set aside.
	for (u32 i = 0; i < count; i++)
		(void)end_and_put({refs[i]}, nullptr, caller);
	while (ref != no_ref) {
		GrantRef next{ref_table.read(ref).link()};
		ref_table.write(ref, RefWord::make(RefState::claimed, id_of(pool), 0));
		if (ref_table.entry(ref).reachable())
			(void)allocator.free(ref, caller);
		else
			set_aside(ref);
		ref = next;
	}
	return Error::no_space;
}

// Ends and frees one that is granted and not busy; its word then leads to `next`. Pinned.
bool Grants::end_in_batch(GrantRef ref, RefWord word, GrantRef next)
{
	if (word.state() != RefState::granted)
		return false;
	GrantEntry entry = ref_table.entry(ref);
	if (!entry.reachable())
		return false;
	// An entry that another call has closed is left to end_and_put(), which reports it.
	bool decides = ref_table.word_decides(word);
	Close close = entry_close(entry);
	if (close == Close::busy || (close == Close::was_closed && !decides))
		return false;
	return leave_granted(ref, word, RefWord::make(RefState::free, no_pool, next.raw));
}

u32 Grants::end_batch(u32 *refs, void **pages, u32 count, Caller caller)
{
	u32 foreign = 0;
	u32 free_now = 0;
	Run run;
	PoolId owner = no_pool;
	auto hand_over = [&] {
		if (run.count)
			free_now = central_list.put_runs(pools.at(owner), {}, run);
		run = {};
	};

	for (u32 i = 0; i < count; i++) {
		GrantRef ref{refs[i]};
		void *page = pages ? pages[i] : nullptr;
		xg_port_pin();
		RefWord word = ref_table.look_up(ref);
		if (word.state() == RefState::granted && word.pool() != owner) {
			hand_over();
			owner = word.pool();
		}
		bool ended_here = end_in_batch(ref, word, run.head);
		xg_port_unpin();
		if (ended_here) {
			run.head = ref;
			if (!run.count++)
				run.tail = ref;
			if (run.count == run_target)
				hand_over();
			put(page);
			continue;
		}
		Result<End> ended = end_and_put(ref, page, caller);
		if (ended.ok() || ended.error() != Error::not_leased)
			continue;
		refs[foreign] = ref.raw;
		if (pages)
			pages[foreign] = page;
		foreign++;
	}
	hand_over();
	RefAllocator::freed_some(free_now);
	return foreign;
}

// --- references that are not leased ---

bool Grants::end_unleased(GrantRef ref)
{
	Pinned pinned;
	return ref_table.reach(ref) && entry_end(ref_table.entry(ref));
}

void *Grants::keep_page_of(GrantRef ref)
{
	Pinned pinned;
	if (!ref_table.reach(ref))
		return nullptr;
	return xg_port_page_of_frame(entry_frame(ref_table.entry(ref)).raw);
}

} // namespace xengnt

// SPDX-License-Identifier: GPL-2.0
#include "ref_table.hh"

constinit struct xg_fast_state xg_fast {
};

namespace xengnt
{

constinit RefTable ref_table{};

namespace
{

template <class T, u32 n> void free_pages(T *(&pages)[n])
{
	for (T *&page : pages) {
		if (page)
			xg_port_page_free(page);
		page = nullptr;
	}
}

// See struct xg_fast_state. As a number: the address may be below all memory.
void *base_of(void *frame, u32 index)
{
	return reinterpret_cast<void *>(reinterpret_cast<uintptr_t>(frame) -
					uintptr_t{index} * frame_bytes);
}

} // namespace

void RefTable::choose_fast_grants() const
{
	xg_fast.nr_fast_grants = is_v2_ || strict_ ? 0 : xg_fast.nr_refs;
}

bool RefTable::create(u32 refs, bool is_v2, bool strict)
{
	xg_fast.refs = static_cast<xg_ref *>(xg_port_alloc(refs * sizeof(xg_ref)));
	if (!xg_fast.refs)
		return false;
	xg_fast.nr_refs = refs;
	is_v2_ = is_v2;
	strict_ = strict;
	choose_fast_grants();
	return true;
}

void RefTable::destroy()
{
	free_pages(run_notes_);
	free_pages(deferred_notes_);
	for (void *&frame : xg_fast.frames)
		frame = nullptr;
	for (EntryStatus *&statuses : statuses_)
		statuses = nullptr;
	xg_port_free(xg_fast.refs);
	xg_fast.refs = nullptr;
	xg_fast.nr_refs = xg_fast.nr_fast_grants = 0;
}

// Several CPUs may need the same page at once: the first one in stays.
bool RefTable::install(void **where)
{
	if (load_acquire(where))
		return true;
	void *page = xg_port_page_alloc();
	if (!page)
		return false;
	void *expected = nullptr;
	if (!__atomic_compare_exchange_n(where, &expected, page, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		xg_port_page_free(page);
	return true;
}

bool RefTable::make_notes(GrantRef ref)
{
	u32 first = ref.raw / segment_refs * segment_refs;
	for (u32 at = first; at < first + segment_refs; at += deferred_per_page)
		if (!install(reinterpret_cast<void **>(&deferred_notes_[at / deferred_per_page])))
			return false;
	return install(reinterpret_cast<void **>(&run_notes_[ref.raw / segment_refs]));
}

GrantEntry RefTable::entry_v2(GrantRef ref) const
{
	auto *base = static_cast<EntryV2 *>(load_acquire(&xg_fast.frames[ref.raw / frame_refs_v2]));
	if (!base)
		return {nullptr, nullptr};
	return {base + ref.raw,
		load_relaxed(&statuses_[ref.raw / frame_statuses]) + ref.raw % frame_statuses};
}

bool RefTable::reach(GrantRef ref)
{
	if (ref.raw >= size())
		return false;
	// Pinned: a resume between the host's answer and our store would leave a stale address.
	xg_port_pin();
	void *&frame = xg_fast.frames[ref.raw / frame_refs()];
	bool reached = load_acquire(&frame) != nullptr;
	if (!reached) {
		void *found = xg_port_table_frame(ref.raw / frame_refs());
		EntryStatus *&statuses = statuses_[ref.raw / frame_statuses];
		if (found && is_v2_ && !load_acquire(&statuses))
			store_release(&statuses, static_cast<EntryStatus *>(xg_port_status_frame(
						     ref.raw / frame_statuses)));
		reached = found && (!is_v2_ || load_acquire(&statuses));
		// The frame comes last: who sees it can read the status as well.
		if (reached)
			store_release(&frame, base_of(found, ref.raw / frame_refs()));
	}
	xg_port_unpin();
	return reached;
}

u32 RefTable::resume(bool is_v2)
{
	is_v2_ = is_v2;
	choose_fast_grants();
	for (void *&frame : xg_fast.frames)
		frame = nullptr;
	for (EntryStatus *&statuses : statuses_)
		statuses = nullptr;
	u32 unreachable = 0;
	u32 tried = ~0u; // the frame that was looked up last
	bool reached = false;
	each_leased([&](GrantRef ref, RefWord word) {
		if (tried != ref.raw / frame_refs()) {
			tried = ref.raw / frame_refs();
			reached = reach(ref);
		}
		unreachable += !reached;
		// The new table is empty, or (if the suspend was cancelled) the old one: both are
		// possible, so the closed entry of such a grant does not mean that somebody ended
		// it.
		if (word.state() == RefState::granted)
			write(ref, RefWord::make(RefState::granted, word.pool(), word.link(), 1));
	});
	return unreachable;
}

u64 RefTable::grants() const
{
	u64 total = 0;
	for (u32 number = 0; number < size(); number++)
		total += load_relaxed(&xg_fast.refs[number].grants);
	return total;
}

} // namespace xengnt

// SPDX-License-Identifier: GPL-2.0
#include "ref_table.hh"

namespace xengnt
{

constinit RefTable ref_table{};

namespace
{

// Where entries lead whose frame a suspend has taken away: nobody else looks here.
alignas(XG_PORT_FRAME_SIZE) constinit unsigned char nowhere[XG_PORT_FRAME_SIZE]{};
constinit EntryStatus never_busy[frame_statuses]{};

} // namespace

void RefTable::create(u32 refs, bool is_v2)
{
	nr_refs_ = refs;
	is_v2_ = is_v2;
}

void RefTable::destroy()
{
	for (u32 i = 0; i < max_segments; i++) {
		void *pages[] = {words_[i], notes_[2 * i], notes_[2 * i + 1]};
		for (void *page : pages)
			if (page)
				xg_port_page_free(page);
		words_[i] = nullptr;
		notes_[2 * i] = notes_[2 * i + 1] = nullptr;
	}
	for (void *&frame : frames_)
		frame = nullptr;
	for (EntryStatus *&statuses : statuses_)
		statuses = nullptr;
	nr_refs_ = 0;
}

// Several CPUs may prepare the same segment at once: the first page in stays.
bool RefTable::install(void **where, void *page)
{
	if (!page)
		return false;
	void *expected = nullptr;
	if (!__atomic_compare_exchange_n(where, &expected, page, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		xg_port_page_free(page);
	return true;
}

GrantEntry RefTable::entry_v2(u32 ref) const
{
	return {static_cast<EntryV2 *>(load_relaxed(&frames_[ref / frame_refs_v2])) +
		    ref % frame_refs_v2,
		load_relaxed(&statuses_[ref / frame_statuses]) + ref % frame_statuses};
}

// Looks up the frames that hold a reference's entry. Whoever else does so finds the same.
bool RefTable::reach_entry(u32 ref)
{
	if (ref >= nr_refs_)
		return false;
	void *&frame = frames_[ref / frame_refs()];
	void *known = load_acquire(&frame);
	if (!known || known == nowhere) {
		void *found = xg_port_table_frame(ref / frame_refs());
		if (!found)
			return false;
		store_release(&frame, found);
	}
	if (!is_v2_)
		return true;
	EntryStatus *&statuses = statuses_[ref / frame_statuses];
	EntryStatus *known_statuses = load_acquire(&statuses);
	if (!known_statuses || known_statuses == never_busy) {
		void *found = xg_port_status_frame(ref / frame_statuses);
		if (!found)
			return false;
		store_release(&statuses, static_cast<EntryStatus *>(found));
	}
	return true;
}

bool RefTable::prepare(GrantRef ref)
{
	if (!reach_entry(ref.raw))
		return false;
	u32 segment = ref.raw / segment_refs;
	if (load_acquire(&words_[segment]))
		return true;
	// The words come last: whoever sees them sees the rest.
	for (u32 half = 2 * segment; half < 2 * segment + 2; half++)
		if (!load_acquire(&notes_[half]) &&
		    !install(reinterpret_cast<void **>(&notes_[half]), xg_port_page_alloc()))
			return false;
	return install(reinterpret_cast<void **>(&words_[segment]), xg_port_page_alloc());
}

void RefTable::lead_nowhere(u32 ref)
{
	void *&frame = frames_[ref / frame_refs()];
	if (!frame)
		frame = nowhere;
	EntryStatus *&statuses = statuses_[ref / frame_statuses];
	if (!statuses)
		statuses = never_busy;
}

// How many of the references in the same frame of the table as this one are leased.
u32 RefTable::leased_in_frame(u32 first) const
{
	u32 leased = 0;
	for (u32 ref = first; ref < first + frame_refs(); ref++) {
		u64 *raw = find({ref});
		leased += raw && RefWord{load_relaxed(raw)}.state() != RefState::unleased;
	}
	return leased;
}

u32 RefTable::resume(bool is_v2)
{
	is_v2_ = is_v2;
	for (void *&frame : frames_)
		frame = nullptr;
	for (EntryStatus *&statuses : statuses_)
		statuses = nullptr;
	u32 lost = 0;
	for (u32 first = 0; first < max_table_refs; first += frame_refs()) {
		u32 leased = find({first}) ? leased_in_frame(first) : 0;
		if (!leased || reach_entry(first))
			continue;
		lead_nowhere(first);
		lost += leased;
	}
	return lost;
}

} // namespace xengnt

// SPDX-License-Identifier: GPL-2.0
//
// Where everything known about a leased reference is found: its record (state word, count of
// grants), its notes for the rarer states, and its entry in the shared table. The records are one
// array for the whole table, made at the start; notes come in pages for 512 references, made when
// the first of them is leased and kept until the module unloads.
#pragma once

#include "../base/atomics.hh"
#include "../port/port.h"
#include "grant_entry.hh"
#include "ref_word.hh"

namespace xengnt
{

// A reference that waits in the queue of its domain until the other side lets go. The queue lives
// here and not in the state words, which wrong callers could damage.
struct DeferredNote {
	// The page to put, or the notice (lowest bit set), or only a mark (no_page). Null: the
	// reference is in no queue.
	void *page;
	u32 since; // seconds of the host's clock when the end was deferred
	u32 next;  // in the queue
};
static_assert(sizeof(DeferredNote) == 16);

// The first member of a run in the central list.
struct RunNote {
	u32 next_run; // first member of the run below
	u32 tail;     // last member of this run
};
static_assert(sizeof(RunNote) == 8);

inline constexpr u32 page_bytes = XG_PORT_PAGE_SIZE;
inline constexpr u32 frame_bytes = XG_PORT_FRAME_SIZE;
inline constexpr u32 segment_refs = page_bytes / sizeof(RunNote); // of notes
inline constexpr u32 deferred_per_page = page_bytes / sizeof(DeferredNote);
inline constexpr u32 max_table_refs = 1u << 20;
// The contents of a frame of the shared table.
inline constexpr u32 frame_refs_v1 = frame_bytes / sizeof(EntryV1);
inline constexpr u32 frame_refs_v2 = frame_bytes / sizeof(EntryV2);
inline constexpr u32 frame_statuses = frame_bytes / sizeof(EntryStatus);

class RefTable
{
	static constexpr u32 max_segments = max_table_refs / segment_refs;
	static constexpr u32 max_frames = max_table_refs / frame_refs_v2;
	static constexpr u32 max_status_frames = max_table_refs / frame_statuses;
	static_assert(max_frames == XG_MAX_FRAMES);

	RunNote *run_notes_[max_segments];
	DeferredNote *deferred_notes_[max_table_refs / deferred_per_page];
	EntryStatus *statuses_[max_status_frames];
	bool is_v2_;
	bool strict_;

	static bool install(void **where);
	bool make_notes(GrantRef ref);
	u32 frame_refs() const { return is_v2_ ? frame_refs_v2 : frame_refs_v1; }
	void choose_fast_grants() const;
	GrantEntry entry_v2(GrantRef ref) const;

public:
	// False when there is no memory. May sleep.
	bool create(u32 refs, bool is_v2, bool strict);
	void destroy();

	u32 size() const { return xg_fast.nr_refs; }
	bool is_v2() const { return is_v2_; }
	// Whether a compare-and-swap of the word decides who ends this grant; see ref_word.hh.
	bool word_decides(RefWord word) const { return is_v2_ || strict_ || word.is_stale_grant(); }

	// Makes the notes of one more reference and looks up its entry. False when the host has no
	// memory for it or the entry cannot be reached.
	bool prepare(GrantRef ref) { return reach(ref) && make_notes(ref); }
	// Looks up the frames with the reference's entry and its status. Entries can be reached
	// when both were found: what could not be ended must not be granted.
	bool reach(GrantRef ref);
	// Whether Xen's table has no such frame any more: no domain can use a grant through it.
	bool is_gone(GrantRef ref) const
	{
		return xg_port_table_frame_gone(ref.raw / frame_refs());
	}
	// The table as it is after a suspend: all frames are looked up again. How many references
	// cannot be reached any more.
	u32 resume(bool is_v2);

	// The record of any number that a caller may come up with; nullptr: beyond the table.
	[[gnu::always_inline]] xg_ref *find(GrantRef ref) const
	{
		return ref.raw < xg_fast.nr_refs ? &xg_fast.refs[ref.raw] : nullptr;
	}
	// The word of any number; unleased when it is not ours.
	[[gnu::always_inline]] RefWord look_up(GrantRef ref) const
	{
		const xg_ref *record = find(ref);
		return {record ? load_acquire(&record->word) : 0};
	}
	// The following are for references that are known to be leased.
	[[gnu::always_inline]] u64 *word(GrantRef ref) const { return &xg_fast.refs[ref.raw].word; }
	[[gnu::always_inline]] RefWord read(GrantRef ref) const
	{
		return {load_relaxed(word(ref))};
	}
	[[gnu::always_inline]] void write(GrantRef ref, RefWord value) const
	{
		store_relaxed(word(ref), value.raw);
	}
	[[gnu::always_inline]] void publish(GrantRef ref, RefWord value) const
	{
		store_release(word(ref), value.raw);
	}
	[[gnu::always_inline]] bool swap(GrantRef ref, RefWord from, RefWord to) const
	{
		return compare_and_swap(word(ref), from.raw, to.raw);
	}
	// Counts a grant and numbers it. By who grants.
	[[gnu::always_inline]] u32 count_grant(GrantRef ref) const
	{
		u64 *grants = &xg_fast.refs[ref.raw].grants;
		u64 number = load_relaxed(grants) + 1;
		store_relaxed(grants, number);
		return static_cast<u32>(number);
	}
	[[gnu::always_inline]] RunNote &run_note(GrantRef ref) const
	{
		return load_relaxed(&run_notes_[ref.raw / segment_refs])[ref.raw % segment_refs];
	}
	// Null when none of the notes around it was ever needed.
	[[gnu::always_inline]] DeferredNote *deferred_note(GrantRef ref) const
	{
		DeferredNote *notes = load_relaxed(&deferred_notes_[ref.raw / deferred_per_page]);
		return notes ? notes + ref.raw % deferred_per_page : nullptr;
	}
	// Null when it cannot be reached. Pinned, as long as it is used.
	[[gnu::always_inline]] GrantEntry entry(GrantRef ref) const
	{
		if (is_v2_) [[unlikely]]
			return entry_v2(ref);
		auto *base =
		    static_cast<EntryV1 *>(load_relaxed(&xg_fast.frames[ref.raw / frame_refs_v1]));
		return {base ? base + ref.raw : nullptr, nullptr};
	}
	// An entry of version 1 has 32 bits for the frame; no processor has more than 52.
	[[gnu::always_inline]] bool entry_holds(Gfn frame) const
	{
		return frame.raw >> 32 == 0 || (is_v2_ && frame.raw >> 52 == 0);
	}
	// Each reference of the table that is leased, with its word.
	template <class Visit> void each_leased(Visit visit) const
	{
		for (u32 number = 0; number < size(); number++) {
			RefWord word = read({number});
			if (word.state() != RefState::unleased)
				visit(GrantRef{number}, word);
		}
	}
	// How often access was granted through any reference.
	u64 grants() const;
};

extern RefTable ref_table;

} // namespace xengnt

// SPDX-License-Identifier: GPL-2.0
//
// Where everything known about a leased reference is found: its state word, a note for the rare
// states, and its entry in the shared table. Segments of 512 references, made when the first of
// them is leased and kept until the module goes.
#pragma once

#include "../base/atomics.hh"
#include "../port/port.h"
#include "grant_entry.hh"
#include "ref_word.hh"

namespace xengnt
{

// What a reference needs room for beyond its state word.
union RefNote {
	struct {
		void *page; // put when the other side has let go
		u32 since;  // seconds of the host's clock when the end was deferred
		DomId domid;
	} deferred;
	struct {
		u32 next_run; // first member of the run below in the store
		u32 tail;     // last member of this run
	} run;
};
static_assert(sizeof(RefNote) == 16);

inline constexpr u32 segment_refs = 512;
inline constexpr u32 max_table_refs = 1u << 20;
// What a frame of the shared table holds.
inline constexpr u32 frame_refs_v1 = XG_PORT_FRAME_SIZE / sizeof(EntryV1);
inline constexpr u32 frame_refs_v2 = XG_PORT_FRAME_SIZE / sizeof(EntryV2);
inline constexpr u32 frame_statuses = XG_PORT_FRAME_SIZE / sizeof(EntryStatus);

class RefTable
{
	static constexpr u32 max_segments = max_table_refs / segment_refs;
	static constexpr u32 max_frames = max_table_refs / frame_refs_v2;
	static constexpr u32 max_status_frames = max_table_refs / frame_statuses;

	// Three arrays of pages rather than one of segments: a word is two loads away.
	u64 *words_[max_segments];
	void *frames_[max_frames]; // of the shared table, by their number there
	RefNote *notes_[max_segments * 2];
	EntryStatus *statuses_[max_status_frames];
	u32 nr_refs_;
	bool is_v2_;

	bool install(void **where, void *page);
	GrantEntry entry_v2(u32 ref) const;
	void lead_nowhere(u32 ref);
	u32 leased_in_frame(u32 first) const;
	u32 frame_refs() const { return is_v2_ ? frame_refs_v2 : frame_refs_v1; }

public:
	void create(u32 refs, bool is_v2);
	void destroy();

	u32 size() const { return nr_refs_; }

	// Metadata and entry for one more reference. False when the host has no memory for it or
	// the frame of its entry cannot be reached.
	bool prepare(GrantRef ref);
	// The entry alone, of any reference of the table.
	bool reach_entry(u32 ref);

	// The state word of any number a caller may come up with; nullptr when it was never leased.
	[[gnu::always_inline]] u64 *find(GrantRef ref) const
	{
		u32 segment = ref.raw / segment_refs;
		if (segment >= max_segments) [[unlikely]]
			return nullptr;
		u64 *words = load_acquire(&words_[segment]);
		if (!words) [[unlikely]]
			return nullptr;
		u64 *found = words + ref.raw % segment_refs;
		if (!found)
			__builtin_unreachable(); // so that nobody asks again
		return found;
	}
	// The same for references that are known to be leased.
	[[gnu::always_inline]] u64 *word(u32 ref) const
	{
		return load_relaxed(&words_[ref / segment_refs]) + ref % segment_refs;
	}
	// Each reference that was ever leased, with its state word as it is by now.
	template <class Visit> void each(Visit visit) const
	{
		for (u32 ref = 0; ref < nr_refs_; ref++)
			if (const u64 *raw = find({ref}))
				visit(ref, RefWord{load_relaxed(raw)});
	}
	[[gnu::always_inline]] RefWord read(u32 ref) const { return {load_relaxed(word(ref))}; }
	[[gnu::always_inline]] void write(u32 ref, RefWord value) const
	{
		store_relaxed(word(ref), value.raw);
	}
	[[gnu::always_inline]] bool swap(u32 ref, RefWord from, RefWord to) const
	{
		return compare_and_swap(word(ref), from.raw, to.raw);
	}
	[[gnu::always_inline]] RefNote &note(u32 ref) const
	{
		return load_relaxed(&notes_[ref / 256])[ref % 256];
	}
	[[gnu::always_inline]] GrantEntry entry(u32 ref) const
	{
		if (is_v2_) [[unlikely]]
			return entry_v2(ref);
		return {static_cast<EntryV1 *>(load_relaxed(&frames_[ref / frame_refs_v1])) +
			    ref % frame_refs_v1,
			nullptr};
	}
	bool is_v2() const { return is_v2_; }
	// An entry of version 1 has 32 bits for the frame; no processor has more than 52.
	[[gnu::always_inline]] bool entry_holds(Gfn frame) const
	{
		return frame.raw >> 32 == 0 || (is_v2_ && frame.raw >> 52 == 0);
	}

	// The table as it is after a suspend: its frames are asked for anew. Entries that are gone
	// lead nowhere until they are there again; how many references that concerns.
	u32 resume(bool is_v2);
};

// The one there is. By name and not by reference: the hot paths reach it without a load.
extern RefTable ref_table;

} // namespace xengnt

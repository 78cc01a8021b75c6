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

class RefTable
{
	struct Segment {
		u64 *words;
		RefNote *notes[2];
		EntryV1 *entries;
	};

	Segment *segments_ = nullptr;
	u32 nr_refs_ = 0;

	bool install(void **where, void *page);

      public:
	// May sleep. False when there is no memory.
	bool create(u32 refs);
	void destroy();

	u32 size() const { return nr_refs_; }

	// Metadata and entry for one more reference. False when the host has no memory for it or the
	// frame of its entry cannot be reached.
	bool prepare(GrantRef ref);

	// The state word of any number a caller may come up with; nullptr when it was never leased.
	[[gnu::always_inline]] u64 *find(GrantRef ref) const
	{
		if (ref.raw >= nr_refs_) [[unlikely]]
			return nullptr;
		u64 *words = load_acquire(&segments_[ref.raw / segment_refs].words);
		return words ? words + ref.raw % segment_refs : nullptr;
	}
	// The same for references that are known to be leased.
	[[gnu::always_inline]] u64 *word(u32 ref) const
	{
		return segments_[ref / segment_refs].words + ref % segment_refs;
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
		u32 at = ref % segment_refs;
		return segments_[ref / segment_refs].notes[at / 256][at % 256];
	}
	[[gnu::always_inline]] EntryV1 *entry(u32 ref) const
	{
		return segments_[ref / segment_refs].entries + ref % segment_refs;
	}
};

} // namespace xengnt

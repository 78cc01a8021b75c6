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

class RefTable
{
	static constexpr u32 max_segments = max_table_refs / segment_refs;

	// Three arrays of pages rather than one of segments: a word is two loads away.
	u64 *words_[max_segments];
	EntryV1 *entries_[max_segments];
	RefNote *notes_[max_segments * 2];
	u32 nr_refs_;

	bool install(void **where, void *page);

public:
	void create(u32 refs) { nr_refs_ = refs; }
	void destroy();

	u32 size() const { return nr_refs_; }

	// Metadata and entry for one more reference. False when the host has no memory for it or
	// the frame of its entry cannot be reached.
	bool prepare(GrantRef ref);

	// The state word of any number a caller may come up with; nullptr when it was never leased.
	[[gnu::always_inline]] u64 *find(GrantRef ref) const
	{
		u32 segment = ref.raw / segment_refs;
		if (segment >= max_segments) [[unlikely]]
			return nullptr;
		u64 *words = load_acquire(&words_[segment]);
		return words ? words + ref.raw % segment_refs : nullptr;
	}
	// The same for references that are known to be leased.
	[[gnu::always_inline]] u64 *word(u32 ref) const
	{
		return load_relaxed(&words_[ref / segment_refs]) + ref % segment_refs;
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
	[[gnu::always_inline]] EntryV1 *entry(u32 ref) const
	{
		return load_relaxed(&entries_[ref / segment_refs]) + ref % segment_refs;
	}
};

// The one there is. By name and not by reference: the hot paths reach it without a load.
extern RefTable ref_table;

} // namespace xengnt

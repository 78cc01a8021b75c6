// SPDX-License-Identifier: GPL-2.0
//
// The free references of the store that are not linked into runs: one bit each, under a summary
// that answers "where is a run of 16?" without a walk over the table.
//
// For each word of 64 references and each power of two up to 64 the summary has a bit: "a run of at
// least that many starts in this word" (it may end in the next word). Summary bits may be set too
// often, and are checked and corrected when a search meets them; a bit that should be set and is
// not belongs to a word marked dirty, which a search recomputes before it gives up. So giving bits
// back costs two stores, and a failed search is exact.
//
// No locking of its own: the store's lock guards it.
#pragma once

#include "../base/types.hh"

namespace xengnt
{

// A set of small numbers with a second level above, so that the first member is found in a few
// loads: 16,384 members are 256 words and 4 words.
class Summary
{
	u64 *low_ = nullptr;
	u64 *high_ = nullptr;
	u32 high_words_ = 0;

public:
	static constexpr u32 none = ~0u;

	// How many words a summary of `members` takes.
	static u32 words_for(u32 members);
	void place(u64 *memory, u32 members);
	void set(u32 member);
	void clear(u32 member);
	bool has(u32 member) const;
	// The first member at or after `from`, or none.
	u32 first(u32 from) const;
};

class FreeBitmap
{
	static constexpr unsigned classes = 7; // runs of 1, 2, 4, 8, 16, 32, 64

	u64 *words_ = nullptr;
	u32 nr_words_ = 0;
	u64 *memory_ = nullptr;
	Summary runs_[classes];
	Summary dirty_;

	void recompute(u32 word);
	bool fits(u32 word, u32 count, u32 *ref) const;

public:
	enum class Found : u8 { yes, no, more };

	// A search in steps of bounded length: where the next step goes on.
	struct Search {
		u32 count;
		u32 next = 0;
		u32 phase = 0;
		u32 length = 0; // long sequences: free references up to `next`
		u32 ref = 0;    // what was found
	};

	// May sleep. False when there is no memory.
	bool create(u32 refs);
	void destroy();

	bool has(u32 ref) const { return words_[ref / 64] >> (ref % 64) & 1; }
	// `count` references from `first` on; all within the table. How many were there already.
	u32 give(u32 first, u32 count);
	// Takes exactly these when all of them are there. At most 4,096 at a time.
	bool take(u32 first, u32 count);
	// Takes up to `count` (at most 64) out of one word; the mask says which of word*64...
	u64 take_some(u32 count, u32 *word);
	// One step towards `search.count` consecutive references; does not take them.
	Found step(Search &search);
};

} // namespace xengnt

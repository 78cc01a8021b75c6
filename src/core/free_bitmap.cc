// SPDX-License-Identifier: GPL-2.0
#include "free_bitmap.hh"

#include "../port/port.h"

namespace xengnt
{

namespace
{

// Words that one step of a search looks at: few where the summary of each may have to be rebuilt.
constexpr u32 step_words = 8;
constexpr u32 long_step_words = 64;

[[gnu::always_inline]] inline u32 lowest(u64 bits)
{
	return static_cast<u32>(__builtin_ctzll(bits));
}

[[gnu::always_inline]] inline u64 mask(u32 from, u32 count)
{
	return (count >= 64 ? ~u64{0} : (u64{1} << count) - 1) << from;
}

// 128 bits of the table, of which runs that start in the lower half are of interest.
struct Window {
	u64 low, high;

	// Leaves the positions where what was found before is found again `by` positions on.
	[[gnu::always_inline]] void narrow(u32 by)
	{
		low &= by == 64 ? high : low >> by | high << (64 - by);
		high = by == 64 ? 0 : high & high >> by;
	}
};

} // namespace

u32 Summary::words_for(u32 members)
{
	u32 low = (members + 63) / 64;
	return low + (low + 63) / 64;
}

void Summary::place(u64 *memory, u32 members)
{
	u32 low = (members + 63) / 64;
	low_ = memory;
	high_ = memory + low;
	high_words_ = (low + 63) / 64;
}

void Summary::set(u32 member)
{
	low_[member / 64] |= u64{1} << member % 64;
	high_[member / 4096] |= u64{1} << member / 64 % 64;
}

void Summary::clear(u32 member)
{
	u64 left = low_[member / 64] &= ~(u64{1} << member % 64);
	if (!left)
		high_[member / 4096] &= ~(u64{1} << member / 64 % 64);
}

bool Summary::has(u32 member) const
{
	return low_[member / 64] >> member % 64 & 1;
}

u32 Summary::first(u32 from) const
{
	u32 low = from / 64;
	if (low / 64 >= high_words_)
		return none;
	u64 here = high_[low / 64] >> low % 64 & 1 ? low_[low] & ~u64{0} << from % 64 : 0;
	if (here)
		return low * 64 + lowest(here);
	u64 above = low % 64 == 63 ? 0 : high_[low / 64] & ~u64{0} << (low % 64 + 1);
	for (u32 word = low / 64;;) {
		if (above) {
			u32 at = word * 64 + lowest(above);
			return at * 64 + lowest(low_[at]);
		}
		if (++word >= high_words_)
			return none;
		above = high_[word];
	}
}

bool FreeBitmap::create(u32 refs)
{
	nr_words_ = (refs + 63) / 64;
	// One word more, always 0, so that a window may reach past the end.
	u32 summary = Summary::words_for(nr_words_);
	u32 total = nr_words_ + 1 + (classes + 1) * summary;
	memory_ = static_cast<u64 *>(xg_port_alloc(total * sizeof(u64)));
	if (!memory_)
		return false;
	words_ = memory_;
	u64 *next = memory_ + nr_words_ + 1;
	for (Summary &runs : runs_) {
		runs.place(next, nr_words_);
		next += summary;
	}
	dirty_.place(next, nr_words_);
	return true;
}

void FreeBitmap::destroy()
{
	xg_port_free(memory_);
	memory_ = words_ = nullptr;
	nr_words_ = 0;
}

// Makes the summary of one word exact.
void FreeBitmap::recompute(u32 word)
{
	Window window{words_[word], words_[word + 1]};
	u32 length = 1;
	for (Summary &runs : runs_) {
		if (window.low)
			runs.set(word);
		else
			runs.clear(word);
		window.narrow(length);
		length *= 2;
	}
	dirty_.clear(word);
}

u32 FreeBitmap::give(u32 first, u32 count)
{
	u32 there = 0;
	u32 word = first / 64;
	if (word)
		dirty_.set(word - 1);
	for (u32 at = first, left = count; left; word++) {
		u32 here = min(64 - at % 64, left);
		u64 given = mask(at % 64, here);
		for (u64 twice = words_[word] & given; twice; twice &= twice - 1)
			there++;
		words_[word] |= given;
		runs_[0].set(word);
		dirty_.set(word);
		at += here;
		left -= here;
	}
	// References that are given as one run are likely to be wanted as one.
	word = first / 64;
	for (unsigned order = 1; order < classes && count >> order; order++)
		runs_[order].set(word);
	return there;
}

bool FreeBitmap::take(u32 first, u32 count)
{
	u32 last = first + count - 1;
	for (u32 at = first; at <= last;) {
		u32 here = min(64 - at % 64, last - at + 1);
		u64 want = mask(at % 64, here);
		if ((words_[at / 64] & want) != want)
			return false;
		at += here;
	}
	for (u32 at = first; at <= last;) {
		u32 here = min(64 - at % 64, last - at + 1);
		u64 left = words_[at / 64] &= ~mask(at % 64, here);
		if (!left)
			runs_[0].clear(at / 64);
		at += here;
	}
	return true;
}

u64 FreeBitmap::take_some(u32 count, u32 *word)
{
	u32 at = runs_[0].first(0);
	if (at == Summary::none)
		return 0;
	u64 taken = 0;
	u64 left = words_[at];
	while (left && count--) {
		taken |= left & -left;
		left &= left - 1;
	}
	words_[at] = left;
	if (!left)
		runs_[0].clear(at);
	*word = at;
	return taken;
}

// Does a run of `count` (at most 64) start in this word?
bool FreeBitmap::fits(u32 word, u32 count, u32 *ref) const
{
	Window window{words_[word], words_[word + 1]};
	for (u32 length = 1; length < count && window.low;) {
		u32 by = min(length, count - length);
		window.narrow(by);
		length += by;
	}
	if (!window.low)
		return false;
	*ref = word * 64 + lowest(window.low);
	return true;
}

FreeBitmap::Found FreeBitmap::step(Search &search)
{
	u32 budget = search.count > 64 ? long_step_words : step_words;

	if (search.count > 64) {
		// A long sequence: follow the free references from word to word.
		for (; budget && search.next / 64 < nr_words_; budget--) {
			u32 word = search.next / 64;
			u64 bits = words_[word] >> search.next % 64;
			u32 here = 64 - search.next % 64;
			// Zeros were shifted in, unless all 64 are of interest.
			u32 ones = ~bits ? lowest(~bits) : 64;
			search.length += ones;
			search.next += ones;
			if (search.length >= search.count) {
				search.ref = search.next - search.length;
				return Found::yes;
			}
			if (ones == here)
				continue;
			search.length = 0;
			bits = words_[word] & ~u64{0} << search.next % 64;
			if (bits) {
				search.next = word * 64 + lowest(bits);
				continue;
			}
			word = runs_[0].first(word + 1);
			search.next = word == Summary::none ? nr_words_ * 64 : word * 64;
		}
		return search.next / 64 < nr_words_ ? Found::more : Found::no;
	}

	unsigned order = 31u - static_cast<unsigned>(__builtin_clz(search.count));
	bool exact = (search.count & (search.count - 1)) == 0;
	for (; search.phase < 3; search.phase++, search.next = 0) {
		// First the words that surely have room, then the dirty ones, then those where a
		// run of the next lower power of two may be long enough.
		if (search.phase == 2 && exact)
			break;
		unsigned looked_in = search.phase == 2 || exact ? order : order + 1;
		const Summary &candidates = search.phase == 1 ? dirty_ : runs_[looked_in];
		for (;; budget--) {
			if (!budget)
				return Found::more;
			u32 word = candidates.first(search.next);
			if (word == Summary::none)
				break;
			if (fits(word, search.count, &search.ref))
				return Found::yes;
			recompute(word);
			search.next = word + 1;
		}
	}
	return Found::no;
}

} // namespace xengnt

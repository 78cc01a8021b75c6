// SPDX-License-Identifier: GPL-2.0
//
// Granting access through claimed references, and ending it: every case, where fast_paths.h knows
// the usual one. ref_word.hh says who may leave the state "granted".
#pragma once

#include "deferred_ends.hh"
#include "grant_entry.hh"
#include "ref_allocator.hh"

namespace xengnt
{

enum class End : u8 {
	ended,    // or never granted
	busy,     // the other side still uses it
	deferred, // the same, and its end is taken care of
};

class Grants
{
	static constexpr u32 entries_per_barrier = 32;

	template <class Open> Status open(GrantRef ref, Caller caller, Open write_entry);
	static Result<End> end_of(GrantRef ref, RefWord word, Caller caller);
	static Result<End> not_granted(GrantRef ref, RefWord word, Caller caller);
	static Result<End> lost(GrantRef ref, RefWord word, Caller caller);
	static bool leave_granted(GrantRef ref, RefWord from, RefWord to);
	Result<End> end_or_defer(GrantRef ref, void **page, DomId *domid, Caller caller);
	// A page that turned out not to be needed is left to the caller to put.
	Result<End> end_or_defer_pinned(GrantRef ref, void **page, void **unneeded, DomId *domid,
					Caller caller);
	static bool end_in_batch(GrantRef ref, RefWord word, GrantRef next);
	void set_aside(GrantRef ref);

	u32 lost_ = 0; // atomic: set aside

public:
	void create() { lost_ = 0; }
	// Makes those that were set aside free again whose entry can be reached. True: some cannot.
	bool recover_lost();

	Status grant(GrantRef ref, DomId domid, Gfn frame, bool readonly, Caller caller);
	// Allocates and grants; references whose entry cannot be reached are set aside.
	Result<GrantRef> grant_new(Pool &pool, DomId domid, Gfn frame, bool readonly,
				   Caller caller);
	// A reference of the state granted whose entry cannot be reached: set aside.
	void give_up_lost(GrantRef ref);
	// Version 2 only, for copies: a part of a page, and another domain's grant passed on.
	Status grant_part(GrantRef ref, DomId domid, Gfn frame, bool readonly, PagePart part,
			  Caller caller);
	Status grant_transitive(GrantRef ref, DomId domid, bool readonly, DomId source_domid,
				GrantRef source_ref, Caller caller);

	// Ends access; the reference stays claimed.
	Result<End> end(GrantRef ref, Caller caller);
	// Ends access and frees the reference, or changes nothing (busy).
	Result<End> try_end(GrantRef ref, Caller caller);
	// Ends access now or later; then frees the reference and puts the page.
	Result<End> end_and_put(GrantRef ref, void *page, Caller caller);
	// The same, and calls fn(arg) then; `notice` is the caller's memory for it.
	Result<End> end_and_notify(xg_end_notice *notice, GrantRef ref, void *page,
				   void (*fn)(void *), void *arg, Caller caller);

	// Allocates a reference for each frame and grants it; all or none.
	Status grant_batch(Pool &pool, DomId domid, const unsigned long *frames, u32 count,
			   bool readonly, u32 *refs, Caller caller);
	// end_and_put() for each. Those that are not leased are moved to the front; how many.
	u32 end_batch(u32 *refs, void **pages, u32 count, Caller caller);

	// References that are not leased, where the host cannot do it itself: closes the entry
	// unless it is busy (false), or keeps the granted page, null when there is none.
	static bool end_unleased(GrantRef ref);
	static void *keep_page_of(GrantRef ref);
};

extern Grants grants;

} // namespace xengnt

// SPDX-License-Identifier: GPL-2.0
//
// The state of a leased reference: one 64-bit word each, changed only along these arrows.
//
//   from      to        by                                          how
//   --------  --------  ------------------------------------------  ----------------------
//   unleased  free      the lease grows                             plain, not yet visible
//   free      unleased  the lease shrinks, or the module unloads    plain, out of the central list
//   free      cached    the central list refills a CPU cache        plain, out of the central list
//   free      claimed   one reference or a sequence is allocated    plain, out of the central list
//   free      listed    a run of references becomes a private list  plain, out of the central list
//   cached    claimed   allocated from a CPU cache                  compare-and-swap
//   cached    granted   the same, and access is granted             compare-and-swap
//   cached    free      a cache is flushed or drained               compare-and-swap
//   listed    claimed   claimed from a private list                 plain, the caller owns the list
//   listed    free      a private list is freed                     first member by c-a-s
//   claimed   listed    released to a private list                  plain, the caller owns it
//   claimed   cached    freed into a CPU cache                      compare-and-swap
//   claimed   free      freed into the central list                 compare-and-swap
//   claimed   granted   access is granted, version 1                plain, the caller owns it
//   claimed   granting  access is granted, version 2 or strict      compare-and-swap
//   granting  granted   the entry is open                           plain, by who grants
//   listed    granted   granted in a batch, the entry is open       plain, the caller owns the list
//   granted   claimed   access has ended                            see below
//   granted   cached    the same, and freed into a CPU cache        see below
//   granted   free      the same, freed into the central list       see below
//   granted   deferred  the other side is busy: the end waits       see below
//   deferred  cached    the deferred end has ended: freed           compare-and-swap
//   deferred  free      the same, into the central list             compare-and-swap
//   claimed   lost      its entry cannot be reached: set aside      compare-and-swap
//   lost      free      its entry can be reached again              plain, at a resume
//   any       unleased  handed over when the module unloads         plain, nothing else runs
//
// Leaving "granted": in a version 1 table, the call that takes the permission out of the entry with
// a compare-and-swap wins over all others that end or defer the same grant. The others find the
// entry closed, and are refused. So no two write the word, and the winner's store may be plain and
// late. A version 2 table has no such operation on its entries; there, in strict mode, and for
// grants from before a resume (run 1: "stale"), a compare-and-swap of the whole word decides, whose
// link then holds the number of the grant, so that a late one cannot hit a newer grant.
//
// A CPU cache holds hints: the word says whether the reference is still cached. So another CPU can
// take references out of a cache without the owner's help, and a stale hint does no harm.
//
// Runs: references that are handed out or kept together are linked through `link`. The first of a
// run carries its length; the others stay `free` with length 0, in the central list and on a
// private list alike, which is why handing out a run costs one word and not one per reference.
#pragma once

#include "../base/types.hh"
#include "layout.h"

namespace xengnt
{

enum class RefState : u8 {
	unleased = XG_STATE_UNLEASED,
	free = XG_STATE_FREE,
	cached = XG_STATE_CACHED,
	listed = XG_STATE_LISTED,
	claimed = XG_STATE_CLAIMED,
	granting = XG_STATE_GRANTING,
	granted = XG_STATE_GRANTED,
	deferred = XG_STATE_DEFERRED,
	lost = XG_STATE_LOST,
};
inline constexpr unsigned ref_states = XG_STATES;

// Numbers a pool: every reference outside the central list belongs to one.
struct PoolId {
	u16 raw;
	friend constexpr bool operator==(PoolId, PoolId) = default;
};

struct RefWord {
	u64 raw;

	// link: the next member of a run or list for free and listed references; the domain for
	// deferred ones; the number of the grant where a compare-and-swap decides (see above).
	// Otherwise it means nothing.
	[[gnu::always_inline]] static constexpr RefWord make(RefState state, PoolId pool, u32 link,
							     u8 run = 0)
	{
		return {u64{link} | u64{static_cast<u8>(state)} << 32 | u64{run} << 40 |
			u64{pool.raw} << 48};
	}
	[[gnu::always_inline]] constexpr RefState state() const
	{
		return static_cast<RefState>(static_cast<u8>(raw >> 32));
	}
	[[gnu::always_inline]] constexpr u32 link() const { return static_cast<u32>(raw); }
	[[gnu::always_inline]] constexpr u8 run() const { return static_cast<u8>(raw >> 40); }
	[[gnu::always_inline]] constexpr PoolId pool() const
	{
		return {static_cast<u16>(raw >> 48)};
	}
	// In this state and of this pool, and no run.
	[[gnu::always_inline]] constexpr bool is(RefState state, PoolId pool) const
	{
		return raw >> 32 == make(state, pool, 0).raw >> 32;
	}
	// State and run in one number, which one comparison tells from any other.
	[[gnu::always_inline]] static constexpr u16 kind_of(RefState state, u8 run)
	{
		return static_cast<u16>(static_cast<u8>(state) | run << 8);
	}
	[[gnu::always_inline]] constexpr u16 kind() const { return static_cast<u16>(raw >> 32); }
	// The same reference in another state.
	[[gnu::always_inline]] constexpr RefWord with(RefState state) const
	{
		return make(state, pool(), link());
	}
	[[gnu::always_inline]] constexpr RefWord with(RefState state, u32 new_link) const
	{
		return make(state, pool(), new_link);
	}
	// Granted before a resume: the entry may be closed although nobody has ended it.
	[[gnu::always_inline]] constexpr bool is_stale_grant() const
	{
		return state() == RefState::granted && run() != 0;
	}
};
static_assert(sizeof(RefWord) == 8);

// A free reference's word, but for its link.
inline constexpr u64 free_word = RefWord::make(RefState::free, {0}, 0).raw;

// Members of a run at most: what `run` can count, and what a CPU cache can take in at once.
inline constexpr unsigned run_target = 32;
inline constexpr unsigned run_limit = 2 * run_target - 1;

} // namespace xengnt

// SPDX-License-Identifier: GPL-2.0
//
// The state of a leased reference: one 64-bit word each, changed only along these arrows.
//
//   from      to        by                                          how
//   --------  --------  ------------------------------------------  ----------------------
//   unleased  free      the lease grows                             plain, not yet visible
//   free      unleased  the lease shrinks, or the module goes       plain, taken from store
//   free      cached    a CPU cache is refilled from the store      plain, taken from store
//   free      claimed   one reference or a sequence is allocated    plain, taken from store
//   free      listed    a run of references becomes a private list  plain, taken from store
//   cached    claimed   allocated from a CPU cache                  compare-and-swap
//   cached    free      a cache is flushed or drained               compare-and-swap
//   listed    claimed   claimed from a private list                 plain, the list is its caller's
//   listed    free      a private list is freed                     first member by c-a-s
//   claimed   listed    released to a private list                  plain, the list is its caller's
//   claimed   cached    freed into a CPU cache                      compare-and-swap
//   claimed   free      freed into the store                        compare-and-swap
//   claimed   granting  access is about to be granted               compare-and-swap
//   cached    granting  the same, allocated from a CPU cache for it compare-and-swap
//   granting  granted   the entry is open                           plain, by who is granting
//   listed    granted   granted in a batch, the entry is open       plain, the list is its caller's
//   granted   claimed   access has ended                            compare-and-swap
//   granted   cached    the same, and freed into a CPU cache        compare-and-swap
//   granted   free      the same, ended in a batch                  compare-and-swap
//   granted   deferred  its end is deferred: the other side is busy compare-and-swap
//   deferred  claimed   the deferred end has ended                  plain, taken from the queue
//   any       unleased  handed over when the module goes            plain, everything stopped
//
// A compare-and-swap is used wherever two callers, right or wrong, could meet; whoever loses has
// misused the interface and is told so. "Plain" changes are made by the one party that can reach
// the reference at that moment.
//
// Granted means that the entry has been opened. An end that came before would find the entry
// closed, call the reference ended, and leave it open to the other side once the grant went on: so
// nobody can end what is only being granted.
//
// A CPU cache holds hints: the word says whether the reference is still cached. So another CPU can
// take references out of a cache without the owner's help, and a hint may be stale, never harmful.
//
// Runs: references that are handed out or kept together are linked through `link`. The first of a
// run carries its length; the others stay `free` with length 0, in the store and on a private list
// alike, which is why handing out a run costs one word and not one per reference.
#pragma once

#include "../base/types.hh"

namespace xengnt
{

enum class RefState : u8 {
	unleased = 0,
	free,
	cached,
	listed,
	claimed,
	granting,
	granted,
	deferred,
};
inline constexpr unsigned ref_states = 8;

// Numbers a pool: every reference outside the store belongs to one.
using PoolId = Strong<struct PoolIdTag, u16>;

struct RefWord {
	u64 raw;

	// link: the next member of the run for free, listed and deferred references; for the others
	// the generation of the grant, so that a late compare-and-swap cannot hit a newer grant. It
	// begins anew when a reference has been in the store or on a list.
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
	// The same pool, of another kind, with another link.
	[[gnu::always_inline]] constexpr RefWord changed(u16 from, u16 to, u32 new_link) const
	{
		return {(raw >> 32 ^ from ^ to) << 32 | new_link};
	}
	// The same, with a run of one member less and another link.
	[[gnu::always_inline]] constexpr RefWord shortened(u32 new_link) const
	{
		return {(raw - (u64{1} << 40)) >> 32 << 32 | new_link};
	}
	// The same reference in another state, its pool and generation kept.
	[[gnu::always_inline]] constexpr RefWord with(RefState state) const
	{
		return make(state, pool(), link());
	}
	[[gnu::always_inline]] constexpr RefWord next_generation(RefState state) const
	{
		return make(state, pool(), link() + 1);
	}
};
static_assert(sizeof(RefWord) == 8);

// A free reference's word, but for its link.
inline constexpr u64 free_word = RefWord::make(RefState::free, {0}, 0).raw;

// Members of a run at most: what `run` can count, and what a CPU cache can take in at once.
inline constexpr unsigned run_target = 32;
inline constexpr unsigned run_limit = 2 * run_target - 1;

} // namespace xengnt

// SPDX-License-Identifier: GPL-2.0
//
// The leased references that no pool holds. Most are linked into runs of 32 or so, which are
// handed out whole; the rest are bits in the bitmap, where sequences are found. Every pool's
// account is kept here, in whole runs, so that the common allocation touches nothing shared.
//
// One spinlock; no section under it is longer than a constant.
#pragma once

#include "../base/lock.hh"
#include "../base/result.hh"
#include "free_bitmap.hh"
#include "pool.hh"
#include "ref_table.hh"

namespace xengnt
{

// References linked through their words, not yet or no longer in the store.
struct Run {
	u32 head = no_ref.raw;
	u32 tail = no_ref.raw;
	u32 count = 0;
};

// Runs on top of each other as the store keeps them: the first word of each has its length, its
// note says which is below.
struct RunStack {
	u32 top = no_ref.raw;
	u32 bottom = no_ref.raw;
	u32 count = 0; // of references

	[[gnu::always_inline]] void push(const Run &run);
};

[[gnu::always_inline]] inline void RunStack::push(const Run &run)
{
	u64 *word = ref_table.word(run.head);
	u32 link = RefWord{load_relaxed(word)}.link();
	store_relaxed(word,
		      RefWord::make(RefState::free, {0}, link, static_cast<u8>(run.count)).raw);
	ref_table.note(run.head).run = {top, run.tail};
	if (!count)
		bottom = run.head;
	top = run.head;
	count += run.count;
}

class FreeStore
{
	SpinLock lock_;
	FreeBitmap bitmap_ GUARDED_BY(lock_);
	u32 top_run_ GUARDED_BY(lock_) = no_ref.raw;
	u32 free_ GUARDED_BY(lock_) = 0;     // in runs and bitmap, without what is promised
	u32 unfilled_ GUARDED_BY(lock_) = 0; // what pools with a reserve could still claim
	u32 undecided_ = 0; // atomic: long sequences being gathered, which may be given up again

	bool charge(Pool &pool, u32 count) REQUIRES(lock_);
	void credit(Pool &pool, u32 count) REQUIRES(lock_);
	u32 taken(const Pool &pool) const REQUIRES(lock_);
	u32 allowed(const Pool &pool) const REQUIRES(lock_);
	u32 could_give(const Pool &pool) const REQUIRES(lock_);
	Run pop(u32 most) REQUIRES(lock_);
	Run pop_bits(u32 most) REQUIRES(lock_);
	Run split_top(u32 most) REQUIRES(lock_);
	void push(const Run &run) REQUIRES(lock_);
	bool dissolve(u32 runs) REQUIRES(lock_);
	bool take_bits(u32 first, u32 count);
	void give_bits(u32 first, u32 count);

public:
	constexpr FreeStore() : lock_() {}

	bool create(u32 refs) UNSHARED;
	void destroy() UNSHARED;

	// Newly leased references, or the remains of a pool that goes.
	void add(const u32 *refs, u32 count);
	// Up to `count` references out of the store for good, their words unleased.
	u32 remove(u32 count, u32 *refs);

	// One reference, claimed, and with `cache` (empty, and this CPU's) the rest of its run for
	// that, unless somebody is starving. References move between store and caches under the
	// lock: whoever has it finds every free one in the store or in a cache.
	Result<GrantRef> take_one(Pool &pool, CpuCache *cache, const u32 *starving);
	// Takes back those of `nr` hints (at most run_target) that are still cached.
	void collect(Pool &pool, const u32 *slots, u32 nr);
	// A private list; no_space when the store or the pool's account has fewer.
	Result<GrantRef> take_list(Pool &pool, u32 count);
	// `count` consecutive references; each is claimed by the pool.
	Result<GrantRef> take_sequence(Pool &pool, u32 count);

	// What a caller freed comes back: runs that are long enough to stay as they are, and one
	// that need not be. Either may be empty. How many are free now.
	u32 put_runs(Pool &pool, const RunStack &whole, const Run &rest);
	// Consecutive references of one segment come back, their words free.
	struct SequencePut {
		u32 twice; // had been given back already by another CPU that frees the same ones
		u32 free;  // now
	};
	SequencePut put_sequence(Pool &pool, GrantRef first, u32 count);

	// How many the pool could have.
	u32 available(Pool &pool);
	// Whether the pool's limit leaves room for so many, if they were free.
	bool account_allows(Pool &pool, u32 count);
	u32 free_count();
	// What no pool has a claim on.
	u32 open_count();
	void set_account(Pool &pool, u32 limit, u32 reserve);
	u32 held(const Pool &pool);

	bool is_undecided() const { return load_acquire(&undecided_) != 0; }

	int check_invariants();
};

} // namespace xengnt

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

// References linked through their words, on their way into or out of the list.
struct Run {
	GrantRef head = no_ref;
	GrantRef tail = no_ref;
	u32 count = 0;
};

// Runs on top of each other as the list keeps them: the first word of each has its length, its
// note says which is below.
struct RunStack {
	GrantRef top = no_ref;
	GrantRef bottom = no_ref;
	u32 count = 0; // of references

	[[gnu::always_inline]] void push(const Run &run);
};

[[gnu::always_inline]] inline void RunStack::push(const Run &run)
{
	u64 *word = ref_table.word(run.head);
	u32 link = RefWord{load_relaxed(word)}.link();
	store_relaxed(word,
		      RefWord::make(RefState::free, no_pool, link, static_cast<u8>(run.count)).raw);
	ref_table.run_note(run.head) = {top.raw, run.tail.raw};
	if (!count)
		bottom = run.head;
	top = run.head;
	count += run.count;
}

class CentralFreeList
{
	// Every list and refill writes these: they share a line.
	alignas(64) SpinLock lock_;
	GrantRef top_run_ GUARDED_BY(lock_) = no_ref;
	// Written under the lock, read without it by available().
	u32 free_ = 0;      // in runs and bitmap
	u32 promised_ = 0;  // what pools with a reserve could still claim
	u32 undecided_ = 0; // atomic: long sequences being gathered, which may be given up again
	alignas(64) FreeBitmap bitmap_ GUARDED_BY(lock_);

	bool charge(Pool &pool, u32 count) REQUIRES(lock_);
	void credit(Pool &pool, u32 count) REQUIRES(lock_);
	void change_held(Pool &pool, u32 held) REQUIRES(lock_);
	void change_account(Pool &pool, u32 limit, u32 reserve) REQUIRES(lock_);
	void add_free(u32 count) REQUIRES(lock_) { store_relaxed(&free_, free_ + count); }
	u32 open() const;
	u32 open_to(const Pool &pool) const;
	Run pop(u32 most) REQUIRES(lock_);
	Run pop_bits(u32 most) REQUIRES(lock_);
	static u32 length_of(GrantRef head);
	Run split_top(u32 most) REQUIRES(lock_);
	void push(const Run &run) REQUIRES(lock_);
	u32 dissolve_run() REQUIRES(lock_);
	bool take_bits(GrantRef first, u32 count);
	void give_bits(GrantRef first, u32 count);

public:
	constexpr CentralFreeList() : lock_() {}

	bool create(u32 refs) UNSHARED;
	void destroy() UNSHARED;

	// Newly leased references.
	void add(const GrantRef *refs, u32 count);
	// Takes up to `count` references out for good, their words unleased; nothing that is
	// promised.
	u32 remove(u32 count, GrantRef *refs);

	// One reference, claimed, and with `cache` (empty, and this CPU's) the rest of its run for
	// that, unless somebody is starving. References move between the list and the caches under
	// the lock: who holds it finds every free reference in the list or in a cache.
	Result<GrantRef> take_one(Pool &pool, CpuCache *cache, const u32 *starving);
	// Takes back those of `nr` hints (at most run_target) that are still cached.
	void collect(Pool &pool, const u32 *slots, u32 nr);
	// A private list; no_space when there are fewer, or the pool's account allows fewer.
	Result<GrantRef> take_list(Pool &pool, u32 count);
	// `count` consecutive references, their words not yet claimed. The search takes the lock at
	// most sequence_holds() times: other CPUs can make it fail, not make it endless.
	Result<GrantRef> take_sequence(Pool &pool, u32 count);
	static u32 sequence_holds();

	// Takes freed references: runs that are long enough to stay as they are, and one that need
	// not be. Either may be empty. Returns how many are free now.
	u32 put_runs(Pool &pool, const RunStack &whole, const Run &rest);
	// Consecutive references come back, their words free.
	struct SequencePut {
		u32 twice; // another CPU that frees the same ones had put these back already
		u32 free;  // now
	};
	SequencePut put_sequence(Pool &pool, GrantRef first, u32 count);
	// A reference of the pool that is set aside: nobody holds it, and nobody gets it.
	void write_off(Pool &pool);

	// How many the pool could have. Without the lock: exact for those who changed it last.
	u32 available(const Pool &pool) const;
	// How many the pool's limit leaves room for.
	static u32 allowed(const Pool &pool);
	u32 free_count();
	// Keeps this many more for the pool. False, and nothing changed: fewer are free that no
	// other pool has been promised.
	bool set_account(Pool &pool, u32 limit, u32 reserve);
	// How many references set_account() lacks.
	u32 missing_for(const Pool &pool, u32 reserve) const;
	u32 held(const Pool &pool) const { return load_relaxed(&pool.held); }

	bool is_undecided() const { return load_acquire(&undecided_) != 0; }

	int check_invariants();
};

extern CentralFreeList central_list;

} // namespace xengnt

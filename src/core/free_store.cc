// SPDX-License-Identifier: GPL-2.0
#include "free_store.hh"

namespace xengnt
{

namespace
{

// Bounds on what happens under the lock at once.
constexpr int runs_per_hold = 16;
constexpr u32 bits_per_hold = 4096;
constexpr u32 dissolved_per_hold = 1;
constexpr u32 added_per_hold = 16;

constexpr PoolId no_pool{0};

[[gnu::always_inline]] inline u32 unfilled(const Pool &pool)
{
	return pool.reserve > pool.held ? pool.reserve - pool.held : 0;
}

} // namespace

bool FreeStore::create(u32 refs)
{
	lock_.init(XG_LOCK_STORE);
	top_run_ = no_ref.raw;
	free_ = unfilled_ = undecided_ = 0;
	return bitmap_.create(refs);
}

void FreeStore::destroy()
{
	bitmap_.destroy();
}

// --- accounts ---

u32 FreeStore::taken(const Pool &pool) const
{
	return pool.held;
}

u32 FreeStore::allowed(const Pool &pool) const
{
	u32 held = taken(pool);
	return pool.limit > held ? pool.limit - held : 0;
}

u32 FreeStore::could_give(const Pool &pool) const
{
	u32 kept = unfilled_ - unfilled(pool);
	u32 left = free_ > kept ? free_ - kept : 0;
	return smaller(left, allowed(pool));
}

bool FreeStore::charge(Pool &pool, u32 count)
{
	if (could_give(pool) < count)
		return false;
	unfilled_ -= unfilled(pool);
	pool.held += count;
	unfilled_ += unfilled(pool);
	free_ -= count;
	return true;
}

void FreeStore::credit(Pool &pool, u32 count)
{
	unfilled_ -= unfilled(pool);
	pool.held -= count;
	unfilled_ += unfilled(pool);
	free_ += count;
}

void FreeStore::set_account(Pool &pool, u32 limit, u32 reserve)
{
	LockGuard guard(lock_);
	unfilled_ -= unfilled(pool);
	pool.limit = limit;
	pool.reserve = reserve;
	unfilled_ += unfilled(pool);
}

u32 FreeStore::available(Pool &pool)
{
	LockGuard guard(lock_);
	return could_give(pool);
}

bool FreeStore::account_allows(Pool &pool, u32 count)
{
	LockGuard guard(lock_);
	return allowed(pool) >= count;
}

u32 FreeStore::free_count()
{
	LockGuard guard(lock_);
	return free_;
}

u32 FreeStore::open_count()
{
	LockGuard guard(lock_);
	return free_ > unfilled_ ? free_ - unfilled_ : 0;
}

u32 FreeStore::held(const Pool &pool)
{
	LockGuard guard(lock_);
	return taken(pool);
}

// --- runs ---

// A run of at most `most` (at least one) that exists because it was charged. The words of its
// members are left to the caller, the length in the head's word included.
[[gnu::always_inline]] inline Run FreeStore::pop(u32 most)
{
	u32 head = top_run_;
	if (head == no_ref.raw) [[unlikely]]
		return pop_bits(most);
	u32 count = ref_table.read(head).run();
	if (count > most) [[unlikely]]
		return split_top(most);
	auto below = ref_table.note(head).run;
	top_run_ = below.next_run;
	return {head, below.tail, count};
}

// The same from the bitmap.
Run FreeStore::pop_bits(u32 most)
{
	Run run;
	u32 word;
	u64 taken = bitmap_.take_some(smaller(most, run_target), &word);
	for (; taken; taken &= taken - 1) {
		u32 ref = word * 64 + static_cast<u32>(__builtin_ctzll(taken));
		if (run.count++)
			ref_table.write(run.tail, RefWord::make(RefState::free, no_pool, ref));
		else
			run.head = ref;
		run.tail = ref;
	}
	return run;
}

// The same from the top run, which is longer.
Run FreeStore::split_top(u32 most)
{
	u32 head = top_run_;
	RefWord word = ref_table.read(head);
	auto below = ref_table.note(head).run;
	u32 tail = head;
	for (u32 i = 1; i < most; i++)
		tail = ref_table.read(tail).link();
	u32 rest = ref_table.read(tail).link();
	ref_table.write(rest, RefWord::make(RefState::free, no_pool, ref_table.read(rest).link(),
					    static_cast<u8>(word.run() - most)));
	ref_table.note(rest).run = below;
	top_run_ = rest;
	return {head, tail, most};
}

// The members' words are free and linked from head to tail.
void FreeStore::push(const Run &run)
{
	u32 below = top_run_;
	u32 tail = run.tail;
	u32 length = run.count;
	if (below != no_ref.raw) {
		// Small runs are joined, so that handing out stays cheap.
		RefWord word = ref_table.read(below);
		if (word.run() < run_target && word.run() + length <= run_limit) {
			auto note = ref_table.note(below).run;
			ref_table.write(below, RefWord::make(RefState::free, no_pool, word.link()));
			ref_table.write(tail, RefWord::make(RefState::free, no_pool, below));
			length += word.run();
			tail = note.tail;
			below = note.next_run;
		}
	}
	ref_table.write(run.head,
			RefWord::make(RefState::free, no_pool, ref_table.read(run.head).link(),
				      static_cast<u8>(length)));
	ref_table.note(run.head).run = {below, tail};
	top_run_ = run.head;
}

// Turns some runs into bits; false when there was none.
bool FreeStore::dissolve(u32 runs)
{
	for (u32 i = 0; i < runs; i++) {
		if (top_run_ == no_ref.raw)
			return i != 0;
		Run run = pop(run_limit);
		u32 ref = run.head;
		for (u32 left = run.count; left; left--) {
			u32 next = ref_table.read(ref).link();
			ref_table.write(ref, RefWord::make(RefState::free, no_pool, 0));
			bitmap_.give(ref, 1);
			ref = next;
		}
	}
	return true;
}

// --- in and out ---

void FreeStore::add(const u32 *refs, u32 count)
{
	for (u32 done = 0; done < count;) {
		LockGuard guard(lock_);
		for (u32 here = 0; here < added_per_hold && done < count; here++, done++) {
			ref_table.write(refs[done], RefWord::make(RefState::free, no_pool, 0));
			bitmap_.give(refs[done], 1);
			free_++;
		}
	}
}

u32 FreeStore::remove(u32 count, u32 *refs)
{
	LockGuard guard(lock_);
	// What pools have been promised stays.
	u32 spare = free_ > unfilled_ ? free_ - unfilled_ : 0;
	if (count > spare)
		count = spare;
	for (u32 done = 0; done < count;) {
		Run run = pop(count - done);
		u32 ref = run.head;
		for (u32 left = run.count; left; left--) {
			u32 next = ref_table.read(ref).link();
			ref_table.write(ref, RefWord::make(RefState::unleased, no_pool, 0));
			refs[done++] = ref;
			ref = next;
		}
	}
	free_ -= count;
	return count;
}

Result<GrantRef> FreeStore::take_one(Pool &pool, CpuCache *cache, const u32 *starving)
{
	LockGuard guard(lock_);
	u32 could = could_give(pool);
	if (!could)
		return Error::no_space;
	// Whoever starves and has had the lock since finds what was cached before; from then on
	// nothing is.
	bool one = !cache || load_relaxed(starving);
	Run run = pop(one ? 1 : smaller(run_limit, could));
	charge(pool, run.count);
	GrantRef taken{run.head};
	u32 next = ref_table.read(run.head).link();
	ref_table.write(run.head, RefWord::make(RefState::claimed, pool.id, 0));
	u32 used = 0;
	for (u32 left = run.count - 1; left; left--) {
		u32 ref = next;
		next = ref_table.read(ref).link();
		ref_table.write(ref, RefWord::make(RefState::cached, pool.id, 0));
		store_release(&cache->slots[used++], ref);
	}
	if (used)
		store_release(&cache->used, used);
	return taken;
}

void FreeStore::collect(Pool &pool, const u32 *slots, u32 nr)
{
	LockGuard guard(lock_);
	Run run;
	for (u32 i = 0; i < nr; i++) {
		u32 ref = load_acquire(&slots[i]);
		RefWord word = ref_table.read(ref);
		if (word.state() != RefState::cached || word.pool() != pool.id)
			continue;
		if (!ref_table.swap(ref, word, RefWord::make(RefState::free, no_pool, run.head)))
			continue;
		run.head = ref;
		if (!run.count++)
			run.tail = ref;
	}
	if (!run.count)
		return;
	push(run);
	credit(pool, run.count);
}

Result<GrantRef> FreeStore::take_list(Pool &pool, u32 count)
{
	const u64 listed = RefWord::make(RefState::listed, pool.id, 0).raw;
	u32 head = no_ref.raw;
	u64 *last = nullptr; // the word of the last member so far
	u64 last_word = 0;   // what it will be, but for its link
	auto link_to = [&](u32 ref) __attribute__((always_inline))
	{
		if (last)
			store_relaxed(last, last_word | ref);
		else
			head = ref;
	};

	for (u32 left = count; left;) {
		LockGuard guard(lock_);
		if (left == count) {
			// Charged as a whole, so that the later rounds find what they need.
			if (!charge(pool, count))
				return Error::no_space;
			pool.allocated += count;
		}
		for (int i = 0; i < runs_per_hold && left; i++) {
			Run run = pop(left);
			u64 *first = ref_table.word(run.head);
			u64 word =
			    listed | u64{run.count} << 40 | RefWord{load_relaxed(first)}.link();
			store_relaxed(first, word);
			link_to(run.head);
			// The others stay free.
			last = ref_table.word(run.tail);
			last_word = run.count == 1 ? word & ~u64{0xffffffff} : free_word;
			left -= run.count;
		}
	}
	link_to(no_ref.raw);
	return GrantRef{head};
}

u32 FreeStore::put_runs(Pool &pool, const RunStack &whole, const Run &rest)
{
	LockGuard guard(lock_);
	if (whole.count) {
		// A short run stays on top, where the next one that is short can join it.
		Run small;
		if (top_run_ != no_ref.raw && ref_table.read(top_run_).run() < run_target)
			small = pop(run_limit);
		ref_table.note(whole.bottom).run.next_run = top_run_;
		top_run_ = whole.top;
		if (small.count)
			push(small);
	}
	if (rest.count)
		push(rest);
	u32 count = whole.count + rest.count;
	credit(pool, count);
	pool.freed += count;
	return free_;
}

// --- sequences ---

// Takes a sequence longer than one hold of the lock allows; gives up, nothing taken, when somebody
// else got in between.
bool FreeStore::take_bits(u32 first, u32 count)
{
	for (u32 done = 0; done < count;) {
		u32 here = smaller(count - done, bits_per_hold);
		bool taken;
		{
			LockGuard guard(lock_);
			taken = bitmap_.take(first + done, here);
		}
		if (!taken) {
			give_bits(first, done);
			return false;
		}
		done += here;
	}
	return true;
}

void FreeStore::give_bits(u32 first, u32 count)
{
	for (u32 done = 0; done < count;) {
		u32 here = smaller(count - done, bits_per_hold);
		LockGuard guard(lock_);
		bitmap_.give(first + done, here);
		done += here;
	}
}

Result<GrantRef> FreeStore::take_sequence(Pool &pool, u32 count)
{
	FreeBitmap::Search search{count};
	bool dissolved = false;

	for (;;) {
		{
			LockGuard guard(lock_);
			// Charged when it is found: a search that fails takes nothing from others.
			if (could_give(pool) < count)
				return Error::no_space;
			FreeBitmap::Found found = bitmap_.step(search);
			if (found == FreeBitmap::Found::more)
				continue;
			if (found == FreeBitmap::Found::no) {
				// Runs hide neighbours from the bitmap: all of them go in, then
				// once more.
				if (dissolve(dissolved_per_hold)) {
					dissolved = true;
					continue;
				}
				if (dissolved) {
					dissolved = false;
					search = {count};
					continue;
				}
				return Error::no_space;
			}
			if (count <= bits_per_hold) {
				// The first part of a long one was seen a while ago.
				if (!bitmap_.take(search.ref, count)) {
					search = {count};
					continue;
				}
				charge(pool, count);
				pool.allocated += count;
				break;
			}
			fetch_add(&undecided_, 1u);
			charge(pool, count);
		}
		bool taken = take_bits(search.ref, count);
		LockGuard guard(lock_);
		fetch_sub(&undecided_, 1u);
		if (taken) {
			pool.allocated += count;
			break;
		}
		credit(pool, count);
		search = {count};
	}
	return GrantRef{search.ref};
}

FreeStore::SequencePut FreeStore::put_sequence(Pool &pool, GrantRef first, u32 count)
{
	LockGuard guard(lock_);
	u32 twice = bitmap_.give(first.raw, count);
	credit(pool, count - twice);
	pool.freed += count - twice;
	return {twice, free_};
}

// --- rules ---

int FreeStore::check_invariants()
{
	LockGuard guard(lock_);
	u32 found = 0;
	for (u32 run = top_run_; run != no_ref.raw; run = ref_table.note(run).run.next_run) {
		u32 length = ref_table.read(run).run();
		if (!length || length > run_limit)
			return 1; // a run has 1 to run_limit members
		u32 ref = run;
		for (u32 i = 0; i < length; i++) {
			RefWord word = ref_table.read(ref);
			if (word.state() != RefState::free || word.pool() != no_pool ||
			    (i && word.run()) || bitmap_.has(ref))
				return 2; // members of runs are free, nobody's, and not in the
					  // bitmap
			if (i + 1 == length && ref != ref_table.note(run).run.tail)
				return 3; // a run ends at its tail
			ref = word.link();
		}
		found += length;
		if (found > ref_table.size())
			return 4; // runs do not form a cycle
	}
	for (u32 ref = 0; ref < ref_table.size(); ref++) {
		if (!bitmap_.has(ref))
			continue;
		u64 *word = ref_table.find({ref});
		if (!word || RefWord{load_relaxed(word)}.state() != RefState::free)
			return 5; // a bit stands for a free reference
		found++;
	}
	return found == free_ ? 0 : 6; // what is counted is there
}

} // namespace xengnt

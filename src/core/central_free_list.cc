// SPDX-License-Identifier: GPL-2.0
#include "central_free_list.hh"

#include "rules.hh"

namespace xengnt
{

constinit CentralFreeList central_list;

namespace
{

// Bounds on what happens under the lock at once.
constexpr int runs_per_hold = 16;
constexpr u32 bits_per_hold = 4096;
constexpr u32 added_per_hold = 16;

[[gnu::always_inline]] inline u32 unclaimed_reserve(u32 reserve, u32 held)
{
	return reserve > held ? reserve - held : 0;
}

[[gnu::always_inline]] inline RefWord free_link(GrantRef next, u32 run = 0)
{
	return RefWord::make(RefState::free, no_pool, next.raw, static_cast<u8>(run));
}

[[gnu::always_inline]] inline GrantRef after(GrantRef ref)
{
	return {ref_table.read(ref).link()};
}

} // namespace

bool CentralFreeList::create(u32 refs)
{
	lock_.init(XG_LOCK_STORE);
	top_run_ = no_ref;
	free_ = promised_ = undecided_ = 0;
	return bitmap_.create(refs);
}

void CentralFreeList::destroy()
{
	bitmap_.destroy();
}

// --- accounts ---

u32 CentralFreeList::allowed(const Pool &pool)
{
	u32 held = load_relaxed(&pool.held);
	u32 limit = load_relaxed(&pool.limit);
	return limit > held ? limit - held : 0;
}

u32 CentralFreeList::open() const
{
	u32 free = load_relaxed(&free_);
	u32 promised = load_relaxed(&promised_);
	return free > promised ? free - promised : 0;
}

// The free references that no other pool has been promised.
u32 CentralFreeList::open_to(const Pool &pool) const
{
	u32 own = unclaimed_reserve(load_relaxed(&pool.reserve), load_relaxed(&pool.held));
	u32 free = load_relaxed(&free_);
	u32 promised = load_relaxed(&promised_);
	u32 others = promised > own ? promised - own : 0;
	return free > others ? free - others : 0;
}

u32 CentralFreeList::available(const Pool &pool) const
{
	return min(open_to(pool), allowed(pool));
}

void CentralFreeList::change_account(Pool &pool, u32 limit, u32 reserve)
{
	store_relaxed(&promised_, promised_ - unclaimed_reserve(pool.reserve, pool.held) +
				      unclaimed_reserve(reserve, pool.held));
	store_relaxed(&pool.limit, limit);
	store_relaxed(&pool.reserve, reserve);
}

void CentralFreeList::change_held(Pool &pool, u32 held)
{
	store_relaxed(&promised_, promised_ - unclaimed_reserve(pool.reserve, pool.held) +
				      unclaimed_reserve(pool.reserve, held));
	store_relaxed(&pool.held, held);
}

bool CentralFreeList::charge(Pool &pool, u32 count)
{
	if (available(pool) < count)
		return false;
	change_held(pool, pool.held + count);
	store_relaxed(&free_, free_ - count);
	return true;
}

void CentralFreeList::credit(Pool &pool, u32 count)
{
	change_held(pool, pool.held - count);
	add_free(count);
}

void CentralFreeList::write_off(Pool &pool)
{
	LockGuard guard(lock_);
	change_held(pool, pool.held - 1);
	increment(&pool.freed);
}

u32 CentralFreeList::missing_for(const Pool &pool, u32 reserve) const
{
	u32 wanted = unclaimed_reserve(reserve, load_relaxed(&pool.held));
	u32 there = open_to(pool);
	return wanted > there ? wanted - there : 0;
}

bool CentralFreeList::set_account(Pool &pool, u32 limit, u32 reserve)
{
	LockGuard guard(lock_);
	if (missing_for(pool, reserve))
		return false;
	change_account(pool, limit, reserve);
	return true;
}

u32 CentralFreeList::free_count()
{
	LockGuard guard(lock_);
	return free_;
}

// --- runs ---

// A run of at most `most` (at least one) that exists because it was charged. The words of its
// members are left to the caller, the length in the head's word included.
[[gnu::always_inline]] inline Run CentralFreeList::pop(u32 most)
{
	GrantRef head = top_run_;
	if (head == no_ref) [[unlikely]]
		return pop_bits(most);
	u32 count = ref_table.read(head).run();
	// Also when it is 0: see length_of().
	if (count - 1 >= most) [[unlikely]]
		return split_top(most);
	RunNote below = ref_table.run_note(head);
	top_run_ = {below.next_run};
	return {head, {below.tail}, count};
}

// The length of a run. Two calls of wrong callers that race, one of which frees the reference, can
// leave the late store of the other in the head's word: it has no length then. The links are
// intact.
u32 CentralFreeList::length_of(GrantRef head)
{
	u32 length = ref_table.read(head).run();
	if (length) [[likely]]
		return length;
	u32 tail = ref_table.run_note(head).tail;
	for (length = 1; head.raw != tail && length < run_limit; length++)
		head = after(head);
	return length;
}

// The same from the bitmap.
Run CentralFreeList::pop_bits(u32 most)
{
	Run run;
	u32 word;
	u64 taken = bitmap_.take_some(min(most, run_target), &word);
	for (; taken; taken &= taken - 1) {
		GrantRef ref{word * 64 + static_cast<u32>(__builtin_ctzll(taken))};
		if (run.count++)
			ref_table.write(run.tail, free_link(ref));
		else
			run.head = ref;
		run.tail = ref;
	}
	return run;
}

// The same from the top run, which is longer, or has lost its length.
Run CentralFreeList::split_top(u32 most)
{
	GrantRef head = top_run_;
	u32 length = length_of(head);
	RunNote below = ref_table.run_note(head);
	if (length <= most) {
		top_run_ = {below.next_run};
		return {head, {below.tail}, length};
	}
	GrantRef tail = head;
	for (u32 i = 1; i < most; i++)
		tail = after(tail);
	GrantRef rest = after(tail);
	ref_table.write(rest, free_link(after(rest), length - most));
	ref_table.run_note(rest) = below;
	top_run_ = rest;
	return {head, tail, most};
}

// The members' words are free and linked from head to tail.
void CentralFreeList::push(const Run &run)
{
	GrantRef below = top_run_;
	GrantRef tail = run.tail;
	u32 length = run.count;
	if (below != no_ref) {
		// Small runs are joined, so that handing out stays cheap.
		RefWord word = ref_table.read(below);
		u32 joined = length_of(below);
		if (joined < run_target && joined + length <= run_limit) {
			RunNote note = ref_table.run_note(below);
			ref_table.write(below, free_link({word.link()}));
			ref_table.write(tail, free_link(below));
			length += joined;
			tail = {note.tail};
			below = {note.next_run};
		}
	}
	ref_table.write(run.head, free_link(after(run.head), length));
	ref_table.run_note(run.head) = {below.raw, tail.raw};
	top_run_ = run.head;
}

// Turns the top run into bits; how many, 0 when there is none.
u32 CentralFreeList::dissolve_run()
{
	if (top_run_ == no_ref)
		return 0;
	Run run = pop(run_limit);
	GrantRef ref = run.head;
	for (u32 left = run.count; left; left--) {
		GrantRef next = after(ref);
		ref_table.write(ref, {free_word});
		bitmap_.give(ref.raw, 1);
		ref = next;
	}
	return run.count;
}

// --- in and out ---

void CentralFreeList::add(const GrantRef *refs, u32 count)
{
	for (u32 done = 0; done < count;) {
		LockGuard guard(lock_);
		u32 here = min(added_per_hold, count - done);
		for (u32 i = 0; i < here; i++, done++) {
			ref_table.write(refs[done], {free_word});
			bitmap_.give(refs[done].raw, 1);
		}
		add_free(here);
	}
}

u32 CentralFreeList::remove(u32 count, GrantRef *refs)
{
	LockGuard guard(lock_);
	count = min(count, open());
	for (u32 done = 0; done < count;) {
		Run run = pop(count - done);
		GrantRef ref = run.head;
		for (u32 left = run.count; left; left--) {
			GrantRef next = after(ref);
			ref_table.write(ref, RefWord::make(RefState::unleased, no_pool, 0));
			refs[done++] = ref;
			ref = next;
		}
	}
	store_relaxed(&free_, free_ - count);
	return count;
}

Result<GrantRef> CentralFreeList::take_one(Pool &pool, CpuCache *cache, const u32 *starving)
{
	LockGuard guard(lock_);
	u32 could = available(pool);
	if (!could)
		return Error::no_space;
	// While somebody starves no cache is filled: after its drain the starving call must find
	// every free reference in this list.
	bool one = !cache || load_relaxed(starving);
	Run run = pop(one ? 1 : min(run_limit, could));
	charge(pool, run.count);
	GrantRef taken = run.head;
	GrantRef next = after(taken);
	ref_table.write(taken, RefWord::make(RefState::claimed, id_of(pool), 0));
	u32 used = 0;
	for (u32 left = run.count - 1; left; left--) {
		GrantRef ref = next;
		next = after(ref);
		ref_table.write(ref, RefWord::make(RefState::cached, id_of(pool), 0));
		store_release(&cache->slots[used++], ref.raw);
	}
	if (used)
		store_release(&cache->used, used);
	return taken;
}

void CentralFreeList::collect(Pool &pool, const u32 *slots, u32 nr)
{
	LockGuard guard(lock_);
	Run run;
	for (u32 i = 0; i < nr; i++) {
		GrantRef ref{load_acquire(&slots[i])};
		RefWord word = ref_table.read(ref);
		if (!word.is(RefState::cached, id_of(pool)))
			continue;
		if (!ref_table.swap(ref, word, free_link(run.head)))
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

Result<GrantRef> CentralFreeList::take_list(Pool &pool, u32 count)
{
	const u64 listed = RefWord::make(RefState::listed, id_of(pool), 0).raw;
	GrantRef head = no_ref;
	u64 *last = nullptr; // the word of the last member so far
	u64 last_word = 0;   // what it will be, but for its link
	auto link_to = [&](GrantRef ref) __attribute__((always_inline))
	{
		if (last)
			store_relaxed(last, last_word | ref.raw);
		else
			head = ref;
	};

	for (u32 left = count; left;) {
		LockGuard guard(lock_);
		if (left == count) {
			// Charged as a whole, so that the later rounds find what they need.
			if (!charge(pool, count))
				return Error::no_space;
			increment(&pool.allocated, count);
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
	link_to(no_ref);
	return head;
}

u32 CentralFreeList::put_runs(Pool &pool, const RunStack &whole, const Run &rest)
{
	LockGuard guard(lock_);
	if (whole.count) {
		// A short run stays on top, where the next one that is short can join it.
		Run small;
		if (top_run_ != no_ref && ref_table.read(top_run_).run() < run_target)
			small = pop(run_limit);
		ref_table.run_note(whole.bottom).next_run = top_run_.raw;
		top_run_ = whole.top;
		if (small.count)
			push(small);
	}
	if (rest.count)
		push(rest);
	u32 count = whole.count + rest.count;
	credit(pool, count);
	increment(&pool.freed, count);
	return free_;
}

// --- sequences ---

// Takes a sequence longer than one hold of the lock allows; false, and nothing taken, when another
// CPU has taken a part in between.
bool CentralFreeList::take_bits(GrantRef first, u32 count)
{
	for (u32 done = 0; done < count;) {
		u32 here = min(count - done, bits_per_hold);
		bool taken;
		{
			LockGuard guard(lock_);
			taken = bitmap_.take(first.raw + done, here);
		}
		if (!taken) {
			give_bits(first, done);
			return false;
		}
		done += here;
	}
	return true;
}

void CentralFreeList::give_bits(GrantRef first, u32 count)
{
	for (u32 done = 0; done < count;) {
		u32 here = min(count - done, bits_per_hold);
		LockGuard guard(lock_);
		bitmap_.give(first.raw + done, here);
		done += here;
	}
}

// Enough to turn every reference's run into bits, and to search the whole bitmap several times.
u32 CentralFreeList::sequence_holds()
{
	return 2 * ref_table.size() + 1024;
}

Result<GrantRef> CentralFreeList::take_sequence(Pool &pool, u32 count)
{
	FreeBitmap::Search search{count};
	u32 undissolved = ref_table.size();
	bool dissolved = false;

	for (u32 holds = sequence_holds(); holds; holds--) {
		{
			LockGuard guard(lock_);
			// Charged when it is found: a search that fails takes nothing from others.
			if (available(pool) < count)
				return Error::no_space;
			FreeBitmap::Found found = bitmap_.step(search);
			if (found == FreeBitmap::Found::more)
				continue;
			if (found == FreeBitmap::Found::no) {
				// Runs hide neighbours from the bitmap: dissolve those that are
				// there, but not for ever those that others make meanwhile; then
				// search once more.
				u32 now_bits = undissolved ? dissolve_run() : 0;
				undissolved -= min(now_bits, undissolved);
				dissolved |= now_bits != 0;
				if (now_bits)
					continue;
				if (!dissolved)
					return Error::no_space;
				dissolved = false;
				search = {count};
				continue;
			}
			if (count <= bits_per_hold) {
				// The first part of a long one was seen a while ago.
				if (!bitmap_.take(search.ref, count)) {
					search = {count};
					continue;
				}
				charge(pool, count);
				increment(&pool.allocated, count);
				return GrantRef{search.ref};
			}
			fetch_add(&undecided_, 1u);
			charge(pool, count);
		}
		bool taken = take_bits({search.ref}, count);
		LockGuard guard(lock_);
		fetch_sub(&undecided_, 1u);
		if (taken) {
			increment(&pool.allocated, count);
			return GrantRef{search.ref};
		}
		credit(pool, count);
		search = {count};
	}
	return Error::no_space;
}

CentralFreeList::SequencePut CentralFreeList::put_sequence(Pool &pool, GrantRef first, u32 count)
{
	LockGuard guard(lock_);
	u32 twice = bitmap_.give(first.raw, count);
	credit(pool, count - twice);
	increment(&pool.freed, count - twice);
	return {twice, free_};
}

// --- rules ---

int CentralFreeList::check_invariants()
{
	LockGuard guard(lock_);
	u32 found = 0;
	for (GrantRef run = top_run_; run != no_ref; run = {ref_table.run_note(run).next_run}) {
		u32 length = ref_table.read(run).run();
		if (!length || length > run_limit)
			return rule_run_length;
		GrantRef ref = run;
		for (u32 i = 0; i < length; i++) {
			RefWord word = ref_table.read(ref);
			if (word.state() != RefState::free || word.pool() != no_pool ||
			    (i && word.run()) || bitmap_.has(ref.raw))
				return rule_run_members;
			if (i + 1 == length && ref.raw != ref_table.run_note(run).tail)
				return rule_run_tail;
			ref = {word.link()};
		}
		found += length;
		if (found > ref_table.size())
			return rule_runs_end;
	}
	for (u32 number = 0; number < ref_table.size(); number++) {
		if (!bitmap_.has(number))
			continue;
		if (ref_table.read({number}).state() != RefState::free)
			return rule_bits_are_free;
		found++;
	}
	return found == free_ ? 0 : rule_free_count;
}

} // namespace xengnt

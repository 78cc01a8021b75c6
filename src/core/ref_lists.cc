// SPDX-License-Identifier: GPL-2.0
//
// Private lists in their caller's hands: claimed from, released to, freed.
#include "ref_allocator.hh"

namespace xengnt
{

namespace
{

constexpr u16 alone_on_list = RefWord::kind_of(RefState::listed, 1);
constexpr u16 unclaimed_member = RefWord::kind_of(RefState::free, 0);
constexpr u16 merely_claimed = RefWord::kind_of(RefState::claimed, 0);

// Walks a list and makes each member free, gathering runs. What bounds the walk is that a member
// must be loaded before the next is known. Most lists go on in even steps, though: as they came
// from the store, or the other way round when each member was claimed and released in turn. There
// one comparison of the whole word tells that a member is what it should be and leads to the
// neighbour, which the processor has loaded by then.
struct ListWalk {
	u32 ref;
	u32 step = 0;
	u32 segment = ~0u;
	u64 *words = nullptr; // of this segment
	Run run{};

	// Null when the reference was never leased.
	[[gnu::always_inline]] u64 *word()
	{
		if (ref / segment_refs != segment) [[unlikely]] {
			u64 *found = ref_table.find({ref});
			if (!found)
				return nullptr;
			segment = ref / segment_refs;
			words = found - ref % segment_refs;
		}
		return words + ref % segment_refs;
	}
	// Adds this member to the run and goes on to the next.
	[[gnu::always_inline]] void take(u32 link)
	{
		if (!run.count++)
			run.head = ref;
		run.tail = ref;
		step = link - ref;
		ref = link;
	}
	// Takes members of one kind that lead to the next or the previous reference each, as long
	// as they are in this segment. The run is not empty.
	template <int direction> [[gnu::always_inline]] u32 take_neighbours(RefWord kind, u32 most)
	{
		u32 at = ref % segment_refs;
		u32 room = direction > 0 ? segment_refs - at : at + 1;
		u64 *here = words + at;
		u64 *end = here + static_cast<std::ptrdiff_t>(smaller(most, room)) * direction;
		u64 expected = kind.raw + ref + direction;
		while (here != end && load_relaxed(here) == expected) {
			if (kind.raw != free_word)
				store_relaxed(here, expected - kind.raw + free_word);
			here += direction;
			expected += direction;
		}
		u32 nr = static_cast<u32>((here - words - at) * direction);
		if (nr) {
			ref += nr * direction;
			run.tail = ref - direction;
			run.count += nr;
		}
		return nr;
	}
	// As many as go the usual way: members of one kind in this segment, freed if they are not
	// yet. The run is not empty.
	[[gnu::always_inline]] void take_alike(RefWord kind, u32 most)
	{
		for (u32 left = most; left; left--) {
			if (step == 1)
				left -= take_neighbours<1>(kind, left);
			else if (step == ~0u)
				left -= take_neighbours<-1>(kind, left);
			if (!left || ref / segment_refs != segment)
				break;
			u64 *here = words + ref % segment_refs;
			RefWord word{load_relaxed(here)};
			if (word.raw >> 32 != kind.raw >> 32)
				break;
			if (kind.raw != free_word)
				store_relaxed(here, free_word | word.link());
			take(word.link());
		}
	}
};

} // namespace

Status RefAllocator::free_list(u32 *list, Caller caller)
{
	ListWalk walk{*list};
	RunStack whole;
	Status result = Done{};
	PoolId owner{0};
	u32 free_now = 0;
	u32 left_of_run = 0; // members that were handed out with the last first of a run
	// Copies go out, so that the originals stay in registers.
	auto hand_over = [&]() __attribute__((always_inline))
	{
		if (whole.count || walk.run.count)
			free_now = store_.put_runs(pool(owner), RunStack(whole), Run(walk.run));
		whole = {};
		walk.run = {};
	};

	for (bool first = true; walk.ref != no_ref.raw; first = false) {
		u64 *raw = walk.word();
		RefWord word{raw ? load_relaxed(raw) : 0};
		bool member = left_of_run && word.kind() == unclaimed_member;
		if (left_of_run ? !member : word.state() != RefState::listed) [[unlikely]] {
			// The kernel's own may be below ours: they are its to free.
			result = word.state() == RefState::unleased && !left_of_run
				     ? Error::not_leased
				     : misuse(XG_REPORT_LIST_BROKEN, {walk.ref}, caller);
			break;
		}
		if (!member) {
			// The first one decides between two that free the same list at once.
			u64 freed = free_word | word.link();
			if (!first) {
				store_relaxed(raw, freed);
			} else if (!compare_and_swap(raw, word.raw, freed)) {
				result = misuse(XG_REPORT_LIST_BROKEN, {walk.ref}, caller);
				break;
			}
			left_of_run = word.run();
			if (word.pool() != owner) {
				hand_over();
				owner = word.pool();
			}
		}
		left_of_run--;
		walk.take(word.link());

		// Mostly more of the same kind follow: never claimed, or each claimed and released.
		u32 room = run_target - walk.run.count;
		u32 before = walk.run.count;
		if (left_of_run) {
			walk.take_alike(RefWord{free_word}, smaller(left_of_run, room));
			left_of_run -= walk.run.count - before;
		} else {
			walk.take_alike(RefWord::make(RefState::listed, owner, 0, 1), room);
		}
		if (walk.run.count >= run_target) {
			whole.push(walk.run);
			walk.run = {};
		}
	}
	hand_over();
	*list = walk.ref;
	freed_some(free_now);
	return result;
}

Result<GrantRef> RefAllocator::claim_fast(u32 *head)
{
	u32 ref = *head;
	u64 *raw = ref_table.find({ref});
	if (!raw) [[unlikely]]
		return Error::busy;
	RefWord word{load_relaxed(raw)};
	u32 next = word.link();
	if (word.kind() != alone_on_list) {
		if (word.state() != RefState::listed) [[unlikely]]
			return Error::busy;
		// The rest of the run gets a new first member: one less, of the same pool.
		u64 *second = ref_table.word(next);
		RefWord rest{load_relaxed(second)};
		if (rest.kind() != unclaimed_member) [[unlikely]]
			return Error::busy;
		store_relaxed(second, word.shortened(rest.link()).raw);
	}
	store_relaxed(raw, RefWord::make(RefState::claimed, word.pool(), 0).raw);
	*head = next;
	return GrantRef{ref};
}

Result<GrantRef> RefAllocator::claim(u32 *head, Caller caller)
{
	Result<GrantRef> claimed = claim_fast(head);
	if (claimed.ok())
		return claimed;
	u32 ref = *head;
	if (ref == no_ref.raw)
		return Error::no_space;
	u64 *raw = ref_table.find({ref});
	RefWord word{raw ? load_relaxed(raw) : 0};
	if (word.state() == RefState::unleased)
		return Error::not_leased;
	// This one, or what it says comes next, is not on a list.
	u32 broken = word.state() == RefState::listed ? word.link() : ref;
	return misuse(XG_REPORT_CLAIM_BAD_LIST, {broken}, caller);
}

Status RefAllocator::release_fast(u32 *head, GrantRef ref)
{
	u64 *raw = ref_table.find(ref);
	if (!raw) [[unlikely]]
		return Error::busy;
	RefWord word{load_relaxed(raw)};
	if (word.kind() != merely_claimed) [[unlikely]]
		return Error::busy;
	store_relaxed(raw, word.changed(merely_claimed, alone_on_list, *head).raw);
	*head = ref.raw;
	return Done{};
}

Status RefAllocator::release(u32 *head, GrantRef ref, Caller caller)
{
	if (release_fast(head, ref).ok())
		return Done{};
	u64 *raw = ref_table.find(ref);
	RefWord word{raw ? load_relaxed(raw) : 0};
	if (word.state() == RefState::unleased)
		return Error::not_leased;
	return misuse(XG_REPORT_RELEASE_UNCLAIMED, ref, caller);
}

} // namespace xengnt

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

} // namespace

// Gathers the runs of a freed list and hands them to the store, many at a time.
class RefAllocator::FreedRuns
{
	static constexpr u32 most_runs = 8;

	RefAllocator &allocator_;
	PoolId pool_{0};
	Run runs_[most_runs];
	u32 nr_ = 0;

	[[gnu::always_inline]] void hand_over()
	{
		if (nr_)
			allocator_.store_.put_runs(allocator_.pool(pool_), runs_, nr_);
		nr_ = 0;
	}

public:
	[[gnu::always_inline]] explicit FreedRuns(RefAllocator &allocator) : allocator_(allocator)
	{
	}

	// The members' words are free and linked.
	void add(PoolId pool, u32 head, u32 tail, u32 count);
	[[gnu::always_inline]] void finish() { hand_over(); }
};

void RefAllocator::FreedRuns::add(PoolId pool, u32 head, u32 tail, u32 count)
{
	if (pool != pool_ || nr_ == most_runs)
		hand_over();
	pool_ = pool;
	if (count)
		runs_[nr_++] = {head, tail, count};
}

namespace
{

// Walks a list and makes each member free, gathering runs. What bounds the walk is that a member
// must be loaded before the next is known: so the way from a reference to its word is one addition,
// and a list that goes on in even steps is followed by arithmetic, which the processor checks while
// it is ahead already.
struct ListWalk {
	u32 ref;
	u32 step = 0;
	u32 segment = ~0u;
	u64 *base = nullptr; // where the word of reference 0 would be, by this segment
	Run run{};

	[[gnu::always_inline]] bool in_segment() const { return ref / segment_refs == segment; }
	// Null when the reference was never leased.
	[[gnu::always_inline]] u64 *word()
	{
		if (in_segment()) [[likely]]
			return base + ref;
		u64 *found = ref_table.find({ref});
		segment = found ? ref / segment_refs : ~0u;
		base = reinterpret_cast<u64 *>(reinterpret_cast<std::uintptr_t>(found) -
					       u64{ref} * sizeof(u64));
		return found;
	}
	// Adds this member to the run and goes on to the next.
	[[gnu::always_inline]] void take(u32 link)
	{
		if (!run.count++)
			run.head = ref;
		run.tail = ref;
		u32 guess = ref + step;
		if (link == guess) {
			// Keeps the compiler from taking the loaded value, which is the same.
			__asm__("" : "+r"(guess));
			ref = guess;
		} else {
			step = link - ref;
			ref = link;
		}
	}
	// As many as go the usual way: members of one kind, freed if they are not yet.
	[[gnu::always_inline]] void take_alike(RefWord kind, u32 most)
	{
		constexpr u64 free_word = RefWord::make(RefState::free, {0}, 0).raw;
		ListWalk walk = *this; // in registers
		for (u32 left = most; left && walk.in_segment(); left--) {
			u64 raw = load_relaxed(walk.base + walk.ref);
			if (raw >> 32 != kind.raw >> 32)
				break;
			u32 link = static_cast<u32>(raw);
			if (kind.raw != free_word)
				store_relaxed(walk.base + walk.ref, free_word | link);
			walk.take(link);
		}
		*this = walk;
	}
};

} // namespace

Status RefAllocator::free_list(u32 *list, Caller caller)
{
	FreedRuns freed(*this);
	ListWalk walk{*list};
	Status result = Done{};
	PoolId pool{0};
	u32 left_of_run = 0; // members that were handed out with the last first of a run
	auto complete = [&] {
		freed.add(pool, walk.run.head, walk.run.tail, walk.run.count);
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
			RefWord freed_word = RefWord::make(RefState::free, {0}, word.link());
			if (first && !ref_table.swap(walk.ref, word, freed_word)) {
				result = misuse(XG_REPORT_LIST_BROKEN, {walk.ref}, caller);
				break;
			}
			store_relaxed(raw, freed_word.raw);
			left_of_run = word.run();
			if (word.pool() != pool) {
				complete();
				pool = word.pool();
			}
		}
		left_of_run--;
		walk.take(word.link());

		// Mostly more of the same kind follow: never claimed, or each claimed and released.
		u32 room = run_target > walk.run.count ? run_target - walk.run.count : 0;
		u32 before = walk.run.count;
		if (left_of_run) {
			walk.take_alike(RefWord::make(RefState::free, {0}, 0),
					left_of_run < room ? left_of_run : room);
			left_of_run -= walk.run.count - before;
		} else {
			walk.take_alike(RefWord::make(RefState::listed, pool, 0, 1), room);
		}
		if (walk.run.count >= run_target)
			complete();
	}
	complete();
	freed.finish();
	*list = walk.ref;
	freed_some();
	return result;
}

Result<GrantRef> RefAllocator::claim(u32 *head, Caller caller)
{
	u32 ref = *head;
	u64 *raw = ref_table.find({ref});
	if (!raw) [[unlikely]]
		return ref == no_ref.raw ? Error::no_space : Error::not_leased;
	RefWord word{load_relaxed(raw)};
	u32 next = word.link();
	if (word.kind() == alone_on_list) [[likely]] {
		store_relaxed(raw, word.changed(alone_on_list, merely_claimed, 0).raw);
		*head = next;
		return GrantRef{ref};
	}
	if (word.state() != RefState::listed) [[unlikely]] {
		if (word.state() == RefState::unleased)
			return Error::not_leased;
		return misuse(XG_REPORT_CLAIM_BAD_LIST, {ref}, caller);
	}
	// The rest of the run gets a new first member.
	RefWord second = ref_table.read(next);
	if (second.state() != RefState::free || second.run()) [[unlikely]]
		return misuse(XG_REPORT_CLAIM_BAD_LIST, {next}, caller);
	ref_table.write(next, RefWord::make(RefState::listed, word.pool(), second.link(),
					    static_cast<u8>(word.run() - 1)));
	store_relaxed(raw, RefWord::make(RefState::claimed, word.pool(), 0).raw);
	*head = next;
	return GrantRef{ref};
}

Status RefAllocator::release(u32 *head, GrantRef ref, Caller caller)
{
	u64 *raw = ref_table.find(ref);
	if (!raw) [[unlikely]]
		return Error::not_leased;
	RefWord word{load_relaxed(raw)};
	if (word.kind() != merely_claimed) [[unlikely]] {
		if (word.state() == RefState::unleased)
			return Error::not_leased;
		return misuse(XG_REPORT_RELEASE_UNCLAIMED, ref, caller);
	}
	store_relaxed(raw, word.changed(merely_claimed, alone_on_list, *head).raw);
	*head = ref.raw;
	return Done{};
}

} // namespace xengnt

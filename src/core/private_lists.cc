// SPDX-License-Identifier: GPL-2.0
#include "private_lists.hh"

#include <cstddef>

#include "reports.hh"
#include "take_or_grow.hh"

namespace xengnt
{

namespace
{

constexpr u16 unclaimed_member = RefWord::kind_of(RefState::free, 0);

// Walks a list and makes each member free, gathering runs. The time of a walk is that of its loads:
// a member must be loaded before the next is known. Most lists go on in even steps, though: in the
// order in which they were allocated, or in the opposite one when each member was claimed and
// released in turn. There one comparison of the whole word tells that a member is what it should be
// and leads to the neighbour, which the processor has loaded by then.
struct ListWalk {
	u32 ref;
	u32 step = 0;
	Run run{};

	// Adds this member to the run and goes on to the next.
	[[gnu::always_inline]] void take(u32 link)
	{
		if (!run.count++)
			run.head = {ref};
		run.tail = {ref};
		step = link - ref;
		ref = link;
	}
	// Takes members of one kind that lead to the next or the previous reference each. The run
	// is not empty.
	template <int direction> [[gnu::always_inline]] u32 take_neighbours(RefWord kind, u32 most)
	{
		u32 room = direction > 0 ? ref_table.size() - ref : ref + 1;
		xg_ref *here = xg_fast.refs + ref;
		xg_ref *begin = here;
		xg_ref *end = here + static_cast<std::ptrdiff_t>(min(most, room)) * direction;
		u64 expected = kind.raw + ref + direction;
		while (here != end && load_relaxed(&here->word) == expected) {
			if (kind.raw != free_word)
				store_relaxed(&here->word, expected - kind.raw + free_word);
			here += direction;
			expected += direction;
		}
		u32 nr = static_cast<u32>((here - begin) * direction);
		if (nr) {
			ref += nr * direction;
			run.tail = {ref - direction};
			run.count += nr;
		}
		return nr;
	}
	// Takes as many as go the usual way: members of one kind, freed if they are not yet. The
	// run is not empty.
	[[gnu::always_inline]] void take_alike(RefWord kind, u32 most)
	{
		for (u32 left = most; left; left--) {
			if (step == 1)
				left -= take_neighbours<1>(kind, left);
			else if (step == ~0u)
				left -= take_neighbours<-1>(kind, left);
			if (!left || ref >= ref_table.size())
				break;
			u64 *here = ref_table.word({ref});
			RefWord word{load_relaxed(here)};
			if (word.raw >> 32 != kind.raw >> 32)
				break;
			if (kind.raw != free_word)
				store_relaxed(here, free_word | word.link());
			take(word.link());
		}
	}
};

// The kernel's own references of a list, taken off one by one and freed as a list of their own.
class KernelMembers
{
	static constexpr u32 per_batch = 128; // freed under one hold of the kernel's lock

	u32 list_ = no_ref.raw;
	u32 batch_ = 0;
	u32 total_ = 0;

public:
	// Takes the first one off; false when the kernel does not have it, or has had more than
	// there are: the list goes round in a circle.
	bool take(u32 *list)
	{
		int ref = total_++ > max_table_refs ? -1 : xg_port_kernel_claim(list);
		if (ref < 0)
			return false;
		xg_port_kernel_release(&list_, static_cast<u32>(ref));
		if (++batch_ == per_batch)
			free();
		return true;
	}
	void free()
	{
		if (batch_)
			xg_port_kernel_free_list(list_);
		list_ = no_ref.raw;
		batch_ = 0;
	}
};

} // namespace

Result<GrantRef> PrivateLists::alloc(Pool &pool, u32 count)
{
	return allocator.take_or_grow([&] { return central_list.take_list(pool, count); },
				      [&] { return RefAllocator::missing(pool, count, false); });
}

Status PrivateLists::free(GrantRef *list, Caller caller)
{
	ListWalk walk{list->raw};
	RunStack whole;
	KernelMembers kernels;
	Status result = Done{};
	PoolId owner = no_pool;
	u32 free_now = 0;
	u32 left_of_run = 0; // members that were handed out with the last first of a run
	bool first = true;   // of ours
	// Copies go out, so that the originals stay in registers.
	auto hand_over = [&]() __attribute__((always_inline))
	{
		if (whole.count || walk.run.count)
			free_now =
			    central_list.put_runs(pools.at(owner), RunStack(whole), Run(walk.run));
		whole = {};
		walk.run = {};
	};

	while (walk.ref != no_ref.raw) {
		GrantRef here{walk.ref};
		RefWord word = ref_table.look_up(here);
		bool member = left_of_run && word.kind() == unclaimed_member;
		if (left_of_run ? !member : word.state() != RefState::listed) [[unlikely]] {
			if (word.state() == RefState::unleased && !left_of_run) {
				// The run's last member leads here, and not to the next of ours.
				hand_over();
				if (kernels.take(&walk.ref))
					continue;
			}
			result = reports.misuse(XG_REPORT_LIST_BROKEN, here, caller);
			break;
		}
		if (!member) {
			// The first one decides between two calls that free the same list at once.
			RefWord freed{free_word | word.link()};
			if (!first) {
				ref_table.write(here, freed);
			} else if (!ref_table.swap(here, word, freed)) {
				result = reports.misuse(XG_REPORT_LIST_BROKEN, here, caller);
				break;
			}
			first = false;
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
			walk.take_alike(RefWord{free_word}, min(left_of_run, room));
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
	kernels.free();
	*list = {walk.ref};
	allocator.freed_some(free_now);
	return result;
}

Result<GrantRef> PrivateLists::claim(GrantRef *list, Caller caller)
{
	if (*list == no_ref)
		return Error::no_space;
	RefWord word = ref_table.look_up(*list);
	if (word.state() == RefState::unleased) {
		int ref = xg_port_kernel_claim(&list->raw);
		if (ref < 0)
			return Error::no_space;
		return GrantRef{static_cast<u32>(ref)};
	}
	// This one, or what it says comes next, is not on a list.
	GrantRef broken = word.state() == RefState::listed ? GrantRef{word.link()} : *list;
	return reports.misuse(XG_REPORT_CLAIM_BAD_LIST, broken, caller);
}

Status PrivateLists::release(GrantRef *list, GrantRef ref, Caller caller)
{
	if (ref_table.look_up(ref).state() != RefState::unleased)
		return reports.misuse(XG_REPORT_RELEASE_UNCLAIMED, ref, caller);
	return xg_port_kernel_release(&list->raw, ref.raw) ? Status(Error::misuse) : Done{};
}

GrantRef PrivateLists::next(GrantRef ref)
{
	RefWord word = ref_table.look_up(ref);
	bool on_list = word.state() == RefState::listed || word.state() == RefState::free;
	return on_list ? GrantRef{word.link()} : no_ref;
}

} // namespace xengnt

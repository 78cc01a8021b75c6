// SPDX-License-Identifier: GPL-2.0
//
// Private lists that hold references of ours and of the kernel's own, in any order: drivers get
// both once the module is loaded under them. Every list of up to five such members, and below them
// a list as either side hands it out, is claimed from, released to and freed.
#include "fixture.hh"

#include <algorithm>
#include <set>

using namespace sim;

namespace
{

constexpr unsigned most_released = 5;

// What the list was allocated as, before others were released to it.
enum class Bottom { nothing, ours, kernels };

} // namespace

class MixedList : public WorldTest
{
protected:
	uint32_t list = XG_NO_REF;
	std::vector<uint32_t> bottom; // members of the allocated part
	std::vector<uint32_t> top;    // released, in that order
	size_t kernel_free = 0;

	void begin() { kernel_free = w->kernel.could_lease() + w->kernel.leased(); }
	uint32_t take_from_kernel()
	{
		uint32_t head = XG_NO_REF;
		EXPECT_TRUE(w->kernel.alloc_list(1, &head));
		return static_cast<uint32_t>(w->kernel.claim(&head));
	}
	// A list of `nr` released members; bit i of `ours` says whose the ith is.
	void build(Bottom from, unsigned nr, unsigned ours)
	{
		begin();
		list = XG_NO_REF;
		bottom.clear();
		top.clear();
		if (from == Bottom::ours) {
			list = alloc_list(3);
			for (uint32_t ref = list; ref != XG_NO_REF; ref = xg_next_on_list(ref))
				bottom.push_back(ref);
		} else if (from == Bottom::kernels) {
			EXPECT_TRUE(w->kernel.alloc_list(3, &list));
			uint32_t copy = list;
			while (copy != XG_NO_REF)
				bottom.push_back(static_cast<uint32_t>(w->kernel.claim(&copy)));
		}
		ASSERT_EQ(bottom.size(), from == Bottom::nothing ? 0u : 3u);
		for (unsigned i = 0; i < nr; i++) {
			uint32_t ref = ours & 1u << i ? alloc() : take_from_kernel();
			ASSERT_EQ(xg_release(&list, ref, 1), XG_OK);
			ASSERT_EQ(list, ref);
			top.push_back(ref);
		}
	}
	// Last in, first out, and then what was allocated, in its order.
	std::vector<uint32_t> expected() const
	{
		std::vector<uint32_t> refs(top.rbegin(), top.rend());
		refs.insert(refs.end(), bottom.begin(), bottom.end());
		return refs;
	}
	uint32_t claim()
	{
		int ref = xg_claim(&list, 1);
		EXPECT_GE(ref, 0);
		return static_cast<uint32_t>(ref);
	}
	// As a driver that was told a number only.
	void free_one(uint32_t ref)
	{
		if (xg_is_leased(ref)) {
			EXPECT_EQ(w->free(ref), XG_OK);
			return;
		}
		EXPECT_EQ(xg_free_one(ref, 1), XG_NOT_LEASED);
		uint32_t head = XG_NO_REF;
		EXPECT_TRUE(w->kernel.release(&head, ref));
		w->kernel.free_list(head);
	}
	// As the shim does it, which gives the kernel what is all the kernel's.
	void free_whole_list()
	{
		int freed = xg_free_list(&list, 1);
		if (freed == XG_NOT_LEASED) {
			w->kernel.free_list(list);
			list = XG_NO_REF;
		} else {
			EXPECT_EQ(freed, XG_OK);
		}
		EXPECT_EQ(list, XG_NO_REF);
	}
	void expect_all_is_back()
	{
		EXPECT_EQ(w->verdict.first(), "");
		EXPECT_EQ(w->stats().listed + w->stats().claimed, 0u);
		for (uint32_t ref : expected())
			EXPECT_FALSE(w->kernel.is_held_by_driver(ref)) << ref;
		EXPECT_EQ(w->kernel.could_lease() + w->kernel.leased(), kernel_free);
		EXPECT_EQ(w->check(), "");
	}
	// Calls `what` for every list there is.
	void for_every_list(const std::function<void()> &what)
	{
		for (Bottom from : {Bottom::nothing, Bottom::ours, Bottom::kernels})
			for (unsigned nr = 0; nr <= most_released; nr++)
				for (unsigned ours = 0; ours < 1u << nr; ours++) {
					SCOPED_TRACE(std::to_string(nr) + " released on " +
						     (from == Bottom::nothing ? "nothing"
						      : from == Bottom::ours  ? "ours"
									      : "the kernel's") +
						     ", ours by bit: " + std::to_string(ours));
					build(from, nr, ours);
					if (HasFatalFailure())
						return;
					what();
					expect_all_is_back();
					if (HasFailure()) {
						w->excused = true;
						return;
					}
				}
	}
};

TEST_F(MixedList, IsClaimedInItsOrder)
{
	for_every_list([&] {
		std::vector<uint32_t> refs;
		while (list != XG_NO_REF && !HasFailure())
			refs.push_back(claim());
		EXPECT_EQ(refs, expected());
		EXPECT_EQ(xg_claim(&list, 1), XG_NO_SPACE);
		for (uint32_t ref : refs)
			free_one(ref);
	});
}

TEST_F(MixedList, IsFreedAsAWhole)
{
	for_every_list([&] { free_whole_list(); });
}

// Some are claimed, the rest is freed.
TEST_F(MixedList, IsFreedFromAnywhereOn)
{
	for (unsigned claimed : {1u, 2u, 3u, 4u, 6u})
		for_every_list([&] {
			std::vector<uint32_t> refs;
			for (unsigned i = 0; i < claimed && list != XG_NO_REF; i++)
				refs.push_back(claim());
			free_whole_list();
			for (uint32_t ref : refs)
				free_one(ref);
		});
}

// What is claimed comes back in another order; then all of it is claimed, or freed.
TEST_F(MixedList, TakesBackWhatWasClaimedInAnyOrder)
{
	for (unsigned claimed : {2u, 3u, 4u})
		for (bool frees : {false, true})
			for_every_list([&] {
				std::vector<uint32_t> refs;
				for (unsigned i = 0; i < claimed && list != XG_NO_REF; i++)
					refs.push_back(claim());
				// In the order they came, which is the other way round on the list.
				for (uint32_t ref : refs)
					EXPECT_EQ(xg_release(&list, ref, 1), XG_OK);
				if (frees) {
					free_whole_list();
					return;
				}
				std::vector<uint32_t> again;
				while (list != XG_NO_REF && !HasFailure())
					again.push_back(claim());
				std::vector<uint32_t> all = expected();
				std::reverse(all.begin(),
					     all.begin() + static_cast<long>(refs.size()));
				EXPECT_EQ(again, all);
				for (uint32_t ref : again)
					free_one(ref);
			});
}

// Granted and ended on the way, as drivers do.
TEST_F(MixedList, OursAreGrantedAndComeBack)
{
	for_every_list([&] {
		Page *page = w->pages.alloc();
		uint32_t back = XG_NO_REF;
		while (list != XG_NO_REF && !HasFailure()) {
			uint32_t ref = claim();
			if (xg_is_leased(ref)) {
				EXPECT_EQ(w->grant(ref, backend, page), XG_OK);
				EXPECT_EQ(w->end(ref), 1);
			}
			EXPECT_EQ(xg_release(&back, ref, 1), XG_OK);
		}
		list = back;
		free_whole_list();
		w->pages.put(page);
	});
}

// Who waits with the kernel, and with us, is called once the list is free.
TEST_F(MixedList, FreeingWakesWhoWaits)
{
	start_with(8, 1, 0);
	list = alloc_list(2);
	std::vector<uint32_t> ours = alloc_many(2);
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(xg_release(&list, take_from_kernel(), 1), XG_OK);
		ASSERT_EQ(xg_release(&list, ours[i], 1), XG_OK);
	}
	EXPECT_EQ(w->kernel.drivers_take(2), 2u);
	Waiter waiter;
	waiter.request(6);
	EXPECT_EQ(waiter.calls, 0);
	free_whole_list();
	w->clock.advance(1000);
	EXPECT_EQ(waiter.calls, 1);
}

// A member of ours that is not on the list any more, behind or before one of the kernel's.
TEST_F(MixedList, ABrokenOneIsReported)
{
	for (unsigned ours = 0; ours < 16; ours++)
		for (unsigned broken = 0; broken < 4; broken++) {
			if (!(ours & 1u << broken))
				continue;
			SCOPED_TRACE(std::to_string(ours) + ", broken " + std::to_string(broken));
			start();
			build(Bottom::nothing, 4, ours);
			// Claimed behind the list's back, and freed.
			uint32_t alone = top[broken];
			EXPECT_EQ(xg_claim(&alone, 1), static_cast<int>(top[broken]));
			EXPECT_EQ(w->free(top[broken]), XG_OK);
			EXPECT_EQ(xg_free_list(&list, 1), XG_MISUSE);
			EXPECT_EQ(list, top[broken]);
			expect_report(XG_REPORT_LIST_BROKEN, top[broken], 1);
			// The members above it are free, those below it are still held.
			for (unsigned i = 0; i < 4; i++) {
				xg_ref_info info;
				xg_read_ref(top[i], &info);
				bool held = ours & 1u << i ? info.state != XG_REF_FREE
							   : w->kernel.is_held_by_driver(top[i]);
				EXPECT_EQ(held, i < broken) << i;
			}
			uint32_t rest = broken ? top[broken - 1] : XG_NO_REF;
			list = rest;
			free_whole_list();
			EXPECT_EQ(w->check(), "");
		}
}

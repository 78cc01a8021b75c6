// SPDX-License-Identifier: GPL-2.0
//
// The rules that xg_check_invariants() holds are what random runs are judged by: each is broken
// here once, and must be named.
#include <algorithm>
#include <set>

#include "core/ref_table.hh"
#include "fixture.hh"

using namespace sim;
using xengnt::GrantRef;
using xengnt::ref_table;
using xengnt::RefState;
using xengnt::RefWord;

class Rules : public WorldTest
{
protected:
	// 40 references in runs, and no bit: the first head of a run.
	uint32_t head_of_40()
	{
		start_with(40, 40);
		free_list(alloc_list(40));
		uint32_t head = Kernel::first_ref;
		while (!ref_table.read({head}).run())
			head++;
		return head;
	}
	// Changes a word, asks, and puts it back.
	void expect_broken(int rule, uint32_t ref, RefWord wrong)
	{
		RefWord right = ref_table.read({ref});
		ASSERT_NE(right.raw, wrong.raw);
		ref_table.write({ref}, wrong);
		EXPECT_EQ(xg_check_invariants(), rule);
		ref_table.write({ref}, right);
		EXPECT_EQ(xg_check_invariants(), 0);
	}
};

TEST_F(Rules, OfRunsInTheStore)
{
	uint32_t head = head_of_40();
	RefWord word = ref_table.read({head});
	uint8_t length = word.run();
	ASSERT_GT(length, 2);
	uint32_t second = word.link();
	RefWord inner = ref_table.read({second});
	auto changed = [](RefWord from, RefState state, uint8_t run) {
		return RefWord::make(state, from.pool(), from.link(), run);
	};
	expect_broken(1, head, changed(word, RefState::free, 0));
	expect_broken(1, head, changed(word, RefState::free, xengnt::run_limit + 1));
	expect_broken(2, head, changed(word, RefState::cached, length));
	expect_broken(2, second, changed(inner, RefState::claimed, 0));
	expect_broken(2, second, changed(inner, RefState::free, 3));
	// The run ends elsewhere than it says.
	expect_broken(3, head, changed(word, RefState::free, static_cast<uint8_t>(length - 1)));
	// A run that has itself below it.
	auto &note = ref_table.run_note({head});
	uint32_t below = note.next_run;
	note.next_run = head;
	EXPECT_EQ(xg_check_invariants(), 4);
	note.next_run = below;
	EXPECT_EQ(xg_check_invariants(), 0);
}

TEST_F(Rules, OfBits)
{
	start_with(40, 40);
	free_all({alloc()}); // the others of the 40 are bits
	uint32_t bit = Kernel::first_ref;
	while (ref_table.read({bit}).state() != RefState::free)
		bit++;
	expect_broken(5, bit, RefWord::make(RefState::unleased, {0}, 0));
	expect_broken(5, bit, RefWord::make(RefState::claimed, {1}, 0));
}

// A run whose second member is not what it was: claimed no further.
TEST_F(Rules, OfRunsOnLists)
{
	start_with(40, 40);
	free_list(alloc_list(40));
	uint32_t head = alloc_list(10);
	uint32_t claimed = head;
	uint32_t second = ref_table.read({head}).link();
	RefWord right = ref_table.read({second});
	for (RefWord wrong : {RefWord::make(RefState::claimed, {1}, right.link()),
			      RefWord::make(RefState::free, {0}, right.link(), 4)}) {
		ref_table.write({second}, wrong);
		EXPECT_EQ(xg_claim(&claimed, 5), XG_NO_SPACE);
		expect_report(XG_REPORT_CLAIM_BAD_LIST, second, 5);
		EXPECT_EQ(claimed, head);
		ref_table.write({second}, right);
	}
	free_list(head);
}

TEST_F(Rules, OfNumbers)
{
	uint32_t ref = alloc();
	expect_broken(30, ref, RefWord::make(RefState::unleased, {0}, 0));
	expect_broken(30, ref, RefWord::make(RefState::free, {0}, 0));
	EXPECT_EQ(w->free(ref), 0);
}

TEST_F(Rules, OfDeferredEnds)
{
	std::vector<uint32_t> refs;
	for (int i = 0; i < 3; i++) {
		auto [ref, page] = granted();
		EXPECT_TRUE(w->xen.map(ref, backend, false));
		EXPECT_EQ(w->end_and_put(ref, page), 0);
		refs.push_back(ref);
	}
	RefWord second = ref_table.read({refs[1]});
	expect_broken(20, refs[1], RefWord::make(RefState::claimed, second.pool(), second.link()));
	uint32_t &next = ref_table.deferred_note({refs[1]})->next;
	uint32_t right = next;
	next = refs[0];
	EXPECT_EQ(xg_check_invariants(), 21);
	next = right;
	for (uint32_t ref : refs)
		EXPECT_TRUE(w->xen.unmap(ref, backend, false));
	w->clock.advance(3000);
}

// A late store of one of two wrong callers that race, see docs/security.md: the head of a run looks
// granted and has no length. No reference is lost or handed out twice.
class LateStore : public Rules, public testing::WithParamInterface<uint32_t>
{
};

TEST_P(LateStore, AtTheHeadOfARunLosesNoReference)
{
	uint32_t head = head_of_40();
	RefWord word = ref_table.read({head});
	ref_table.write({head}, RefWord::make(RefState::granted, word.pool(), word.link(), 0));

	std::vector<uint32_t> lists;
	std::set<uint32_t> taken;
	for (uint32_t left = 40; left;) {
		uint32_t count = std::min(left, GetParam());
		uint32_t ref = lists.emplace_back(alloc_list(count));
		for (uint32_t i = 0; i < count; i++, ref = xg_next_on_list(ref))
			EXPECT_TRUE(taken.insert(ref).second) << ref;
		EXPECT_EQ(ref, XG_NO_REF);
		left -= count;
	}
	EXPECT_EQ(taken.size(), 40u);
	EXPECT_EQ(*taken.begin(), Kernel::first_ref);
	EXPECT_EQ(*taken.rbegin(), Kernel::first_ref + 39);
	for (uint32_t list : lists)
		free_list(list);
}

INSTANTIATE_TEST_SUITE_P(Lists, LateStore, testing::Values(1, 3, 8, 40));

// SPDX-License-Identifier: GPL-2.0
//
// The bitmap of free references and its summary against a model that looks at every bit.
#include <algorithm>
#include <set>

#include "core/free_bitmap.hh"
#include "fixture.hh"

using namespace sim;
using xengnt::FreeBitmap;
using xengnt::Summary;

namespace
{

// The first run of `count`, or -1.
long naive_run(const std::vector<bool> &bits, uint32_t count)
{
	uint32_t length = 0;
	for (uint32_t i = 0; i < bits.size(); i++) {
		length = bits[i] ? length + 1 : 0;
		if (length == count)
			return static_cast<long>(i + 1 - count);
	}
	return -1;
}

FreeBitmap::Found search_all(FreeBitmap &bitmap, FreeBitmap::Search &search)
{
	for (int steps = 0; steps < 100000; steps++) {
		FreeBitmap::Found found = bitmap.step(search);
		if (found != FreeBitmap::Found::more)
			return found;
	}
	ADD_FAILURE() << "a search that does not end";
	return FreeBitmap::Found::no;
}

class Bitmap : public testing::TestWithParam<uint32_t>
{
protected:
	World world{Config{}};
	FreeBitmap bitmap;
	std::vector<bool> model;
	std::mt19937 random{GetParam()};

	void SetUp() override
	{
		model.resize(GetParam());
		ASSERT_TRUE(bitmap.create(GetParam()));
	}
	void TearDown() override { bitmap.destroy(); }

	uint32_t below(uint32_t bound) { return static_cast<uint32_t>(random() % bound); }
	// A range that is all free, or all not.
	bool uniform(uint32_t first, uint32_t count, bool value)
	{
		return std::all_of(model.begin() + first, model.begin() + first + count,
				   [&](bool bit) { return bit == value; });
	}
	void set(uint32_t first, uint32_t count, bool value)
	{
		std::fill(model.begin() + first, model.begin() + first + count, value);
	}
	void expect_same(uint32_t first, uint32_t count)
	{
		for (uint32_t ref = first; ref < first + count; ref++)
			ASSERT_EQ(bitmap.has(ref), model[ref]) << ref;
	}
	void give_some()
	{
		uint32_t first = below(GetParam());
		uint32_t count = 1 + below(below(4) ? 5 : 200);
		count = std::min(count, GetParam() - first);
		if (!uniform(first, count, false))
			count = 1;
		if (!uniform(first, count, false))
			return;
		bitmap.give(first, count);
		set(first, count, true);
	}
	void take_range()
	{
		uint32_t first = below(GetParam());
		uint32_t count = std::min(1 + below(130), GetParam() - first);
		bool all = uniform(first, count, true);
		ASSERT_EQ(bitmap.take(first, count), all);
		if (all)
			set(first, count, false);
		expect_same(first, count);
	}
	void take_some()
	{
		uint32_t most = 1 + below(64);
		uint32_t word = 0;
		uint64_t mask = bitmap.take_some(most, &word);
		ASSERT_LE(static_cast<uint32_t>(__builtin_popcountll(mask)), most);
		if (!mask)
			ASSERT_TRUE(uniform(0, GetParam(), false));
		for (; mask; mask &= mask - 1) {
			uint32_t ref = word * 64 + static_cast<uint32_t>(__builtin_ctzll(mask));
			ASSERT_TRUE(model[ref]);
			model[ref] = false;
		}
		expect_same(word * 64, std::min(64u, GetParam() - word * 64));
	}
	void search()
	{
		uint32_t count = 1 + below(below(3) ? 70 : 300);
		FreeBitmap::Search search{count};
		bool found = search_all(bitmap, search) == FreeBitmap::Found::yes;
		ASSERT_EQ(found, naive_run(model, count) >= 0) << "a run of " << count;
		if (!found)
			return;
		ASSERT_LE(search.ref + count, GetParam());
		ASSERT_TRUE(uniform(search.ref, count, true));
		ASSERT_TRUE(bitmap.take(search.ref, count));
		set(search.ref, count, false);
	}
};

} // namespace

TEST_P(Bitmap, AgreesWithTheModelUnderRandomOperations)
{
	for (int i = 0; i < 20000; i++) {
		// Phases of growth and of shrinking, so that full and empty words are met.
		bool growing = i / 700 % 2;
		switch (below(growing ? 8 : 5)) {
		case 0:
			take_range();
			break;
		case 1:
			take_some();
			break;
		case 2:
			search();
			break;
		default:
			give_some();
		}
		if (HasFatalFailure())
			FAIL() << "at step " << i;
	}
	expect_same(0, GetParam());
}

TEST_P(Bitmap, FindsTheOnlyRunWhereverItIs)
{
	for (uint32_t count : {1u, 2u, 3u, 7u, 8u, 33u, 63u, 64u, 65u, 128u, 200u}) {
		for (uint32_t at = 0; at + count <= GetParam(); at += 1 + at / 50) {
			bitmap.give(at, count);
			FreeBitmap::Search search{count};
			ASSERT_EQ(search_all(bitmap, search), FreeBitmap::Found::yes);
			ASSERT_EQ(search.ref, at);
			FreeBitmap::Search longer{count + 1};
			ASSERT_EQ(search_all(bitmap, longer), FreeBitmap::Found::no);
			ASSERT_TRUE(bitmap.take(at, count));
		}
	}
}

class BitmapSteps : public testing::Test
{
protected:
	World world{Config{}};
	FreeBitmap bitmap;

	void SetUp() override { ASSERT_TRUE(bitmap.create(64 * 1000)); }
	void TearDown() override { bitmap.destroy(); }

	// In each word every second one: nothing for a search of two, but much to look at.
	void give_singles(uint32_t words)
	{
		for (uint32_t ref = 0; ref < 64 * words; ref += 2)
			bitmap.give(ref, 1);
	}
	uint32_t steps_for(uint32_t count, FreeBitmap::Found expected)
	{
		FreeBitmap::Search search{count};
		uint32_t steps = 1;
		FreeBitmap::Found found = bitmap.step(search);
		for (; found == FreeBitmap::Found::more && steps < 10000; steps++)
			found = bitmap.step(search);
		EXPECT_EQ(found, expected);
		return steps;
	}
};

// A step is what is done under the lock.
TEST_F(BitmapSteps, LookAtAFewWordsEach)
{
	give_singles(800);
	EXPECT_GE(steps_for(2, FreeBitmap::Found::no), 100u);
	EXPECT_EQ(steps_for(2, FreeBitmap::Found::no), 1u) << "now it is known that there is none";
	EXPECT_GE(steps_for(100, FreeBitmap::Found::no), 800u / 64) << "from word to word";
}

TEST_F(BitmapSteps, AreFewForWhatCameAsOneRun)
{
	give_singles(500);
	for (uint32_t count : {2u, 5u, 16u, 64u}) {
		bitmap.give(64 * 600, count);
		EXPECT_EQ(
		    steps_for(count & (count - 1) ? count / 2 : count, FreeBitmap::Found::yes), 1u)
		    << count;
		EXPECT_TRUE(bitmap.take(64 * 600, count));
	}
}

INSTANTIATE_TEST_SUITE_P(Sizes, Bitmap, testing::Values(1, 63, 64, 65, 500, 4096, 4097, 5000));

TEST(SummaryTest, TakesABitForEachMemberAndForEachWord)
{
	EXPECT_EQ(Summary::words_for(1), 1u + 1);
	EXPECT_EQ(Summary::words_for(64), 1u + 1);
	EXPECT_EQ(Summary::words_for(65), 2u + 1);
	EXPECT_EQ(Summary::words_for(4096), 64u + 1);
	EXPECT_EQ(Summary::words_for(4097), 65u + 2);
	EXPECT_EQ(Summary::words_for(16384), 256u + 4);
}

TEST(SummaryTest, FindsTheFirstMemberAtOrAfterAnyPlace)
{
	std::mt19937 random(1);
	for (uint32_t members : {1u, 64u, 65u, 4096u, 4097u, 16384u}) {
		std::vector<uint64_t> memory(Summary::words_for(members));
		Summary summary;
		summary.place(memory.data(), members);
		std::set<uint32_t> model;
		for (int i = 0; i < 3000; i++) {
			uint32_t member = static_cast<uint32_t>(random() % members);
			if (random() % 2) {
				summary.set(member);
				model.insert(member);
			} else {
				summary.clear(member);
				model.erase(member);
			}
			EXPECT_EQ(summary.has(member), model.count(member) == 1);
			uint32_t from = static_cast<uint32_t>(random() % (members + 1));
			auto next = model.lower_bound(from);
			ASSERT_EQ(summary.first(from), next == model.end() ? Summary::none : *next);
		}
	}
}

// SPDX-License-Identifier: GPL-2.0
//
// Consecutive references.
#include <algorithm>

#include "fixture.hh"

using namespace sim;
using Sequence = WorldTest;

TEST_F(Sequence, IsConsecutiveAndClaimed)
{
	for (uint32_t count : {1u, 2u, 3u, 16u, 31u, 33u, 63u, 64u, 65u, 127u, 500u, 2000u}) {
		uint32_t first = alloc_sequence(count);
		EXPECT_EQ(w->stats().claimed, count);
		for (uint32_t i = 0; i < count; i++)
			EXPECT_EQ(w->end(first + i), 1) << "claimed, and so not in use";
		EXPECT_EQ(w->check(), "");
		free_sequence(first, count);
		EXPECT_EQ(w->stats().claimed, 0u);
	}
}

TEST_F(Sequence, MembersCanBeFreedOneByOneInAnyOrder)
{
	uint32_t first = alloc_sequence(300);
	for (uint32_t i = 0; i < 300; i++)
		EXPECT_EQ(w->free(first + i * 7 % 300), 0);
	EXPECT_EQ(w->stats().claimed, 0u);
}

// The stock allocator corrupts its list here (contract.md, stock bug no. 1).
TEST_F(Sequence, ThatTakesTheWholeTailLeavesTheRestIntact)
{
	start_with(512 - Kernel::first_ref);
	uint32_t a = alloc();
	uint32_t b = alloc();
	EXPECT_EQ(w->free(a), 0);
	// All of the longer side of b.
	uint32_t count = std::max(b - Kernel::first_ref, 511 - b);
	uint32_t first = alloc_sequence(count);
	std::vector<uint32_t> rest = claim_all(alloc_list(503 - count));
	EXPECT_EQ(rest.size(), 503 - count);
	EXPECT_EQ(w->check(), "");
	for (uint32_t ref : rest) {
		EXPECT_NE(ref, b);
		EXPECT_TRUE(ref < first || ref >= first + count) << ref;
	}
	EXPECT_EQ(w->alloc(), XG_NO_SPACE);
	free_sequence(first, count);
	rest.push_back(b);
	free_all(rest);
	EXPECT_EQ(w->check(), "");
}

TEST_F(Sequence, IsFoundInAFragmentedTable)
{
	start_with(2048);
	std::vector<uint32_t> refs = alloc_many(2048);
	EXPECT_EQ(w->alloc(), XG_NO_SPACE);
	for (uint32_t ref : refs)
		if (ref % 2 || (ref >= 1000 && ref < 1020))
			EXPECT_EQ(w->free(ref), 0);
	uint32_t first = 0;
	EXPECT_EQ(xg_alloc_seq(w->pool(), 22, &first), XG_NO_SPACE);
	EXPECT_EQ(w->check(), "");
	EXPECT_EQ(alloc_sequence(21), 999u) << "the only gap, with its neighbours";
	EXPECT_EQ(xg_alloc_seq(w->pool(), 2, &first), XG_NO_SPACE);
	free_sequence(999, 21);
	for (uint32_t ref : refs)
		if (!(ref % 2 || (ref >= 1000 && ref < 1020)))
			EXPECT_EQ(w->free(ref), 0);
	free_sequence(alloc_sequence(2048), 2048);
}

TEST_F(Sequence, IsFoundAcrossCachesAndRuns)
{
	start_with(1024);
	std::vector<uint32_t> refs = alloc_many(1024);
	// Freed in an order that scatters neighbours over caches and runs.
	for (uint32_t i = 0; i < 1024; i++) {
		run_on(i % 4);
		EXPECT_EQ(w->free(refs[i * 37 % 1024]), 0);
	}
	run_on(0);
	free_sequence(alloc_sequence(1024), 1024);
}

TEST_F(Sequence, OfAnyCountUpToTheTable)
{
	Config config;
	config.table_refs = 1u << 18;
	start(config);
	uint32_t usable = config.table_refs - Kernel::first_ref;
	free_sequence(alloc_sequence(65535), 65535);
	free_sequence(alloc_sequence(65536), 65536);
	uint32_t first = 3;
	EXPECT_EQ(xg_alloc_seq(w->pool(), usable + 1, &first), XG_NO_SPACE);
	EXPECT_EQ(xg_alloc_seq(w->pool(), 0xffffffff, &first), XG_NO_SPACE);
	EXPECT_EQ(xg_alloc_seq(w->pool(), 0, &first), XG_INVALID);
	EXPECT_EQ(first, 3u);
	uint32_t all = alloc_sequence(usable);
	EXPECT_EQ(all, Kernel::first_ref);
	EXPECT_EQ(w->alloc(), XG_NO_SPACE);
	free_sequence(all, usable);
}

TEST_F(Sequence, FreeStopsAtTheKernelsOwnReferences)
{
	start_with(504);
	uint32_t first = alloc_sequence(504);
	for (uint32_t i = 100; i < 504; i++)
		EXPECT_EQ(w->free(first + i), 0);
	w->clock.advance(600000); // most spare references are returned
	ASSERT_LT(w->stats().leased, 504u);
	uint32_t stop = first;
	while (xg_is_leased(stop))
		stop++;
	// Those that are free in between are reported, one line each.
	uint32_t at = first;
	uint32_t left = 504;
	int result = xg_free_seq(&at, &left, 5);
	EXPECT_EQ(result, XG_NOT_LEASED);
	EXPECT_EQ(at, stop);
	EXPECT_EQ(left, 504 - (stop - first));
	EXPECT_EQ(w->log.take().size(), stop - first - 100);
	EXPECT_EQ(w->stats().claimed, 0u);
}

TEST_F(Sequence, OfNothingCanBeFreed)
{
	uint32_t first = 100;
	uint32_t count = 0;
	EXPECT_EQ(xg_free_seq(&first, &count, 1), 0);
	EXPECT_EQ(first, 100u);
}

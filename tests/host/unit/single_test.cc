// SPDX-License-Identifier: GPL-2.0
//
// One reference at a time.
#include <set>

#include "fixture.hh"

using namespace sim;
using Single = WorldTest;

TEST_F(Single, IsLeasedAndNobodyElses)
{
	std::set<uint32_t> seen;
	for (uint32_t ref : alloc_many(500)) {
		EXPECT_TRUE(seen.insert(ref).second) << ref << " was handed out twice";
		EXPECT_TRUE(xg_is_leased(ref));
		EXPECT_TRUE(w->kernel.is_leased(ref));
	}
	EXPECT_EQ(w->stats().claimed, 500u);
	free_all({seen.begin(), seen.end()});
	EXPECT_EQ(w->stats().claimed, 0u);
}

TEST_F(Single, FreedOneIsHandedOutNext)
{
	uint32_t ref = alloc();
	EXPECT_EQ(w->free(ref), 0);
	EXPECT_EQ(alloc(), ref);
	EXPECT_EQ(w->free(ref), 0);
}

TEST_F(Single, ACacheTakesOneRefillAndHoldsItsSlots)
{
	std::vector<uint32_t> refs{alloc()};
	uint64_t locks = w->locks_taken();
	for (int i = 1; i < 32; i++)
		refs.push_back(alloc());
	EXPECT_EQ(w->locks_taken(), locks) << "one refill brings 32";
	EXPECT_EQ(w->stats().cached, 0u);
	for (int i = 0; i < 40; i++)
		refs.push_back(alloc());
	while (w->stats().cached)
		refs.push_back(alloc());
	locks = w->locks_taken();
	for (int i = 0; i < 64; i++) {
		EXPECT_EQ(w->free(refs.back()), 0);
		refs.pop_back();
	}
	EXPECT_EQ(w->locks_taken(), locks) << "the cache's slots";
	EXPECT_EQ(w->free(refs.back()), 0);
	EXPECT_GT(w->locks_taken(), locks) << "half of it is flushed";
	refs.pop_back();
	EXPECT_EQ(w->check(), "");
	free_all(refs);
}

TEST_F(Single, OtherCpusCachesAreUsedBeforeGivingUp)
{
	start_with(256);
	// All references end up in the caches of CPUs 0 to 3.
	std::vector<uint32_t> refs = alloc_many(256);
	EXPECT_EQ(w->alloc(), XG_NO_SPACE);
	for (size_t i = 0; i < refs.size(); i++) {
		run_on(static_cast<unsigned>(i % 4));
		EXPECT_EQ(w->free(refs[i]), 0);
	}
	EXPECT_EQ(w->stats().cached, 256u);
	run_on(0);
	EXPECT_EQ(alloc_many(256).size(), 256u);
	EXPECT_EQ(w->stats().claimed, 256u);
	EXPECT_EQ(w->alloc(), XG_NO_SPACE);
	EXPECT_EQ(w->stats().enospc_total, 2u);
	free_all(refs);
}

TEST_F(Single, WorksAgainAfterExhaustion)
{
	start_with(100);
	for (int round = 0; round < 3; round++) {
		std::vector<uint32_t> refs = alloc_many(100);
		for (int i = 0; i < 3; i++)
			EXPECT_EQ(w->alloc(), XG_NO_SPACE);
		EXPECT_EQ(w->free(refs.back()), 0);
		EXPECT_EQ(alloc(), refs.back());
		free_all(refs);
		EXPECT_EQ(w->check(), "");
	}
}

TEST_F(Single, FreedElsewhereGoesToThatCpusCache)
{
	uint32_t ref = alloc();
	run_on(3);
	EXPECT_EQ(w->free(ref), 0);
	EXPECT_EQ(alloc(), ref) << "from the cache of CPU 3";
	run_on(0);
	EXPECT_EQ(w->free(ref), 0);
}

TEST_F(Single, StaleHintsOfADrainedCacheAreHarmless)
{
	start_with(64);
	free_all(alloc_many(64));
	run_on(1);
	uint32_t list = alloc_list(64);
	run_on(0);
	EXPECT_EQ(w->alloc(), XG_NO_SPACE) << "CPU 0 has 64 hints, and no reference";
	EXPECT_EQ(w->check(), "");
	free_list(list);
	std::vector<uint32_t> refs = alloc_many(64);
	EXPECT_EQ(w->alloc(), XG_NO_SPACE);
	free_all(refs);
}

TEST_F(Single, CountsWhatHappened)
{
	free_all(alloc_many(10));
	xg_stats stats = w->stats();
	EXPECT_EQ(stats.allocated_total, 10u);
	EXPECT_EQ(stats.freed_total, 10u);
	EXPECT_EQ(stats.misuse_total, 0u);
	EXPECT_EQ(stats.enospc_total, 0u);
	EXPECT_EQ(stats.leased_total, 32u) << "one step";
}

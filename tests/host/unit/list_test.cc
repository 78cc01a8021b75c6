// SPDX-License-Identifier: GPL-2.0
//
// Private lists: allocated, claimed from, released to, freed.
#include <algorithm>
#include <set>

#include "fixture.hh"

using namespace sim;
using List = WorldTest;

TEST_F(List, CanBeFollowed)
{
	uint32_t head = alloc_list(70);
	for (int claimed = 0; claimed < 3; claimed++) {
		std::vector<uint32_t> members;
		uint32_t listed = 0;
		for (uint32_t ref = head; ref != XG_NO_REF; ref = xg_next_on_list(ref)) {
			members.push_back(ref);
			xg_ref_info info;
			xg_read_ref(ref, &info);
			EXPECT_EQ(info.count != 1 && info.state != XG_REF_LISTED, false);
			if (info.state == XG_REF_LISTED)
				listed += info.count;
		}
		EXPECT_EQ(members.size(), 70u - static_cast<unsigned>(claimed));
		EXPECT_EQ(listed, members.size()) << "each is counted once";
		auto ref = static_cast<uint32_t>(xg_claim(&head, 1));
		EXPECT_EQ(ref, members[0]);
		EXPECT_EQ(xg_next_on_list(ref), XG_NO_REF) << "not on a list any more";
		EXPECT_EQ(w->free(ref), 0);
	}
	free_list(head);
}

TEST_F(List, OfNoneIsEmptyAndTakesNothing)
{
	uint32_t head = alloc_list(0);
	EXPECT_EQ(head, XG_NO_REF);
	EXPECT_EQ(w->stats().listed, 0u);
	EXPECT_EQ(w->stats().leased, 0u);
	EXPECT_EQ(xg_claim(&head, 1), XG_NO_SPACE);
	free_list(head);
}

TEST_F(List, HasEachReferenceOnce)
{
	for (uint32_t count : {1u, 2u, 31u, 32u, 33u, 63u, 64u, 65u, 500u, 3000u}) {
		std::vector<uint32_t> refs = claim_all(alloc_list(count));
		std::set<uint32_t> distinct(refs.begin(), refs.end());
		EXPECT_EQ(refs.size(), count);
		EXPECT_EQ(distinct.size(), count);
		EXPECT_EQ(w->check(), "");
		free_all(refs);
	}
}

TEST_F(List, ReleaseIsLastInFirstOut)
{
	uint32_t head = alloc_list(40);
	std::vector<uint32_t> refs;
	for (int i = 0; i < 35; i++)
		refs.push_back(static_cast<uint32_t>(xg_claim(&head, 1)));
	for (uint32_t ref : refs)
		EXPECT_EQ(xg_release(&head, ref, 1), 0);
	EXPECT_EQ(w->check(), "");
	for (size_t i = refs.size(); i--;)
		EXPECT_EQ(xg_claim(&head, 1), refs[i]);
	EXPECT_EQ(claim_all(head).size(), 5u);
	for (uint32_t ref = 0; ref < w->config.table_refs; ref++)
		if (xg_is_leased(ref))
			(void)xg_free_one(ref, 1);
	w->log.take(); // most of these were free
}

TEST_F(List, MixesReferencesFromEverywhere)
{
	uint32_t head = alloc_list(50);
	uint32_t single = alloc();
	uint32_t sequence = alloc_sequence(20);
	std::vector<uint32_t> claimed;
	for (int i = 0; i < 10; i++)
		claimed.push_back(static_cast<uint32_t>(xg_claim(&head, 1)));
	EXPECT_EQ(xg_release(&head, single, 1), 0);
	for (uint32_t i = 20; i--;)
		EXPECT_EQ(xg_release(&head, sequence + i, 1), 0);
	EXPECT_EQ(xg_release(&head, claimed[3], 1), 0);
	EXPECT_EQ(w->check(), "");
	EXPECT_EQ(w->stats().listed, 62u);
	free_list(head);
	claimed.erase(claimed.begin() + 3);
	free_all(claimed);
	EXPECT_EQ(w->stats().claimed, 0u);
}

TEST_F(List, AllOrNothing)
{
	start_with(100);
	uint32_t head = 1234;
	EXPECT_EQ(xg_alloc_list(w->pool(), 101, &head), XG_NO_SPACE);
	EXPECT_EQ(head, 1234u) << "untouched";
	EXPECT_EQ(w->check(), "");
	uint32_t all = alloc_list(100);
	EXPECT_EQ(xg_alloc_list(w->pool(), 1, &head), XG_NO_SPACE);
	EXPECT_EQ(w->alloc(), XG_NO_SPACE);
	free_list(all);
	free_list(alloc_list(100));
}

TEST_F(List, DrainsCachesBeforeGivingUp)
{
	start_with(200);
	std::vector<uint32_t> refs = alloc_many(200);
	for (size_t i = 0; i < refs.size(); i++) {
		run_on(static_cast<unsigned>(i / 50));
		EXPECT_EQ(w->free(refs[i]), 0);
	}
	run_on(0);
	uint32_t all = alloc_list(200);
	EXPECT_EQ(w->stats().cached, 0u);
	free_list(all);
}

TEST_F(List, OfTheLargestCountAStockCallerCanName)
{
	Config config;
	config.table_refs = 70000;
	start(config);
	uint32_t head = alloc_list(65535);
	EXPECT_EQ(w->stats().listed, 65535u);
	EXPECT_EQ(w->check(), "");
	uint32_t none = 0;
	EXPECT_EQ(xg_alloc_list(w->pool(), 65535, &none), XG_NO_SPACE);
	free_list(head);
	EXPECT_EQ(w->check(), "");
	EXPECT_EQ(claim_all(alloc_list(65535)).size(), 65535u);
	for (uint32_t ref = 8; ref < 70000; ref++)
		if (xg_is_leased(ref))
			(void)w->free(ref);
	w->log.take(); // some of these were free
	EXPECT_EQ(w->stats().claimed, 0u);
}

TEST_F(List, CountsBeyondTheTableAreRefused)
{
	uint32_t head = 5;
	for (uint32_t count : {4097u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
		EXPECT_EQ(xg_alloc_list(w->pool(), count, &head), XG_NO_SPACE);
		EXPECT_EQ(w->stats().leased, 0u) << "nothing is leased in vain";
	}
	EXPECT_EQ(head, 5u);
}

TEST_F(List, SmallListsComeBackAsLargeRuns)
{
	std::vector<uint32_t> heads;
	for (int i = 0; i < 200; i++)
		heads.push_back(alloc_list(3));
	for (uint32_t head : heads)
		free_list(head);
	EXPECT_EQ(w->check(), "");
	std::vector<uint32_t> refs = claim_all(alloc_list(600));
	EXPECT_EQ(std::set<uint32_t>(refs.begin(), refs.end()).size(), 600u);
	free_all(refs);
}

// SPDX-License-Identifier: GPL-2.0
//
// What can be read about the core from outside.
#include <cstring>
#include <map>

#include "fixture.hh"

using namespace sim;
using Watch = WorldTest;

namespace
{

xg_ref_info read(uint32_t ref)
{
	xg_ref_info info;
	memset(&info, 0xaa, sizeof(info));
	xg_read_ref(ref, &info);
	return info;
}

void count(void *arg)
{
	++*static_cast<int *>(arg);
}

} // namespace

TEST_F(Watch, AReferencesStateIsTold)
{
	int error = 0;
	xg_pool *pool = xg_pool_create("told", 0, ~0u, true, &error);
	auto ref = static_cast<uint32_t>(xg_alloc_one(pool));
	EXPECT_EQ(read(ref).state, XG_REF_CLAIMED);
	EXPECT_EQ(read(ref).pool, pool);

	Page *page = w->pages.alloc();
	EXPECT_EQ(w->grant(ref, backend, page), 0);
	EXPECT_EQ(read(ref).state, XG_REF_GRANTED);
	EXPECT_EQ(read(ref).pool, pool);
	EXPECT_EQ(read(ref).domid, backend);
	EXPECT_EQ(read(ref).frame, page->frame);

	EXPECT_TRUE(w->xen.map(ref, backend, false));
	EXPECT_EQ(w->end_and_put(ref, page), 0);
	EXPECT_EQ(read(ref).state, XG_REF_DEFERRED);
	EXPECT_EQ(read(ref).domid, backend);
	EXPECT_EQ(read(ref).frame, page->frame);

	EXPECT_TRUE(w->xen.unmap(ref, backend, false));
	w->clock.advance(3000);
	EXPECT_EQ(read(ref).state, XG_REF_FREE);
	EXPECT_EQ(read(ref).pool, nullptr);
	EXPECT_EQ(xg_pool_destroy(pool), 0u);
}

TEST_F(Watch, WhatIsNobodysIsFree)
{
	uint32_t head = alloc_list(10);
	EXPECT_EQ(read(head).state, XG_REF_LISTED);
	EXPECT_EQ(read(head).count, 10u);
	EXPECT_EQ(read(xg_next_on_list(head)).state, XG_REF_FREE) << "the first stands for all";
	for (uint32_t ref : {w->config.table_refs - 1, w->config.table_refs, 0u, XG_NO_REF})
		EXPECT_EQ(read(ref).state, XG_REF_FREE) << ref;
	free_list(head);
}

TEST_F(Watch, PoolsAreReadByTheirNumber)
{
	int error = 0;
	xg_pool *pool =
	    xg_pool_create("a name that is longer than thirty-one letters", 30, 100, true, &error);
	ASSERT_NE(pool, nullptr);
	EXPECT_STREQ(xg_pool_name(pool), "a name that is longer than thir");
	EXPECT_STREQ(xg_pool_name(w->pool()), "default");
	uint32_t head = 0;
	EXPECT_EQ(xg_alloc_list(pool, 12, &head), 0);
	EXPECT_EQ(w->free(static_cast<uint32_t>(xg_claim(&head, 1))), 0);
	EXPECT_EQ(w->free(static_cast<uint32_t>(xg_alloc_one(pool))), 0);

	xg_pool_stats stats;
	ASSERT_TRUE(xg_read_pool(0, &stats));
	EXPECT_STREQ(stats.name, "default");
	ASSERT_TRUE(xg_read_pool(1, &stats));
	EXPECT_STREQ(stats.name, "a name that is longer than thir");
	EXPECT_TRUE(stats.used);
	EXPECT_EQ(stats.held, 12u) << "one of them in a CPU's cache";
	EXPECT_EQ(stats.limit, 100u);
	EXPECT_EQ(stats.reserve, 30u);
	EXPECT_EQ(stats.allocated_total, 13u);
	EXPECT_EQ(stats.freed_total, 2u);
	for (uint32_t number : {2u, 254u, 255u, 256u, ~0u})
		EXPECT_FALSE(xg_read_pool(number, &stats)) << number;

	EXPECT_EQ(xg_pool_destroy(pool), 11u);
	ASSERT_TRUE(xg_read_pool(1, &stats));
	EXPECT_FALSE(stats.used);
	free_list(head);
	w->clock.advance(5000);
}

TEST_F(Watch, DeferredEndsAreReadInTheirOrder)
{
	std::vector<std::pair<uint32_t, Page *>> ends;
	xg_end_notice notice;
	int calls = 0;
	for (int i = 0; i < 3; i++) {
		ends.push_back(granted());
		auto [ref, page] = ends.back();
		EXPECT_TRUE(w->xen.map(ref, backend, false));
		// One of them with a notice, one with a page of its own.
		if (i == 1)
			EXPECT_EQ(xg_end_notify(&notice, ref, page, count, &calls, 1), 0);
		else
			EXPECT_EQ(w->end_and_put(ref, page), 0);
		w->clock.tick(2000);
	}
	std::map<uint32_t, std::pair<Page *, uint64_t>> expected{
	    {ends[0].first, {ends[0].second, 6}},
	    {ends[1].first, {ends[1].second, 4}},
	    {ends[2].first, {ends[2].second, 2}}};
	uint32_t at = 0;
	xg_deferred deferred;
	for (const auto &[ref, told] : expected) {
		ASSERT_TRUE(xg_read_deferred(&at, &deferred));
		EXPECT_EQ(deferred.ref, ref);
		EXPECT_EQ(at, ref + 1);
		EXPECT_EQ(deferred.page, told.first);
		EXPECT_EQ(deferred.age_s, told.second);
		EXPECT_EQ(deferred.domid, backend);
		EXPECT_STREQ(deferred.pool, "default");
	}
	EXPECT_FALSE(xg_read_deferred(&at, &deferred));
	EXPECT_EQ(at, w->config.table_refs);
	EXPECT_FALSE(xg_read_deferred(&at, &deferred));
	for (auto [ref, page] : ends)
		EXPECT_TRUE(w->xen.unmap(ref, backend, false));
	w->clock.advance(3000);
	EXPECT_EQ(calls, 1);
}

TEST_F(Watch, WhatAShimRefusesIsCountedAndReported)
{
	xg_refuse(XG_REPORT_BAD_RANGE, 77, 0xbad);
	expect_report(XG_REPORT_BAD_RANGE, 77, 0xbad);
	EXPECT_EQ(w->stats().misuse_total, 1u);
}

TEST_F(Watch, EveryTotalCounts)
{
	start_with(300);
	EXPECT_EQ(w->stats().lease_limit, 300u);
	free_list(alloc_list(100));
	free_sequence(alloc_sequence(10), 10);
	free_all(alloc_many(5));
	uint32_t head;
	EXPECT_EQ(xg_alloc_list(w->pool(), 301, &head), XG_NO_SPACE);
	EXPECT_EQ(xg_alloc_seq(w->pool(), 1000, &head), XG_NO_SPACE);
	Waiter served;
	Waiter waiting;
	served.request(1);
	waiting.request(400);
	auto [ref, page] = granted();
	EXPECT_EQ(w->try_end(ref), 1);
	w->pages.put(page);

	xg_stats stats = w->stats();
	EXPECT_EQ(stats.allocated_total, 116u);
	EXPECT_EQ(stats.freed_total, 116u);
	EXPECT_EQ(stats.granted_total, 1u);
	EXPECT_EQ(stats.ended_total, 1u);
	EXPECT_EQ(stats.enospc_total, 2u);
	EXPECT_EQ(stats.callbacks_total, 1u);
	EXPECT_EQ(stats.waiting, 1u);
	EXPECT_EQ(stats.leased_total - stats.unleased_total, stats.leased);
	EXPECT_EQ(stats.free + stats.cached, stats.leased);
	waiting.cancel();
	EXPECT_EQ(w->stats().waiting, 0u);
}

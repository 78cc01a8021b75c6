// SPDX-License-Identifier: GPL-2.0
//
// Ends that wait for the other side.
#include "fixture.hh"

using namespace sim;

class Deferred : public WorldTest
{
protected:
	// Grants that the backend keeps mapped, their ends deferred.
	std::vector<std::pair<uint32_t, Page *>> defer(size_t count, uint16_t domid = backend)
	{
		std::vector<std::pair<uint32_t, Page *>> ends;
		for (size_t i = 0; i < count; i++) {
			Page *page = w->pages.alloc();
			auto ref = static_cast<uint32_t>(w->grant_new(domid, page));
			EXPECT_TRUE(w->xen.map(ref, domid, false));
			EXPECT_EQ(w->end_and_put(ref, page), 0);
			ends.emplace_back(ref, page);
		}
		return ends;
	}
};

TEST_F(Deferred, KeepsPageAndReferenceUntilTheOtherSideLetsGo)
{
	auto [ref, page] = defer(1)[0];
	EXPECT_EQ(w->stats().deferred, 1u);
	EXPECT_TRUE(w->clock.scheduled(XG_WORK_DEFERRED));
	w->clock.advance(60000);
	EXPECT_EQ(page->owners, 1);
	EXPECT_EQ(w->stats().deferred, 1u);
	EXPECT_TRUE(w->xen.map(ref, backend, true)) << "it may even map it again";
	EXPECT_TRUE(w->xen.unmap(ref, backend, false));
	w->clock.advance(3000);
	EXPECT_EQ(page->owners, 1);
	EXPECT_TRUE(w->xen.unmap(ref, backend, true));
	w->clock.advance(3000);
	EXPECT_EQ(page->owners, 0);
	EXPECT_EQ(w->stats().deferred, 0u);
	EXPECT_EQ(w->stats().reclaimed_total, 1u);
	EXPECT_FALSE(w->xen.map(ref, backend, true));
	EXPECT_FALSE(w->clock.scheduled(XG_WORK_DEFERRED)) << "nothing left to look at";
}

TEST_F(Deferred, NamesTheDomainWhenItBeginsAndWhenItIsDone)
{
	for (uint16_t domid : {uint16_t{3}, uint16_t{5}}) {
		uint32_t ref = defer(1, domid)[0].first;
		uint64_t traced = uint64_t{ref} << 16 | domid;
		EXPECT_EQ(w->last_trace[XG_TRACE_DEFER], traced);
		EXPECT_NE(w->last_trace[XG_TRACE_RECLAIM], traced);
		EXPECT_TRUE(w->xen.unmap(ref, domid, false));
		w->clock.advance(3000);
		EXPECT_EQ(w->last_trace[XG_TRACE_RECLAIM], traced);
	}
}

TEST_F(Deferred, IsNoLeakOfAPoolThatGoes)
{
	int error = 0;
	xg_pool *pool = xg_pool_create("going", 0, ~0u, true, &error);
	Page *page = w->pages.alloc();
	auto ref = static_cast<uint32_t>(xg_alloc_one(pool));
	int64_t leaked = xg_alloc_one(pool);
	defer(1); // somebody else's
	EXPECT_EQ(xg_grant(ref, backend, page->frame, false, 1), 0);
	EXPECT_TRUE(w->xen.map(ref, backend, false));
	EXPECT_EQ(w->end_and_put(ref, page), 0);
	EXPECT_EQ(xg_pool_destroy(pool), 1u) << "only what nobody has ended";
	EXPECT_EQ(xg_free_one(static_cast<uint32_t>(leaked), 1), 0);
	EXPECT_TRUE(w->xen.unmap(ref, backend, false));
	w->clock.advance(3000);
	EXPECT_EQ(page->owners, 0);
}

TEST_F(Deferred, WithoutAPageHoldsTheGrantedOne)
{
	auto [ref, page] = granted();
	EXPECT_TRUE(w->xen.map(ref, backend, false));
	EXPECT_EQ(w->end_and_put(ref, nullptr), 0);
	EXPECT_EQ(page->owners, 2);
	w->pages.put(page);
	EXPECT_EQ(page->owners, 1) << "the backend can still write to it";
	EXPECT_TRUE(w->xen.unmap(ref, backend, false));
	w->clock.advance(3000);
	EXPECT_EQ(page->owners, 0);
}

TEST_F(Deferred, WithoutAnyPageStillEnds)
{
	uint32_t ref = alloc();
	EXPECT_EQ(xg_grant(ref, backend, 5, false, 1), 0); // a frame without a page
	EXPECT_TRUE(w->xen.map(ref, backend, false));
	EXPECT_EQ(w->end_and_put(ref, nullptr), 0);
	EXPECT_TRUE(w->xen.unmap(ref, backend, false));
	w->clock.advance(3000);
	EXPECT_EQ(w->stats().deferred, 0u);
}

TEST_F(Deferred, FirstLookComesSoonAndLaterOnesSeldom)
{
	auto [ref, page] = defer(1)[0];
	uint64_t before = w->clock.runs();
	w->clock.advance(9);
	EXPECT_EQ(w->clock.runs(), before);
	w->clock.advance(1);
	EXPECT_EQ(w->clock.runs(), before + 1);
	w->clock.advance(60000);
	before = w->clock.runs();
	w->clock.advance(60000);
	EXPECT_LE(w->clock.runs() - before, 60u) << "less than once a second when idle";
	EXPECT_GE(w->clock.runs() - before, 30u) << "but within two seconds";
	EXPECT_TRUE(w->xen.unmap(ref, backend, false));
	w->clock.advance(2000);
	EXPECT_EQ(page->owners, 0);
}

TEST_F(Deferred, ADomainThatLetsGoOfOneIsLookedAtSoonAgain)
{
	auto ends = defer(3);
	w->clock.advance(60000);
	EXPECT_TRUE(w->xen.unmap(ends[0].first, backend, false));
	for (int waited = 0; w->stats().deferred == 3; waited++) {
		ASSERT_LT(waited, 2000);
		w->clock.advance(1);
	}
	EXPECT_TRUE(w->xen.unmap(ends[1].first, backend, false));
	w->clock.advance(20);
	EXPECT_EQ(w->stats().deferred, 1u);
	EXPECT_TRUE(w->xen.unmap(ends[2].first, backend, false));
	w->clock.advance(20);
	EXPECT_EQ(w->stats().deferred, 0u);
}

TEST_F(Deferred, ForDomainsOfAnyNumber)
{
	for (uint16_t domid : {0, 63, 64, 4095, 4096, 0x7fef, 0x7ff0}) {
		auto [ref, page] = defer(1, domid)[0];
		EXPECT_TRUE(w->xen.unmap(ref, domid, false));
		w->clock.advance(30);
		EXPECT_EQ(page->owners, 0) << domid;
	}
}

TEST_F(Deferred, StuckDomainsDoNotDelayOthers)
{
	auto stuck = defer(300, 11);
	w->clock.advance(60000);
	auto prompt = defer(10, 12);
	for (auto [ref, page] : prompt)
		EXPECT_TRUE(w->xen.unmap(ref, 12, false));
	w->clock.advance(30);
	EXPECT_EQ(w->stats().deferred, 300u);
	// Stuck members of the same domain, and of one that shares its queue, are gone past.
	for (uint16_t domid : {11, 11 + 64}) {
		auto late = defer(1, domid);
		EXPECT_TRUE(w->xen.unmap(late[0].first, domid, false));
		w->clock.advance(30);
		EXPECT_EQ(w->stats().deferred, 300u);
	}
	EXPECT_EQ(w->check(), "");
	for (auto [ref, page] : stuck)
		EXPECT_TRUE(w->xen.unmap(ref, 11, false));
	w->clock.advance(2000);
	EXPECT_EQ(w->stats().deferred, 0u);
}

TEST_F(Deferred, TenThousandAreReclaimedWithinTwoSeconds)
{
	Config config;
	config.table_refs = 16384;
	config.pages = 10000;
	start(config);
	auto ends = defer(10000);
	w->clock.advance(120000);
	EXPECT_EQ(w->stats().deferred, 10000u);
	EXPECT_EQ(w->check(), "");
	for (auto [ref, page] : ends)
		EXPECT_TRUE(w->xen.unmap(ref, backend, false));
	w->clock.advance(2000);
	EXPECT_EQ(w->stats().deferred, 0u);
	EXPECT_EQ(w->stats().reclaimed_total, 10000u);
	EXPECT_EQ(w->pages.in_use(), 0u);
	EXPECT_EQ(w->check(), "");
}

TEST_F(Deferred, OneRoundIsBounded)
{
	Config config;
	config.table_refs = 16384;
	config.pages = 10000;
	start(config);
	auto ends = defer(10000);
	for (auto [ref, page] : ends)
		EXPECT_TRUE(w->xen.unmap(ref, backend, false));
	w->clock.tick(10);
	xg_deferred_work();
	uint64_t first = w->stats().reclaimed_total;
	EXPECT_GT(first, 0u);
	EXPECT_LE(first, 4096u);
	xg_deferred_work();
	EXPECT_LE(w->stats().reclaimed_total - first, 4096u);
	EXPECT_EQ(w->check(), "") << "in the middle of a round";
	w->clock.advance(100);
	EXPECT_EQ(w->stats().deferred, 0u);
}

TEST_F(Deferred, MapsAgainRightAfterUnmapNeverLoseThePage)
{
	auto ends = defer(100);
	for (int round = 0; round < 50; round++) {
		for (auto [ref, page] : ends)
			if (page->owners) {
				w->xen.unmap(ref, backend, false);
				if (ref % 5 != static_cast<unsigned>(round) % 5)
					w->xen.map(ref, backend, false);
			}
		w->clock.advance(2000);
		ASSERT_EQ(w->verdict.first(), "");
	}
	EXPECT_EQ(w->stats().deferred, 0u);
}

TEST_F(Deferred, ReclaimedReferencesWakeWaiters)
{
	start_with(4);
	auto ends = defer(4);
	EXPECT_EQ(w->alloc(), XG_NO_SPACE);
	Waiter waiter;
	waiter.request(3);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(waiter.calls, 0);
		EXPECT_TRUE(w->xen.unmap(ends[static_cast<size_t>(i)].first, backend, false));
		w->clock.advance(2000);
	}
	EXPECT_EQ(waiter.calls, 1);
	EXPECT_TRUE(w->xen.unmap(ends[3].first, backend, false));
	w->clock.advance(2000);
}

TEST_F(Deferred, BusyOnesAreHandedOverWhenTheModuleGoes)
{
	auto ends = defer(5);
	EXPECT_TRUE(w->xen.unmap(ends[2].first, backend, false));
	auto [without_page, page] = granted();
	EXPECT_TRUE(w->xen.map(without_page, backend, false));
	EXPECT_EQ(w->end_and_put(without_page, nullptr), 0);
	w->pages.put(page);
	w->stop();
	EXPECT_EQ(w->log.size(), 0u) << "nothing leaked, nothing to report";
	EXPECT_EQ(w->kernel.leased(), 0u);
	EXPECT_EQ(w->kernel.deferred(), 5u);
	EXPECT_EQ(ends[2].second->owners, 0) << "that one could be ended";
	EXPECT_EQ(w->pages.in_use(), 5u);
	for (auto [ref, kept] : ends)
		w->xen.unmap(ref, backend, false);
	w->xen.unmap(without_page, backend, false);
	w->kernel.look_at_deferred();
	EXPECT_EQ(w->kernel.deferred(), 0u);
	EXPECT_EQ(w->pages.in_use(), 0u);
	EXPECT_EQ(w->verdict.first(), "");
}

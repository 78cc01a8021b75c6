// SPDX-License-Identifier: GPL-2.0
//
// Pools, batches and notices: what goes beyond the stock interface.
#include "fixture.hh"

using namespace sim;

class Pools : public WorldTest
{
protected:
	static xg_pool *create(const char *name, uint32_t reserve, uint32_t limit = ~0u)
	{
		int error = 0;
		xg_pool *pool = xg_pool_create(name, reserve, limit, true, &error);
		EXPECT_EQ(pool == nullptr, error != 0);
		return pool;
	}
	// Lists of one pool, as many as there are; how many references they have.
	static uint32_t take_everything(xg_pool *pool, std::vector<uint32_t> &heads)
	{
		uint32_t taken = 0;
		for (uint32_t count = 500; count;) {
			uint32_t head = 0;
			if (xg_alloc_list(pool, count, &head)) {
				count /= 2;
				continue;
			}
			heads.push_back(head);
			taken += count;
		}
		return taken;
	}
	void free_lists(std::vector<uint32_t> &heads)
	{
		for (uint32_t head : heads)
			free_list(head);
		heads.clear();
	}
	static xg_pool_stats stats_of(const char *name)
	{
		xg_pool_stats stats{};
		for (uint32_t number = 0; xg_read_pool(number, &stats); number++)
			if (std::string(stats.name) == name && stats.used)
				return stats;
		ADD_FAILURE() << "no pool of the name " << name;
		return {};
	}
};

TEST_F(Pools, TheLimitIsKeptAcrossEveryWayToAllocate)
{
	xg_pool *pool = create("limited", 0, 50);
	uint32_t head = 0;
	uint32_t first = 0;
	EXPECT_EQ(xg_alloc_list(pool, 51, &head), XG_NO_SPACE);
	EXPECT_EQ(xg_alloc_list(pool, 40, &head), 0);
	EXPECT_EQ(xg_alloc_seq(pool, 11, &first), XG_NO_SPACE);
	EXPECT_EQ(xg_alloc_seq(pool, 9, &first), 0);
	int64_t one = xg_alloc_one(pool);
	EXPECT_GE(one, 0);
	EXPECT_EQ(xg_alloc_one(pool), XG_NO_SPACE);
	EXPECT_EQ(xg_grant_new(pool, backend, 1, false, 1), XG_NO_SPACE);
	EXPECT_EQ(stats_of("limited").held, 50u);
	EXPECT_EQ(w->free(static_cast<uint32_t>(one)), 0);
	one = xg_alloc_one(pool);
	EXPECT_GE(one, 0) << "what came back can be taken again";
	EXPECT_EQ(w->free(static_cast<uint32_t>(one)), 0);
	free_list(head);
	free_sequence(first, 9);
	EXPECT_EQ(xg_pool_destroy(pool), 0u);
}

TEST_F(Pools, NobodyTakesAnothersReserve)
{
	start_with(1000);
	xg_pool *quiet = create("quiet", 200);
	xg_pool *rogue = create("rogue", 0);
	std::vector<uint32_t> heads;
	EXPECT_EQ(take_everything(rogue, heads), 800u);
	EXPECT_EQ(xg_alloc_one(w->pool()), XG_NO_SPACE) << "the default pool has no reserve";
	uint32_t head = 0;
	EXPECT_EQ(xg_alloc_list(quiet, 200, &head), 0);
	EXPECT_EQ(xg_alloc_one(quiet), XG_NO_SPACE);
	free_list(head);
	EXPECT_EQ(xg_alloc_one(rogue), XG_NO_SPACE) << "it is reserved again";
	free_lists(heads);
	EXPECT_EQ(xg_pool_destroy(quiet), 0u);
	EXPECT_EQ(take_everything(rogue, heads), 1000u) << "and open once its pool is gone";
	free_lists(heads);
	EXPECT_EQ(xg_pool_destroy(rogue), 0u);
}

TEST_F(Pools, WhatIsReservedDoesNotGoBackToTheKernel)
{
	start_with(1000, 32, 50);
	xg_pool *quiet = create("quiet", 200);
	free_list(alloc_list(700));
	w->clock.advance(100000);
	EXPECT_EQ(w->kernel.leased(), 200u);
	w->kernel.drivers_take(1000);
	uint32_t head = 0;
	EXPECT_EQ(xg_alloc_list(quiet, 200, &head), 0);
	free_list(head);
	EXPECT_EQ(xg_pool_destroy(quiet), 0u);
	w->kernel.drivers_free(1000);
}

TEST_F(Pools, AReserveThatCannotBeHadIsRefused)
{
	start_with(100);
	int error = 0;
	EXPECT_EQ(xg_pool_create("greedy", 101, ~0u, true, &error), nullptr);
	EXPECT_EQ(error, XG_NO_SPACE);
	std::vector<uint32_t> refs = alloc_many(60);
	EXPECT_EQ(xg_pool_create("late", 41, ~0u, true, &error), nullptr);
	EXPECT_EQ(error, XG_NO_SPACE);
	xg_pool *pool = create("in time", 40);
	EXPECT_EQ(xg_alloc_one(w->pool()), XG_NO_SPACE);
	EXPECT_EQ(xg_pool_destroy(pool), 0u);
	free_all(refs);
}

TEST_F(Pools, WhatIsOutWhenAPoolGoesIsCountedAndComesBack)
{
	xg_pool *pool = create("going", 10, 100);
	uint32_t first = 0;
	EXPECT_EQ(xg_alloc_seq(pool, 7, &first), 0);
	EXPECT_EQ(xg_pool_destroy(pool), 7u);
	EXPECT_EQ(xg_alloc_one(pool), XG_NO_SPACE) << "nothing more from it";
	EXPECT_NE(create("next", 0), pool) << "its number is still in use";
	w->clock.advance(10000);
	EXPECT_TRUE(w->clock.scheduled(XG_WORK_LEASE)) << "it is looked at again";
	free_sequence(first, 7);
	w->clock.advance(5000);
	EXPECT_EQ(create("third", 0), pool) << "now it is used again";
}

TEST_F(Pools, ThereIsAnEndToTheirNumbers)
{
	std::vector<xg_pool *> pools;
	int error = 0;
	while (xg_pool *pool = xg_pool_create("one of many", 0, 1, false, &error))
		pools.push_back(pool);
	EXPECT_EQ(error, XG_NO_MEMORY);
	EXPECT_EQ(pools.size(), 254u); // 256 less nobody's and the default one
	for (xg_pool *pool : pools)
		EXPECT_EQ(xg_pool_destroy(pool), 0u);
	EXPECT_NE(create("again", 0), nullptr);
}

TEST_F(Pools, AListOfSeveralPoolsGoesBackToEach)
{
	xg_pool *a = create("a", 0);
	xg_pool *b = create("b", 0);
	uint32_t list = XG_NO_REF;
	for (int i = 0; i < 60; i++) {
		auto ref = static_cast<uint32_t>(xg_alloc_one(i % 3 ? a : b));
		EXPECT_EQ(xg_release(&list, ref, 1), 0);
	}
	free_list(list);
	EXPECT_EQ(xg_pool_destroy(a), 0u);
	EXPECT_EQ(xg_pool_destroy(b), 0u);
}

class Batch : public WorldTest
{
};

TEST_F(Batch, GrantsAllOrNone)
{
	start_with(100);
	std::vector<unsigned long> frames(101, 0x1234);
	std::vector<uint32_t> refs(101);
	EXPECT_EQ(xg_grant_batch(w->pool(), backend, frames.data(), 101, false, refs.data(), 1),
		  XG_NO_SPACE);
	EXPECT_EQ(w->stats().granted, 0u);
	frames[50] = 1ul << 52;
	EXPECT_EQ(xg_grant_batch(w->pool(), backend, frames.data(), 100, false, refs.data(), 9),
		  XG_INVALID);
	expect_report(XG_REPORT_GRANT_BAD_FRAME, XG_NO_REF, 9);
	EXPECT_EQ(w->stats().granted, 0u);
	frames[50] = 0x1234;
	EXPECT_EQ(xg_grant_batch(w->pool(), backend, frames.data(), 100, false, refs.data(), 1), 0);
	EXPECT_EQ(w->stats().granted, 100u);
	EXPECT_EQ(xg_end_batch(refs.data(), nullptr, 100, 1), 0u);
	EXPECT_EQ(w->stats().granted, 0u);
	EXPECT_EQ(w->stats().claimed, 0u);
}

TEST_F(Batch, GoesBackToThePoolOfEach)
{
	int error = 0;
	xg_pool *pools[] = {xg_pool_create("a", 0, 100, true, &error),
			    xg_pool_create("b", 0, 100, true, &error)};
	std::vector<uint32_t> refs;
	for (int i = 0; i < 40; i++) {
		int64_t ref = xg_grant_new(pools[i / 5 % 2], backend, 0x1234, false, 1);
		ASSERT_GE(ref, 0);
		refs.push_back(static_cast<uint32_t>(ref));
	}
	EXPECT_EQ(xg_end_batch(refs.data(), nullptr, 40, 1), 0u);
	EXPECT_EQ(xg_pool_destroy(pools[0]), 0u);
	EXPECT_EQ(xg_pool_destroy(pools[1]), 0u);
}

TEST_F(Batch, EndsWhatItCanAndDefersTheRest)
{
	std::vector<uint32_t> refs;
	std::vector<void *> pages;
	std::vector<Page *> kept;
	for (int i = 0; i < 150; i++) {
		auto [ref, page] = granted();
		refs.push_back(ref);
		pages.push_back(page);
		kept.push_back(page);
		if (i % 10 == 3)
			EXPECT_TRUE(w->xen.map(ref, backend, false));
	}
	std::vector<uint32_t> all = refs;
	// What the kernel lent to nobody is the shim's to end; what is only claimed is freed.
	uint32_t claimed = alloc();
	refs.push_back(claimed);
	pages.push_back(nullptr);
	Page *kernels = w->pages.alloc();
	refs.push_back(4095);
	pages.push_back(kernels);
	EXPECT_EQ(xg_end_batch(refs.data(), pages.data(), 152, 1), 1u);
	EXPECT_EQ(refs[0], 4095u);
	EXPECT_EQ(pages[0], kernels);
	EXPECT_EQ(kernels->owners, 1);
	w->pages.put(kernels);
	EXPECT_EQ(w->stats().deferred, 15u);
	EXPECT_EQ(w->stats().granted + w->stats().claimed, 0u);
	for (size_t i = 0; i < 150; i++)
		EXPECT_EQ(kept[i]->owners, i % 10 == 3 ? 1 : 0);
	for (size_t i = 3; i < 150; i += 10)
		EXPECT_TRUE(w->xen.unmap(all[i], backend, false));
	w->clock.advance(3000);
	EXPECT_EQ(w->stats().deferred, 0u);
}

class Notices : public WorldTest
{
protected:
	static void call(void *arg) { ++*static_cast<int *>(arg); }
};

TEST_F(Notices, AreGivenAtOnceWhenNobodyHasIt)
{
	auto [ref, page] = granted();
	xg_end_notice notice;
	int calls = 0;
	EXPECT_EQ(xg_end_notify(&notice, ref, page, call, &calls, 1), 1);
	EXPECT_EQ(calls, 1);
	EXPECT_EQ(page->owners, 0);
	EXPECT_EQ(xg_end_notify(&notice, ref, nullptr, call, &calls, 5), XG_MISUSE);
	EXPECT_EQ(calls, 1) << "nothing ended, nothing told";
	expect_report(XG_REPORT_END_UNCLAIMED, ref, 5);
}

TEST_F(Notices, AreGivenOnceWhenTheOtherSideLetsGo)
{
	auto [ref, page] = granted();
	xg_end_notice notice;
	int calls = 0;
	EXPECT_TRUE(w->xen.map(ref, backend, false));
	EXPECT_EQ(xg_end_notify(&notice, ref, page, call, &calls, 1), 0);
	w->clock.advance(5000);
	EXPECT_EQ(calls, 0);
	EXPECT_EQ(page->owners, 1);
	uint32_t at = 0;
	xg_deferred deferred;
	EXPECT_TRUE(xg_read_deferred(&at, &deferred));
	EXPECT_EQ(deferred.ref, ref);
	EXPECT_EQ(deferred.page, page) << "not the notice";
	EXPECT_EQ(deferred.domid, backend);
	EXPECT_GE(deferred.age_s, 4u);
	EXPECT_FALSE(xg_read_deferred(&at, &deferred));
	EXPECT_TRUE(w->xen.unmap(ref, backend, false));
	w->clock.advance(3000);
	EXPECT_EQ(calls, 1);
	EXPECT_EQ(page->owners, 0);
	w->clock.advance(3000);
	EXPECT_EQ(calls, 1);
}

TEST_F(Notices, CancelledLeaveTheEndGoingOn)
{
	auto [ref, page] = granted();
	int calls = 0;
	{
		xg_end_notice notice;
		EXPECT_TRUE(w->xen.map(ref, backend, false));
		EXPECT_EQ(xg_end_notify(&notice, ref, page, call, &calls, 1), 0);
		xg_cancel_notice(&notice);
		xg_cancel_notice(&notice); // twice is fine
		notice = {};
	}
	EXPECT_EQ(page->owners, 1);
	EXPECT_TRUE(w->xen.unmap(ref, backend, false));
	w->clock.advance(3000);
	EXPECT_EQ(calls, 0);
	EXPECT_EQ(page->owners, 0);
}

TEST_F(Notices, AreGivenAfterARestore)
{
	auto [ref, page] = granted();
	auto [forgotten, other] = granted();
	xg_end_notice notice;
	xg_end_notice cancelled;
	int calls = 0;
	EXPECT_TRUE(w->xen.map(ref, backend, false));
	EXPECT_TRUE(w->xen.map(forgotten, backend, false));
	EXPECT_EQ(xg_end_notify(&notice, ref, page, call, &calls, 1), 0);
	EXPECT_EQ(xg_end_notify(&cancelled, forgotten, other, call, &calls, 1), 0);
	xg_cancel_notice(&cancelled);
	w->clock.advance(5000);
	EXPECT_EQ(calls, 0);
	w->xen.start_anew();
	w->clock.advance(3000);
	EXPECT_EQ(calls, 1) << "nobody can have it mapped any more";
	EXPECT_EQ(page->owners, 0);
	EXPECT_EQ(other->owners, 0);
	EXPECT_EQ(w->stats().deferred, 0u);
}

TEST_F(Notices, OutstandingOnesDoNotKeepTheCoreFromStopping)
{
	auto [ref, page] = granted();
	xg_end_notice notice;
	int calls = 0;
	EXPECT_TRUE(w->xen.map(ref, backend, false));
	EXPECT_EQ(xg_end_notify(&notice, ref, page, call, &calls, 1), 0);
	w->stop();
	EXPECT_EQ(calls, 0);
	EXPECT_EQ(page->owners, 1) << "the kernel keeps it now";
	EXPECT_TRUE(w->xen.unmap(ref, backend, false));
	w.reset();
}

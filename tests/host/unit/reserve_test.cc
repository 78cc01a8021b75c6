// SPDX-License-Identifier: GPL-2.0
//
// What a pool's reserve and limit mean: references are promised once, and a free callback counts
// what its own pool could take.
#include "fixture.hh"

using namespace sim;

namespace
{

// A waiter on the account of a pool.
void request(Waiter &waiter, xg_pool *pool, uint16_t count)
{
	xg_request_callback(pool, &waiter.callback, Waiter::run, &waiter, count);
}

} // namespace

class Reserve : public WorldTest
{
protected:
	static constexpr uint32_t no_limit = ~0u;
	static constexpr unsigned other_cpu = 1;

	static xg_pool *create(const char *name, uint32_t reserve, uint32_t limit = no_limit)
	{
		int error = XG_OK;
		xg_pool *pool = xg_pool_create(name, reserve, limit, false, &error);
		EXPECT_EQ(pool == nullptr, error != XG_OK);
		return pool;
	}
	std::vector<uint32_t> take_from(xg_pool *pool, uint32_t count)
	{
		uint32_t head = XG_NO_REF;
		EXPECT_EQ(xg_alloc_list(pool, count, &head), XG_OK);
		return claim_all(head);
	}
	// Has `meddle` done before each lock that creating a pool with `reserve` takes, each time
	// in a world of its own with `refs` references; `judge` gets the pool, or null.
	void while_creating(uint32_t refs, uint32_t reserve, const std::function<void()> &meddle,
			    const std::function<void(xg_pool *)> &judge)
	{
		long nth = 1;
		for (;; nth++) {
			SCOPED_TRACE("before lock " + std::to_string(nth));
			start_with(refs);
			w->before_lock(nth, other_cpu, meddle);
			xg_pool *pool = create("first", reserve);
			bool meddled = w->meddled();
			w->before_lock(0, 0, nullptr);
			if (meddled)
				judge(pool);
			if (pool)
				xg_pool_destroy(pool);
			if (!meddled || HasFailure())
				break;
		}
		EXPECT_GT(nth, 3) << "hardly anything was tried";
	}
};

// --- promised once -------------------------------------------------------------------------------

TEST_F(Reserve, TwoCreatorsAreNotPromisedTheSame)
{
	xg_pool *second = nullptr;
	while_creating(
	    100, 60, [&] { second = create("second", 60); },
	    [&](xg_pool *first) {
		    EXPECT_FALSE(first && second) << "120 of 100 are promised";
		    EXPECT_TRUE(first || second) << "one of them could have had its reserve";
		    for (xg_pool *pool : {first, second})
			    if (pool)
				    free_all(take_from(pool, 60));
		    if (second)
			    xg_pool_destroy(second);
	    });
}

TEST_F(Reserve, TwoCreatorsWhoFitBothGetTheirs)
{
	xg_pool *second = nullptr;
	while_creating(
	    100, 50, [&] { second = create("second", 50); },
	    [&](xg_pool *first) {
		    ASSERT_TRUE(first && second);
		    std::vector<uint32_t> a = take_from(first, 50);
		    std::vector<uint32_t> b = take_from(second, 50);
		    free_all(a);
		    free_all(b);
		    xg_pool_destroy(second);
	    });
}

TEST_F(Reserve, WhatIsAllocatedMeanwhileIsNotPromised)
{
	uint32_t list = XG_NO_REF;
	int taken = XG_OK;
	while_creating(
	    100, 50, [&] { taken = xg_alloc_list(w->pool(), 60, &list); },
	    [&](xg_pool *first) {
		    EXPECT_FALSE(first && taken == XG_OK) << "110 of 100 are given or promised";
		    EXPECT_TRUE(first || taken == XG_OK);
		    if (first)
			    free_all(take_from(first, 50));
		    if (taken == XG_OK)
			    free_list(list);
	    });
}

// What no number of frees can bring is told at once.
TEST_F(Reserve, MoreThanTheLimitsCanNeverBeAllocated)
{
	start_with(100);
	xg_pool *pool = create("limited", 0, 10);
	ASSERT_NE(pool, nullptr);
	std::vector<uint32_t> held = take_from(pool, 10);
	EXPECT_TRUE(xg_can_ever_allocate(pool, 10));
	EXPECT_FALSE(xg_can_ever_allocate(pool, 11));
	EXPECT_EQ(xg_pool_set(pool, 0, 20), XG_OK);
	EXPECT_TRUE(xg_can_ever_allocate(pool, 11));
	EXPECT_TRUE(xg_can_ever_allocate(w->pool(), 100));
	EXPECT_FALSE(xg_can_ever_allocate(w->pool(), 1u << 20));
	free_all(held);
	xg_pool_destroy(pool);
}

// A reserve that is not free leaves nothing promised.
TEST_F(Reserve, ARefusedReserveKeepsNothing)
{
	start_with(100);
	std::vector<uint32_t> held = alloc_many(41);
	int error = XG_OK;
	EXPECT_EQ(xg_pool_create("too much", 60, no_limit, false, &error), nullptr);
	EXPECT_EQ(error, XG_NO_SPACE);
	std::vector<uint32_t> rest = alloc_many(59);
	EXPECT_EQ(w->alloc(), XG_NO_SPACE);
	free_all(held);
	free_all(rest);
}

// What other CPUs have free in their caches can be promised.
TEST_F(Reserve, FreeReferencesInCachesArePromisedToo)
{
	start_with(100);
	std::vector<uint32_t> all = alloc_many(100);
	for (uint32_t i = 0; i < all.size(); i++) {
		run_on(i % w->config.cpus);
		EXPECT_EQ(w->free(all[i]), XG_OK);
	}
	run_on(0);
	xg_pool *pool = create("all", 100);
	ASSERT_NE(pool, nullptr);
	EXPECT_EQ(w->alloc(), XG_NO_SPACE);
	free_all(take_from(pool, 100));
	xg_pool_destroy(pool);
}

// --- who waits -----------------------------------------------------------------------------------

TEST_F(Reserve, DestroyingAPoolWakesWhoWaitsForItsReserve)
{
	for (uint32_t reserve : {1u, 50u, 100u}) {
		start_with(100);
		xg_pool *pool = create("mine", reserve);
		std::vector<uint32_t> rest = alloc_many(100 - reserve);
		Waiter waiter;
		waiter.request(static_cast<uint16_t>(reserve));
		w->clock.advance(5000);
		EXPECT_EQ(waiter.calls, 0);
		xg_pool_destroy(pool);
		w->clock.advance(100);
		EXPECT_EQ(waiter.calls, 1) << reserve;
		free_all(rest);
	}
}

// The same when the pool still has references out: its promise goes all the same.
TEST_F(Reserve, DestroyingAPoolInUseWakesForTheRestOfItsReserve)
{
	start_with(100);
	xg_pool *pool = create("mine", 100);
	std::vector<uint32_t> out = take_from(pool, 40);
	Waiter some;
	Waiter all;
	some.request(60);
	all.request(100);
	EXPECT_EQ(some.calls, 0);
	EXPECT_EQ(xg_pool_destroy(pool), 40u);
	w->clock.advance(100);
	EXPECT_EQ(some.calls, 1);
	EXPECT_EQ(all.calls, 0);
	free_all(out);
	w->clock.advance(100);
	EXPECT_EQ(all.calls, 1);
}

TEST_F(Reserve, APoolIsCalledForItsOwnReserve)
{
	start_with(100);
	xg_pool *pool = create("mine", 100);
	std::vector<uint32_t> refs = take_from(pool, 100);
	ASSERT_EQ(xg_alloc_one(pool), XG_NO_SPACE);
	Waiter one;
	Waiter ten;
	request(one, pool, 1);
	request(ten, pool, 10);
	EXPECT_EQ(one.calls, 0);
	EXPECT_EQ(w->free(refs[0]), XG_OK);
	w->clock.advance(10);
	EXPECT_EQ(one.calls, 1);
	EXPECT_EQ(ten.calls, 0);
	for (uint32_t i = 1; i < refs.size(); i++)
		EXPECT_EQ(w->free(refs[i]), XG_OK);
	w->clock.advance(10);
	EXPECT_EQ(one.calls, 1);
	EXPECT_EQ(ten.calls, 1);
	xg_pool_destroy(pool);
}

// What is promised to one pool is not available to another: its waiter would be called in vain.
TEST_F(Reserve, AnotherPoolsReserveIsNotAvailable)
{
	start_with(100);
	xg_pool *pool = create("mine", 90);
	std::vector<uint32_t> refs = take_from(pool, 90);
	Waiter other;
	other.then = [&] { EXPECT_EQ(w->free(alloc()), XG_OK); };
	std::vector<uint32_t> rest = alloc_many(10);
	other.request(1);
	free_all(refs);
	w->clock.advance(60000);
	EXPECT_EQ(other.calls, 0);
	EXPECT_EQ(w->free(rest.back()), XG_OK);
	rest.pop_back();
	w->clock.advance(10);
	EXPECT_EQ(other.calls, 1);
	free_all(rest);
	xg_pool_destroy(pool);
}

// Each is called as soon as its own pool could take what it waits for, whatever waits before it.
TEST_F(Reserve, WaitersOfSeveralPoolsDoNotHoldEachOtherUp)
{
	start_with(100);
	xg_pool *a = create("a", 40);
	xg_pool *b = create("b", 0, 20);
	std::vector<uint32_t> of_a = take_from(a, 40);
	std::vector<uint32_t> of_b = take_from(b, 20);
	std::vector<uint32_t> of_default = alloc_many(40);
	Waiter wait_default;
	Waiter wait_b;
	Waiter wait_a;
	wait_default.request(40);
	request(wait_b, b, 20);
	request(wait_a, a, 40);
	free_all(of_a);
	w->clock.advance(10);
	EXPECT_EQ(wait_a.calls, 1);
	EXPECT_EQ(wait_b.calls + wait_default.calls, 0);
	free_all(of_b);
	w->clock.advance(10);
	EXPECT_EQ(wait_b.calls, 1);
	EXPECT_EQ(wait_default.calls, 0);
	xg_pool_destroy(b);
	free_all(of_default);
	w->clock.advance(10);
	EXPECT_EQ(wait_default.calls, 1);
	xg_pool_destroy(a);
}

// --- a pool at its limit -------------------------------------------------------------------------

TEST_F(Reserve, APoolAtItsLimitIsCalledWhenItHasFreedEnough)
{
	start_with(1000);
	xg_pool *pool = create("mine", 0, 10);
	std::vector<uint32_t> refs = take_from(pool, 10);
	std::vector<uint32_t> others = alloc_many(100);
	Waiter waiter;
	request(waiter, pool, 3);
	EXPECT_EQ(waiter.calls, 0) << "called though its pool could take none";
	free_all(others);
	w->clock.advance(60000);
	EXPECT_EQ(waiter.calls, 0);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(waiter.calls, 0);
		EXPECT_EQ(w->free(refs.back()), XG_OK);
		refs.pop_back();
		w->clock.advance(10);
	}
	EXPECT_EQ(waiter.calls, 1);
	free_all(refs);
	xg_pool_destroy(pool);
}

// A driver as blkfront: what it is called for it takes, and asks again when there is none.
TEST_F(Reserve, AWaiterAtItsLimitDoesNotKeepTheWorkerBusy)
{
	start_with(1000);
	xg_pool *pool = create("mine", 0, 10);
	std::vector<uint32_t> refs = take_from(pool, 10);
	Waiter waiter;
	waiter.then = [&] {
		int64_t ref = xg_alloc_one(pool);
		if (ref == XG_NO_SPACE)
			request(waiter, pool, 1);
		else
			refs.push_back(static_cast<uint32_t>(ref));
	};
	request(waiter, pool, 1);
	uint64_t before = w->clock.runs();
	for (int i = 0; i < 1000; i++)
		w->clock.run_due();
	EXPECT_LT(waiter.calls, 3);
	EXPECT_LT(w->clock.runs() - before, 10u) << "the worker spins";
	w->clock.advance(60000);
	EXPECT_LT(waiter.calls, 3);
	EXPECT_LT(w->clock.runs() - before, 200u);
	int calls = waiter.calls;
	EXPECT_EQ(w->free(refs.back()), XG_OK);
	refs.pop_back();
	w->clock.advance(10);
	EXPECT_EQ(waiter.calls, calls + 1);
	EXPECT_EQ(refs.size(), 10u);
	waiter.then = nullptr;
	free_all(refs);
	xg_pool_destroy(pool);
}

// More than the pool may ever hold: never called, and nobody works for it.
TEST_F(Reserve, AWaiterBeyondItsPoolsLimitCostsNothing)
{
	start_with(1000);
	xg_pool *pool = create("mine", 0, 10);
	Waiter waiter;
	request(waiter, pool, 11);
	w->clock.advance(10000);
	uint64_t before = w->clock.runs();
	w->clock.advance(3600000);
	EXPECT_EQ(waiter.calls, 0);
	EXPECT_LE(w->clock.runs() - before, 10u);
	waiter.cancel();
	xg_pool_destroy(pool);
}

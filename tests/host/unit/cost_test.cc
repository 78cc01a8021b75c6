// SPDX-License-Identifier: GPL-2.0
//
// What operations cost, in locks taken: the fast ones none, and none takes one for each reference.
// Also how often the host is asked for what it has refused already.
#include <algorithm>

#include "fixture.hh"

using namespace sim;

class Cost : public WorldTest
{
protected:
	uint64_t locks(const std::function<void()> &operation)
	{
		uint64_t before = w->locks_taken();
		operation();
		return w->locks_taken() - before;
	}
	// All there are, in runs of the usual length.
	void SetUp() override
	{
		start_with(1024, XG_LEASE_BATCH, 2048);
		free_list(alloc_list(1024));
	}
};

TEST_F(Cost, SingleReferencesTakeNoLock)
{
	EXPECT_LE(locks([&] { EXPECT_EQ(w->free(alloc()), 0); }), 1u) << "a refill";
	EXPECT_EQ(locks([&] {
			  for (int i = 0; i < 20; i++)
				  free_all(alloc_many(20));
		  }),
		  0u);
	Page *page = w->pages.alloc();
	EXPECT_EQ(locks([&] {
			  for (int i = 0; i < 20; i++) {
				  int64_t ref = w->grant_new(backend, page);
				  EXPECT_EQ(w->try_end(static_cast<uint32_t>(ref)), 1);
			  }
		  }),
		  0u);
	w->pages.put(page);
	// A refill brings a run, a full cache is flushed by halves.
	std::vector<uint32_t> refs;
	EXPECT_LE(locks([&] { refs = alloc_many(640); }), 640u / 20);
	EXPECT_LE(locks([&] { free_all(refs); }), 640u / 10);
}

TEST_F(Cost, ListsTakeOneLockForManyRuns)
{
	for (uint32_t count : {32u, 256u, 1000u}) {
		uint32_t head = 0;
		EXPECT_LE(locks([&] { head = alloc_list(count); }), 1 + count / 256) << count;
		EXPECT_LE(locks([&] { free_list(head); }), 2 + count / 256) << count;
	}
	// Claimed and released, they come back as runs all the same.
	uint32_t head = alloc_list(256);
	uint32_t list = XG_NO_REF;
	for (uint32_t ref : claim_all(head))
		EXPECT_EQ(xg_release(&list, ref, 1), 0);
	EXPECT_LE(locks([&] { free_list(list); }), 3u);
}

TEST_F(Cost, SequencesTakeOneLockOnceTheyAreBits)
{
	free_sequence(alloc_sequence(1024), 1024);
	for (uint32_t count : {2u, 16u, 31u, 64u, 100u, 300u}) {
		uint32_t first = 0;
		EXPECT_LE(locks([&] { first = alloc_sequence(count); }), 2u) << count;
		EXPECT_LE(locks([&] { free_sequence(first, count); }), 3u) << count;
	}
}

TEST_F(Cost, BatchesTakeOneLockForARun)
{
	std::vector<unsigned long> frames(256, 0x1234);
	std::vector<uint32_t> refs(256);
	EXPECT_LE(locks([&] {
			  EXPECT_EQ(xg_grant_batch(w->pool(), backend, frames.data(), 256, false,
						   refs.data(), 1),
				    0);
		  }),
		  1u);
	EXPECT_LE(locks([&] { EXPECT_EQ(xg_end_batch(refs.data(), nullptr, 256, 1), 0u); }),
		  256u / 32 + 256u / 64);
}

// What is freed may be enough together with what the kernel has: looked at now, not when it is next
// time to ask.
TEST_F(Cost, NobodyWaitsForTheNextLookOfTheWorker)
{
	start_with(20, 1);
	std::vector<uint32_t> refs = alloc_many(17);
	Waiter waiter;
	waiter.request(5);
	w->clock.advance(100);
	EXPECT_EQ(waiter.calls, 0);
	EXPECT_EQ(w->free(refs[0]), 0);
	w->clock.advance(1);
	EXPECT_EQ(waiter.calls, 0) << "1 and 3 are not enough";
	uint64_t runs = w->clock.runs();
	EXPECT_EQ(w->free(refs[1]), 0);
	w->clock.advance(1);
	EXPECT_EQ(waiter.calls, 1);
	EXPECT_EQ(w->clock.runs(), runs + 1);
	free_all({refs.begin() + 2, refs.end()});
}

// Once nobody waits any more what is freed stays in the caches.
TEST_F(Cost, AWaiterIsNoBurdenOnceItIsServedOrCancelled)
{
	for (bool cancelled : {false, true}) {
		start_with(100);
		std::vector<uint32_t> refs = alloc_many(100);
		Waiter waiter;
		waiter.request(10);
		if (cancelled)
			waiter.cancel();
		free_all(refs);
		EXPECT_EQ(waiter.calls, cancelled ? 0 : 1);
		refs = alloc_many(20);
		EXPECT_EQ(locks([&] {
				  free_all(refs);
				  refs = alloc_many(20);
			  }),
			  0u);
		free_all(refs);
	}
}

TEST_F(Cost, WhatASequenceLacksIsLeasedAtOnce)
{
	start_with(4000, 1, 8000);
	// Enough are free, no two side by side.
	std::vector<uint32_t> refs = alloc_many(400);
	std::sort(refs.begin(), refs.end());
	for (size_t i = 0; i < refs.size(); i += 2)
		EXPECT_EQ(w->free(refs[i]), 0);
	long before = w->faults.seen();
	uint32_t first = alloc_sequence(100);
	EXPECT_LE(w->faults.seen() - before, 2) << "leases, and no single ones";
	free_sequence(first, 100);
	for (size_t i = 1; i < refs.size(); i += 2)
		EXPECT_EQ(w->free(refs[i]), 0);
}

TEST_F(Cost, RefusalsAskTheKernelOnceInAWhile)
{
	w->kernel.drivers_take(100000);
	uint32_t head = 0;
	EXPECT_EQ(xg_alloc_list(w->pool(), 1100, &head), XG_NO_SPACE);
	long before = w->faults.seen();
	EXPECT_LE(locks([&] { EXPECT_EQ(xg_alloc_list(w->pool(), 1100, &head), XG_NO_SPACE); }),
		  12u);
	EXPECT_EQ(w->faults.seen(), before) << "nothing was asked of the host";
}

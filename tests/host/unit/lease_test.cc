// SPDX-License-Identifier: GPL-2.0
//
// What is leased from the kernel's allocator, and given back.
#include "fixture.hh"

using namespace sim;
using LeaseTest = WorldTest;

TEST_F(LeaseTest, GrowsByStepsAndOnDemand)
{
	EXPECT_EQ(w->stats().leased, 0u) << "nothing before somebody asks";
	uint32_t ref = alloc();
	EXPECT_EQ(w->stats().leased, 32u);
	uint32_t head = alloc_list(500);
	EXPECT_LE(w->stats().leased, 600u);
	EXPECT_EQ(w->check(), "");
	free_list(head);
	EXPECT_EQ(w->free(ref), 0);
}

TEST_F(LeaseTest, CanBeSeen)
{
	start_with(100, 32, 256);
	w->kernel.drivers_take(60);
	xg_lease lease;
	xg_read_lease(&lease);
	EXPECT_EQ(lease.leased, 0u);
	EXPECT_EQ(lease.step, 32u);
	EXPECT_EQ(lease.spare_limit, 256u);
	EXPECT_EQ(lease.limit, w->stats().lease_limit);
	EXPECT_EQ(lease.refused, 0u);
	std::vector<uint32_t> refs = alloc_many(40);
	EXPECT_EQ(w->alloc(), XG_NO_SPACE);
	xg_read_lease(&lease);
	EXPECT_EQ(lease.leased, 40u);
	EXPECT_EQ(lease.leased_total, 40u);
	EXPECT_EQ(lease.refused, 1u) << "the kernel has none left";
	w->kernel.drivers_free(60);
	xg_read_lease(&lease);
	EXPECT_EQ(lease.refused, 0u);
	free_all(refs);
}

TEST_F(LeaseTest, NeverGoesBeyondItsLimit)
{
	Config config;
	config.lease_limit = 100;
	start(config);
	EXPECT_EQ(w->stats().lease_limit, 100u);
	uint32_t head = 0;
	EXPECT_EQ(xg_alloc_list(w->pool(), 101, &head), XG_NO_SPACE);
	std::vector<uint32_t> refs = alloc_many(100);
	EXPECT_EQ(w->stats().leased, 100u);
	EXPECT_EQ(w->alloc(), XG_NO_SPACE);
	free_all(refs);
}

TEST_F(LeaseTest, TakesTheLastOnesOneByOne)
{
	start_with(100, 32);
	w->kernel.drivers_take(95);
	std::vector<uint32_t> refs = alloc_many(5);
	EXPECT_EQ(w->alloc(), XG_NO_SPACE);
	w->kernel.drivers_free(1);
	refs.push_back(alloc());
	EXPECT_EQ(w->alloc(), XG_NO_SPACE);
	w->kernel.drivers_free(94);
	for (uint32_t ref : alloc_many(94))
		refs.push_back(ref);
	EXPECT_EQ(w->alloc(), XG_NO_SPACE);
	free_all(refs);
}

TEST_F(LeaseTest, DoesNotAskAgainInVain)
{
	start_with(50);
	w->kernel.drivers_take(50);
	EXPECT_EQ(w->alloc(), XG_NO_SPACE);
	EXPECT_EQ(w->kernel.watched(), 1u);
	long asked = w->faults.seen();
	for (int i = 0; i < 100; i++)
		EXPECT_EQ(w->alloc(), XG_NO_SPACE);
	EXPECT_EQ(w->faults.seen(), asked);
	w->kernel.drivers_free(1);
	uint32_t ref = alloc();
	EXPECT_EQ(w->free(ref), 0);
	w->kernel.drivers_free(49);
}

TEST_F(LeaseTest, WatchStaysOnTheSmallestNeed)
{
	start_with(50);
	w->kernel.drivers_take(50);
	uint32_t head = 0;
	EXPECT_EQ(xg_alloc_list(w->pool(), 40, &head), XG_NO_SPACE);
	EXPECT_EQ(w->kernel.watched(), 40u);
	EXPECT_EQ(xg_alloc_list(w->pool(), 10, &head), XG_NO_SPACE);
	EXPECT_EQ(w->kernel.watched(), 10u);
	EXPECT_EQ(xg_alloc_list(w->pool(), 30, &head), XG_NO_SPACE);
	EXPECT_EQ(w->kernel.watched(), 10u);
	w->kernel.drivers_free(50);
}

TEST_F(LeaseTest, GivesBackWhatHasBeenFreeForAWhile)
{
	Config config;
	config.spare_limit = 100;
	start(config);
	free_list(alloc_list(2000));
	uint64_t leased = w->stats().leased;
	w->clock.advance(500);
	EXPECT_EQ(w->stats().leased, leased) << "drivers come in bursts";
	w->clock.advance(1500);
	EXPECT_EQ(w->stats().leased, 100u);
	EXPECT_FALSE(w->clock.scheduled(XG_WORK_LEASE)) << "nothing left to do";
	EXPECT_EQ(w->stats().unleased_total, w->stats().leased_total - 100);
}

TEST_F(LeaseTest, GivesBackAfterSinglesAndSequencesToo)
{
	Config config;
	config.spare_limit = 10;
	start(config);
	free_all(alloc_many(1000));
	w->clock.advance(200000);
	EXPECT_LE(w->stats().leased, 10u + 64);
	free_sequence(alloc_sequence(1000), 1000);
	w->clock.advance(200000);
	EXPECT_LE(w->stats().leased, 10u + 64);
}

TEST_F(LeaseTest, GivesBackAtOnceWhatWasLeasedInVain)
{
	start_with(1000, 32, 0);
	w->kernel.drivers_take(100);
	uint32_t head = 0;
	EXPECT_EQ(xg_alloc_list(w->pool(), 950, &head), XG_NO_SPACE);
	w->clock.advance(10);
	EXPECT_LT(w->stats().leased, 900u);
	w->kernel.drivers_free(100);
}

// A look at the spare ones that comes while somebody waits must not be the last one.
TEST_F(LeaseTest, GivesBackAfterSomebodyHadToWait)
{
	Config config;
	config.table_refs = 2008;
	config.spare_limit = 100;
	start(config);
	uint32_t head = alloc_list(1000);
	std::vector<uint32_t> rest = alloc_many(1000);
	free_list(head); // a look is due in a while
	Waiter waiter;
	waiter.request(1500);
	w->clock.advance(20000);
	EXPECT_EQ(w->stats().leased, 2000u) << "somebody waits";
	waiter.cancel();
	free_all(rest);
	w->clock.advance(200000);
	EXPECT_LE(w->stats().leased, 100u + 64);
}

TEST_F(LeaseTest, WaitersAreServedOnceMemoryIsThereAgain)
{
	w->faults.fail(1, only(Call::page_alloc), true);
	EXPECT_EQ(w->alloc(), XG_NO_SPACE);
	Waiter waiter;
	waiter.request(1);
	EXPECT_EQ(waiter.calls, 0);
	EXPECT_EQ(w->check(), "");
	w->faults.none();
	w->clock.advance(10000);
	EXPECT_EQ(waiter.calls, 1);
}

TEST_F(LeaseTest, ReturnsWhatItCannotReach)
{
	w->faults.fail(1, only(Call::table_frame), true);
	EXPECT_EQ(w->alloc(), XG_NO_SPACE);
	EXPECT_EQ(w->stats().leased, 0u);
	EXPECT_EQ(w->kernel.leased(), 0u);
	w->faults.none();
	uint32_t ref = alloc();
	EXPECT_EQ(w->free(ref), 0);
}

TEST_F(LeaseTest, KernelWithReferencesAllOverItsTable)
{
	// What other drivers use in between makes the leased ones anything but consecutive.
	start_with(4088, 16);
	std::vector<uint32_t> ours;
	for (int i = 0; i < 50; i++) {
		w->kernel.drivers_take(static_cast<size_t>(i % 7));
		ours.push_back(alloc_sequence(static_cast<uint32_t>(1 + i % 20)));
	}
	EXPECT_EQ(w->check(), "");
	for (int i = 0; i < 50; i++)
		free_sequence(ours[static_cast<size_t>(i)], static_cast<uint32_t>(1 + i % 20));
	w->kernel.drivers_free(5000);
}

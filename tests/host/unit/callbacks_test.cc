// SPDX-License-Identifier: GPL-2.0
//
// Drivers that wait for references.
#include <atomic>
#include <thread>

#include "fixture.hh"

using namespace sim;

class Callbacks : public WorldTest
{
protected:
	std::vector<uint32_t> held;

	// A world whose every reference is held.
	void exhaust(uint32_t refs)
	{
		start_with(refs);
		held = alloc_many(refs);
	}
	void free_some(size_t count)
	{
		for (; count; count--) {
			EXPECT_EQ(w->free(held.back()), 0);
			held.pop_back();
		}
	}
	void TearDown() override
	{
		free_all(held);
		WorldTest::TearDown();
	}
};

TEST_F(Callbacks, RunAtOnceWhenThereAreEnough)
{
	Waiter waiter;
	waiter.request(100);
	EXPECT_EQ(waiter.calls, 1) << "the lease grew for it";
	waiter.request(0);
	EXPECT_EQ(waiter.calls, 2);
	EXPECT_EQ(w->stats().waiting, 0u);
	EXPECT_EQ(w->stats().callbacks_total, 2u);
}

TEST_F(Callbacks, CachedReferencesOfAnyCpuCount)
{
	exhaust(200);
	for (unsigned cpu = 0; cpu < 4; cpu++) {
		run_on(cpu);
		free_some(50);
	}
	run_on(0);
	Waiter waiter;
	waiter.request(200);
	EXPECT_EQ(waiter.calls, 1);
}

TEST_F(Callbacks, CanBeSeenInTheirOrder)
{
	exhaust(200);
	Waiter first;
	Waiter second;
	first.request(150);
	second.request(7);
	xg_waiter seen[3];
	ASSERT_EQ(xg_read_waiters(seen, 3), 2u);
	EXPECT_EQ(seen[0].count, 150u);
	EXPECT_EQ(seen[1].count, 7u);
	EXPECT_EQ(seen[0].fn, &Waiter::run);
	EXPECT_EQ(xg_read_waiters(seen, 1), 1u) << "no more than there is room for";
	first.cancel();
	ASSERT_EQ(xg_read_waiters(seen, 3), 1u);
	EXPECT_EQ(seen[0].count, 7u);
	second.cancel();
	EXPECT_EQ(xg_read_waiters(seen, 3), 0u);
}

TEST_F(Callbacks, RunOnceEnoughAreFreeAndNotBefore)
{
	exhaust(100);
	Waiter waiter;
	waiter.request(10);
	EXPECT_EQ(w->stats().waiting, 1u);
	free_some(9);
	EXPECT_EQ(waiter.calls, 0);
	run_on(2); // into another CPU's cache
	free_some(1);
	run_on(0);
	EXPECT_EQ(waiter.calls, 1);
	free_some(50);
	EXPECT_EQ(waiter.calls, 1) << "once";
	EXPECT_EQ(w->stats().waiting, 0u);
}

TEST_F(Callbacks, EveryWayOfFreeingWakes)
{
	start_with(64);
	Waiter waiter;
	uint32_t head = alloc_list(32);
	uint32_t first = alloc_sequence(32);
	waiter.request(32);
	EXPECT_EQ(waiter.calls, 0);
	free_list(head);
	EXPECT_EQ(waiter.calls, 1);
	waiter.request(64);
	EXPECT_EQ(waiter.calls, 1);
	free_sequence(first, 32);
	EXPECT_EQ(waiter.calls, 2);
	std::vector<uint32_t> refs = alloc_many(64);
	waiter.request(1);
	EXPECT_EQ(xg_free_one(refs[0], 1), 0);
	EXPECT_EQ(waiter.calls, 3);
	waiter.request(2);
	EXPECT_EQ(w->try_end(refs[1]), 1);
	EXPECT_EQ(waiter.calls, 4);
	waiter.request(3);
	EXPECT_EQ(xg_try_end(refs[2], 1), 1);
	EXPECT_EQ(waiter.calls, 5);
	waiter.request(4);
	EXPECT_EQ(w->end_and_put(refs[3], nullptr), 0);
	EXPECT_EQ(waiter.calls, 6);
	waiter.request(5);
	w->kernel.drivers_take(0);
	for (size_t i = 4; i < 64; i++)
		EXPECT_EQ(w->free(refs[i]), 0);
	EXPECT_EQ(waiter.calls, 7);
}

TEST_F(Callbacks, FirstComeFirstServed)
{
	exhaust(50);
	std::vector<Waiter *> order;
	Waiter waiters[6];
	for (Waiter &waiter : waiters) {
		waiter.order = &order;
		waiter.request(5);
	}
	free_some(5);
	ASSERT_EQ(order.size(), 6u) << "none of them takes any";
	for (size_t i = 0; i < 6; i++)
		EXPECT_EQ(order[i], &waiters[i]);
}

TEST_F(Callbacks, OrderIsKeptAmongThoseNotMet)
{
	exhaust(50);
	std::vector<Waiter *> order;
	Waiter large, small, later;
	for (Waiter *waiter : {&large, &small, &later})
		waiter->order = &order;
	large.request(20);
	small.request(2);
	later.request(20);
	free_some(2);
	EXPECT_EQ(order, std::vector<Waiter *>{&small});
	free_some(18);
	EXPECT_EQ(order, (std::vector<Waiter *>{&small, &large, &later}));
}

TEST_F(Callbacks, AQueuedOneIsNotQueuedAgain)
{
	exhaust(10);
	Waiter waiter;
	waiter.request(2);
	waiter.request(1); // nothing changes, the count included
	EXPECT_EQ(w->stats().waiting, 1u);
	free_some(1);
	EXPECT_EQ(waiter.calls, 0);
	free_some(1);
	EXPECT_EQ(waiter.calls, 1);
}

TEST_F(Callbacks, MayAskAgainFromInside)
{
	exhaust(10);
	Waiter waiter;
	waiter.then = [&] {
		if (waiter.calls < 3)
			waiter.request(1);
	};
	waiter.request(1);
	free_some(1);
	EXPECT_EQ(waiter.calls, 3) << "one is free each time";
	EXPECT_EQ(w->stats().waiting, 0u);
}

TEST_F(Callbacks, OneThatAsksForeverDoesNotHoldUpWhoFreed)
{
	exhaust(10);
	Waiter waiter;
	bool enough = false;
	waiter.then = [&] {
		if (!enough)
			waiter.request(1);
	};
	waiter.request(1);
	free_some(1);
	EXPECT_LT(waiter.calls, 100);
	EXPECT_TRUE(w->clock.scheduled(XG_WORK_LEASE)) << "the worker goes on";
	enough = true;
	int before = waiter.calls;
	w->clock.advance(1);
	EXPECT_EQ(waiter.calls, before + 1);
}

TEST_F(Callbacks, MayAllocateAndFreeFromInside)
{
	exhaust(40);
	Waiter waiter;
	std::vector<uint32_t> got;
	waiter.then = [&] {
		int64_t ref;
		while ((ref = w->alloc()) >= 0)
			got.push_back(static_cast<uint32_t>(ref));
		EXPECT_EQ(w->free(got.back()), 0);
		got.pop_back();
	};
	waiter.request(20);
	free_some(20);
	EXPECT_EQ(waiter.calls, 1);
	EXPECT_EQ(got.size(), 19u);
	free_all(got);
}

TEST_F(Callbacks, CancelledOnesNeverRun)
{
	exhaust(10);
	Waiter waiters[3];
	for (Waiter &waiter : waiters)
		waiter.request(1);
	waiters[1].cancel();
	waiters[1].cancel();
	EXPECT_EQ(w->stats().waiting, 2u);
	EXPECT_EQ(waiters[1].callback.next, nullptr);
	free_some(1);
	EXPECT_EQ(waiters[0].calls, 1);
	EXPECT_EQ(waiters[1].calls, 0);
	EXPECT_EQ(waiters[2].calls, 1);
	waiters[0].cancel(); // not queued: nothing happens
}

TEST_F(Callbacks, MayCancelItselfFromInside)
{
	exhaust(10);
	Waiter waiter;
	waiter.then = [&] {
		waiter.request(10);
		waiter.cancel();
	};
	waiter.request(1);
	free_some(10);
	EXPECT_EQ(waiter.calls, 1);
	EXPECT_EQ(w->stats().waiting, 0u);
}

TEST_F(Callbacks, CancelWaitsForTheOneInFlight)
{
	exhaust(10);
	std::atomic<bool> inside{false};
	std::atomic<bool> done{false};
	std::atomic<bool> cancelling{false};
	Waiter waiter;
	waiter.then = [&] {
		inside = true;
		while (!cancelling)
			std::this_thread::yield();
		// The canceller is in the call now or soon; it must not come back before us.
		for (int i = 0; i < 1000; i++)
			std::this_thread::yield();
		done = true;
	};
	waiter.request(1);
	std::thread freeing([&] {
		run_on(1);
		free_some(1);
	});
	while (!inside)
		std::this_thread::yield();
	cancelling = true;
	waiter.cancel();
	EXPECT_TRUE(done);
	freeing.join();
	EXPECT_EQ(waiter.calls, 1);
}

TEST_F(Callbacks, TheKernelsFreesWake)
{
	start_with(100);
	w->kernel.drivers_take(100);
	Waiter waiter;
	waiter.request(10);
	EXPECT_EQ(w->kernel.watched(), 10u);
	w->kernel.drivers_free(9);
	w->clock.advance(100);
	EXPECT_EQ(waiter.calls, 0);
	w->kernel.drivers_free(1);
	EXPECT_EQ(waiter.calls, 0) << "not from under the kernel's lock";
	w->clock.run_due();
	EXPECT_EQ(waiter.calls, 1);
	w->kernel.drivers_free(90);
}

TEST_F(Callbacks, NobodyWatchesTheKernelForACoreThatHasStopped)
{
	start_with(100);
	w->kernel.drivers_take(100);
	{
		Waiter waiter;
		waiter.request(10);
		EXPECT_EQ(w->kernel.watched(), 10u);
		w->stop();
		EXPECT_EQ(w->kernel.watched(), 0u);
		w->kernel.drivers_free(100);
		EXPECT_EQ(waiter.calls, 0);
	}
	w.reset();
}

// All who wait are served by what the kernel frees, not only the least demanding.
TEST_F(Callbacks, TheKernelsFreesWakeAllWhoCanBeServed)
{
	start_with(200);
	w->kernel.drivers_take(200);
	Waiter small, large;
	small.request(30);
	large.request(150);
	w->kernel.drivers_free(200);
	w->clock.advance(10);
	EXPECT_EQ(small.calls, 1);
	EXPECT_EQ(large.calls, 1);
}

// What we have free and what the kernel has free are enough together.
TEST_F(Callbacks, OursAndTheKernelsTogetherAreEnough)
{
	start_with(30, 1);
	held = alloc_many(20);
	w->kernel.drivers_take(10);
	Waiter waiter;
	waiter.request(20);
	w->kernel.drivers_free(10);
	w->clock.advance(10);
	EXPECT_EQ(waiter.calls, 0) << "10 are free";
	free_some(10);
	w->clock.advance(10);
	EXPECT_EQ(waiter.calls, 1);
}

TEST_F(Callbacks, NearTheLimitOfTheLeaseToo)
{
	Config config;
	config.table_refs = 256;
	config.lease_limit = 20;
	config.lease_step = 1;
	start(config);
	held = alloc_many(15);
	w->kernel.drivers_take(233); // all the others
	Waiter waiter;
	waiter.request(20);
	free_some(15);
	w->clock.advance(10);
	EXPECT_EQ(waiter.calls, 0);
	w->kernel.drivers_free(5);
	w->clock.advance(10);
	EXPECT_EQ(waiter.calls, 1);
	w->kernel.drivers_free(1000);
}

TEST_F(Callbacks, OneThatCannotBeMetWaitsQuietly)
{
	exhaust(10);
	Waiter waiter;
	waiter.request(11);
	free_some(10);
	uint64_t runs = w->clock.runs();
	w->clock.advance(100000);
	EXPECT_EQ(waiter.calls, 0);
	EXPECT_LE(w->clock.runs() - runs, 100u);
	EXPECT_EQ(w->kernel.watched(), 0u) << "there is nothing to wait for";
	waiter.cancel();
}

TEST_F(Callbacks, RequestsAndCancelsFromManyThreads)
{
	exhaust(64);
	std::atomic<bool> stop{false};
	std::thread freeing([&] {
		run_on(1);
		while (!stop) {
			int64_t ref = w->alloc();
			if (ref >= 0)
				EXPECT_EQ(w->free(static_cast<uint32_t>(ref)), 0);
		}
	});
	free_some(1);
	std::atomic<int> late{0};
	for (int i = 0; i < 2000; i++) {
		struct Armed {
			xg_free_callback callback{};
			std::atomic<bool> alive{true};
			std::atomic<int> *late;
		} armed;
		armed.late = &late;
		xg_request_callback(
		    xg_default_pool(), &armed.callback,
		    [](void *arg) {
			    auto *self = static_cast<Armed *>(arg);
			    if (!self->alive)
				    ++*self->late;
		    },
		    &armed, static_cast<uint16_t>(i % 3));
		xg_cancel_callback(&armed.callback);
		armed.alive = false;
	}
	stop = true;
	freeing.join();
	EXPECT_EQ(late, 0);
	EXPECT_EQ(w->stats().waiting, 0u);
}

// SPDX-License-Identifier: GPL-2.0
//
// What the kernel's own users find in its allocator: their share, whatever drivers on xengnt do;
// what a failed request has leased; what a burst has leased; what idle CPUs keep.
#include "fixture.hh"

using namespace sim;

class KernelShare : public WorldTest
{
protected:
	static constexpr uint32_t usable = 8192 - Kernel::first_ref;

	static Config config(uint32_t spare_limit = 1024, uint32_t kernel_reserve = 0)
	{
		Config config;
		config.table_refs = 8192;
		config.spare_limit = spare_limit;
		config.kernel_reserve = kernel_reserve;
		return config;
	}
	// Every way to ask for `count` references, and by name.
	struct Request {
		const char *name;
		std::function<int(World &, uint32_t count)> fails_with;
	};
	static std::vector<Request> requests();
	void expect_nothing_changes(const char *name, uint32_t count)
	{
		for (const Request &request : requests()) {
			SCOPED_TRACE(std::string(name) + ", by " + request.name);
			size_t could = w->kernel.could_lease();
			size_t leased = w->kernel.leased();
			EXPECT_EQ(request.fails_with(*w, count), XG_NO_SPACE);
			EXPECT_GE(w->kernel.could_lease(), could);
			EXPECT_LE(w->kernel.leased(), leased);
			EXPECT_EQ(w->check(), "");
		}
	}
};

std::vector<KernelShare::Request> KernelShare::requests()
{
	return {
	    {"list",
	     [](World &w, uint32_t count) {
		     uint32_t head;
		     return xg_alloc_list(w.pool(), count, &head);
	     }},
	    {"sequence",
	     [](World &w, uint32_t count) {
		     uint32_t first;
		     return xg_alloc_seq(w.pool(), count, &first);
	     }},
	    {"batch",
	     [](World &w, uint32_t count) {
		     std::vector<unsigned long> frames(count, 0x777);
		     std::vector<uint32_t> refs(count);
		     return xg_grant_batch(w.pool(), backend, frames.data(), count, false,
					   refs.data(), 1);
	     }},
	    {"reserve",
	     [](World &, uint32_t count) {
		     int error = XG_OK;
		     EXPECT_EQ(xg_pool_create("p", count, ~0u, false, &error), nullptr);
		     return error;
	     }},
	};
}

// --- a request that fails ------------------------------------------------------------------------

TEST_F(KernelShare, ARequestThatFailsChangesNothing)
{
	start(config());
	w->kernel.drivers_take(500);
	expect_nothing_changes("nothing leased yet", usable - 499);
	std::vector<uint32_t> held = alloc_many(700);
	expect_nothing_changes("some held", usable - 500 - 699);
	free_list(alloc_list(900));
	expect_nothing_changes("some spare", usable - 500 - 699);
	free_all(held);
}

// Fewer spare ones are kept than the request has leased in vain.
TEST_F(KernelShare, WhatARequestLeasedInVainIsNoSpare)
{
	for (uint32_t spare_limit : {0u, 64u, 4096u, 100000u}) {
		start(config(spare_limit));
		w->kernel.drivers_take(4000);
		expect_nothing_changes("half is the kernel's", usable - 3999);
		// And nothing of it goes when somebody looks later.
		size_t could = w->kernel.could_lease();
		w->clock.advance(60000);
		EXPECT_GE(w->kernel.could_lease(), could);
	}
}

// Enough is there, and not in a row.
TEST_F(KernelShare, ASequenceThatIsNowhereChangesNothing)
{
	start(config());
	uint32_t all = alloc_sequence(usable);
	for (uint32_t ref = all; ref < all + usable; ref++)
		if (ref % 64)
			EXPECT_EQ(w->free(ref), XG_OK);
	w->clock.advance(3600000);
	size_t could = w->kernel.could_lease();
	ASSERT_GT(could, 1000u);
	uint32_t first;
	EXPECT_EQ(xg_alloc_seq(w->pool(), 100, &first), XG_NO_SPACE);
	EXPECT_GE(w->kernel.could_lease(), could);
	for (uint32_t ref = all; ref < all + usable; ref++)
		if (ref % 64 == 0)
			EXPECT_EQ(w->free(ref), XG_OK);
}

// The request fails in the middle: the kernel refuses, memory is short, a frame is out of reach.
TEST_F(KernelShare, ARequestThatFailsHalfWayChangesNothing)
{
	for (Call call : {Call::lease, Call::page_alloc, Call::table_frame}) {
		for (long nth : {1, 2, 3, 5, 9}) {
			SCOPED_TRACE(std::to_string(static_cast<int>(call)) + ", the " +
				     std::to_string(nth) + ". fails");
			start(config());
			w->faults.fail(nth, only(call), true);
			size_t could = w->kernel.could_lease();
			uint32_t head = XG_NO_REF;
			if (xg_alloc_list(w->pool(), usable, &head) == XG_OK)
				free_list(head);
			else
				EXPECT_GE(w->kernel.could_lease(), could);
			w->faults.none();
			EXPECT_EQ(w->check(), "");
		}
	}
}

// The other way round: what fails has taken nothing from somebody who asks for what there is.
TEST_F(KernelShare, AFailedRequestIsNoReasonToRefuseTheNext)
{
	start(config());
	w->kernel.drivers_take(4000);
	uint32_t head;
	for (uint32_t more : {1u, 100u, 4000u}) {
		EXPECT_EQ(xg_alloc_list(w->pool(), usable - 4000 + more, &head), XG_NO_SPACE);
		free_list(alloc_list(usable - 4000));
	}
}

// --- the kernel's reserve ------------------------------------------------------------------------

TEST_F(KernelShare, TheReserveIsNeverLeased)
{
	for (uint32_t reserve : {1u, 100u, usable / 8, usable - 1}) {
		start(config(1024, reserve));
		EXPECT_EQ(w->stats().lease_limit, usable - reserve);
		std::vector<uint32_t> refs;
		for (int64_t ref; (ref = w->alloc()) >= 0;)
			refs.push_back(static_cast<uint32_t>(ref));
		EXPECT_EQ(refs.size(), usable - reserve);
		EXPECT_EQ(w->kernel.could_lease(), reserve);
		uint32_t head;
		EXPECT_EQ(xg_alloc_list(w->pool(), 1, &head), XG_NO_SPACE);
		Waiter waiter;
		waiter.request(1);
		w->clock.advance(10000);
		EXPECT_EQ(waiter.calls, 0);
		EXPECT_EQ(w->kernel.drivers_take(reserve), reserve);
		w->kernel.drivers_free(reserve);
		w->clock.advance(10000);
		EXPECT_EQ(waiter.calls, 0) << "the kernel's own are not for us";
		waiter.cancel();
		free_all(refs);
	}
}

TEST_F(KernelShare, AReserveOfAllLeavesNothing)
{
	for (uint32_t reserve : {usable, usable + 1, ~0u}) {
		start(config(1024, reserve));
		EXPECT_EQ(w->alloc(), XG_NO_SPACE);
		uint32_t head = 5;
		EXPECT_EQ(xg_alloc_list(w->pool(), 0, &head), XG_OK);
		EXPECT_EQ(w->kernel.could_lease(), usable);
		EXPECT_EQ(w->stats().lease_limit, 0u);
	}
}

TEST_F(KernelShare, TheSmallerOfLimitAndShareCounts)
{
	for (uint32_t limit : {100u, 4000u, 8000u}) {
		Config limited = config(1024, 1024);
		limited.lease_limit = limit;
		start(limited);
		EXPECT_EQ(w->stats().lease_limit, std::min(limit, usable - 1024));
	}
}

// A stock driver beside one on xengnt that takes and frees all it can, in a loop.
TEST_F(KernelShare, AStockDriverAlwaysGetsTheKernelsShare)
{
	constexpr uint32_t share = usable / 8;
	start(config(1024, share));
	auto stock_driver_works = [&] {
		EXPECT_EQ(w->kernel.drivers_take(share), share);
		w->kernel.drivers_free(share);
	};
	for (int round = 0; round < 20; round++) {
		std::vector<uint32_t> lists;
		for (uint32_t size = 1000; size; size /= 10) {
			uint32_t head;
			while (xg_alloc_list(w->pool(), size, &head) == XG_OK) {
				lists.push_back(head);
				if (lists.size() % 8 == 0)
					stock_driver_works();
			}
		}
		stock_driver_works();
		uint32_t head;
		EXPECT_EQ(xg_alloc_list(w->pool(), 60000, &head), XG_NO_SPACE);
		stock_driver_works();
		for (uint32_t list : lists)
			free_list(list);
		stock_driver_works();
		w->clock.advance(37);
	}
}

// --- bursts --------------------------------------------------------------------------------------

// Whatever the burst, and however it is freed.
TEST_F(KernelShare, ABurstIsBackWithinTwoSeconds)
{
	for (uint32_t table : {2048u, 8192u, 32768u})
		for (uint32_t spare_limit : {0u, 64u, 1024u})
			for (int how : {0, 1, 2}) {
				SCOPED_TRACE(std::to_string(table) + ", spare " +
					     std::to_string(spare_limit) + ", freed by " +
					     std::to_string(how));
				Config burst;
				burst.table_refs = table;
				burst.spare_limit = spare_limit;
				start(burst);
				uint32_t all = table - Kernel::first_ref;
				if (how == 0)
					free_list(alloc_list(all));
				else if (how == 1)
					free_sequence(alloc_sequence(all), all);
				else
					free_all(alloc_many(all));
				w->clock.advance(2000);
				EXPECT_LE(w->stats().free, spare_limit);
				// This CPU's cache may be what is spare for a while longer.
				EXPECT_LE(w->kernel.leased(), spare_limit + 64);
				w->clock.advance(60000);
				EXPECT_LE(w->kernel.leased(), spare_limit);
			}
}

// A burst of deferred ends, whose references nobody but the worker frees.
TEST_F(KernelShare, ABurstOfDeferredEndsIsBackToo)
{
	Config burst = config(64);
	burst.pages = 2000;
	start(burst);
	std::vector<uint32_t> refs;
	for (uint32_t i = 0; i < burst.pages; i++) {
		auto [ref, page] = granted();
		ASSERT_TRUE(w->xen.map(ref, backend, false));
		EXPECT_EQ(w->end_and_put(ref, page), XG_OK);
		refs.push_back(ref);
	}
	w->clock.advance(5000);
	EXPECT_EQ(w->stats().deferred, burst.pages);
	for (uint32_t ref : refs)
		EXPECT_TRUE(w->xen.unmap(ref, backend, false));
	w->clock.advance(4000);
	EXPECT_EQ(w->stats().deferred, 0u);
	EXPECT_LE(w->kernel.leased(), 64u + 64u);
}

// Drivers that allocate and free all the time keep what they use.
TEST_F(KernelShare, WhatIsUsedAllTheTimeDoesNotComeAndGo)
{
	start(config(256));
	for (int i = 0; i < 100; i++) {
		free_list(alloc_list(200));
		w->clock.advance(100);
	}
	EXPECT_LE(w->stats().leased_total, 256u) << "leased and given back over and over";
}

// --- who waits in vain ---------------------------------------------------------------------------

TEST_F(KernelShare, AWaiterThatCannotBeServedKeepsNothingBack)
{
	start(config());
	Waiter waiter;
	waiter.request(65535);
	w->clock.advance(100);
	free_list(alloc_list(8000));
	w->clock.advance(2000);
	EXPECT_LE(w->kernel.leased(), 1024u);
	EXPECT_EQ(waiter.calls, 0);
	EXPECT_EQ(w->stats().waiting, 1u);
	waiter.cancel();
}

TEST_F(KernelShare, AWaiterThatCannotBeServedCostsOthersNothing)
{
	start(config());
	Waiter waiter;
	waiter.request(65535);
	// Single references stay in this CPU's cache, and cost no lock.
	w->free(alloc());
	EXPECT_GT(w->stats().cached, 0u);
	uint64_t locks = w->locks_taken();
	for (int i = 0; i < 1000; i++)
		w->free(alloc());
	EXPECT_EQ(w->locks_taken(), locks);
	w->clock.advance(10000);
	uint64_t runs = w->clock.runs();
	w->clock.advance(3600000);
	EXPECT_LE(w->clock.runs() - runs, 10u) << "the worker runs for nothing";
	waiter.cancel();
}

// Behind one that cannot be served the others wait no longer than without it.
TEST_F(KernelShare, AWaiterThatCannotBeServedHoldsNobodyUp)
{
	start_with(100);
	std::vector<uint32_t> all = alloc_many(100);
	Waiter impossible;
	Waiter possible;
	impossible.request(65535);
	possible.request(10);
	for (int i = 0; i < 10; i++) {
		EXPECT_EQ(possible.calls, 0);
		EXPECT_EQ(w->free(all.back()), XG_OK);
		all.pop_back();
	}
	w->clock.advance(10);
	EXPECT_EQ(possible.calls, 1);
	EXPECT_EQ(impossible.calls, 0);
	impossible.cancel();
	free_all(all);
}

// --- idle CPUs -----------------------------------------------------------------------------------

TEST_F(KernelShare, WhatIdleCpusCacheGoesBack)
{
	for (uint32_t spare_limit : {0u, 1024u}) {
		Config idle;
		idle.table_refs = 16384;
		idle.spare_limit = spare_limit;
		idle.lease_step = 64;
		idle.cpus = 128;
		start(idle);
		xg_pool *pool = nullptr;
		int error = XG_OK;
		pool = xg_pool_create("mine", 0, ~0u, true, &error);
		for (unsigned cpu = 0; cpu < idle.cpus; cpu++) {
			run_on(cpu);
			w->free(alloc());
			w->free(static_cast<uint32_t>(xg_alloc_one(pool)));
		}
		run_on(0);
		EXPECT_GT(w->stats().cached, 1024u);
		w->clock.advance(60000);
		EXPECT_LE(w->kernel.leased(), spare_limit);
		// And once all is quiet nobody looks any more.
		uint64_t runs = w->clock.runs();
		w->clock.advance(3600000);
		EXPECT_LE(w->clock.runs() - runs, 5u);
		xg_pool_destroy(pool);
	}
}

// A CPU at work keeps its cache.
TEST_F(KernelShare, ACacheInUseStays)
{
	start(config(1024));
	w->free(alloc());
	w->clock.advance(10000);
	uint64_t locks = w->locks_taken();
	for (int i = 0; i < 1000; i++)
		w->free(alloc());
	EXPECT_LE(w->locks_taken(), locks + 10);
}

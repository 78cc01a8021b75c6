// SPDX-License-Identifier: GPL-2.0
//
// No wake-up is lost: a driver begins to wait while another CPU does something that makes
// references free, or that takes up the limit for a moment and gives it back.
#include "waiting.hh"

using namespace sim;

namespace
{

Waiting waiting;
Waiting waiting_too;

// Goes back to the kernel as soon as it is spare, one by one.
Config eager_config(uint32_t refs)
{
	Config config = config_with(refs);
	config.spare_limit = 0;
	config.lease_step = 1;
	return config;
}

void clear()
{
	waiting.clear();
	waiting_too.clear();
}

std::string called(World &w)
{
	return waiting.judge_called(w);
}

constexpr uint64_t long_enough = 5001; // for what is spare to go back

} // namespace

TEST(Waiters, WhileSpareReferencesGoBack)
{
	for (uint32_t refs : {1u, 4u}) {
		expect_holds({eager_config(refs),
			      [refs](World &w) -> std::vector<Task> {
				      clear();
				      lease_all(w, refs);
				      return {{0, [&w] { w.clock.advance(long_enough); }},
					      {1, [&w, refs] {
						       waiting.request(w.pool(),
								       static_cast<uint16_t>(refs));
					       }}};
			      },
			      called},
			     2, 50, some_schedules());
	}
}

TEST(Waiters, WhileSpareReferencesGoBackAndSomeAreTaken)
{
	expect_holds({eager_config(3),
		      [](World &w) -> std::vector<Task> {
			      clear();
			      lease_all(w, 3);
			      return {{0, [&w] { w.clock.advance(long_enough); }},
				      {1, [&w] { waiting.request(w.pool(), 2); }},
				      {2, [&w] {
					       int64_t ref = w.alloc();
					       if (ref >= 0)
						       w.free(static_cast<uint32_t>(ref));
				       }}};
		      },
		      called},
		     2, 50, some_schedules());
}

// What another CPU claims of the limit, to find that the kernel has none, is there again.
TEST(Waiters, WhileAnotherLeasesInVainAtTheLimit)
{
	Config config = eager_config(4);
	config.lease_limit = 2;
	expect_holds({config,
		      [](World &w) -> std::vector<Task> {
			      clear();
			      w.kernel.drivers_take(3);
			      return {{0,
				       [&w] {
					       uint32_t head;
					       EXPECT_EQ(xg_alloc_list(w.pool(), 2, &head),
							 XG_NO_SPACE);
				       }},
				      {1, [&w] { waiting.request(w.pool(), 1); }}};
		      },
		      called},
		     2, 50, some_schedules());
}

TEST(Waiters, WhileAnotherLeasesInVainWithoutALimit)
{
	for (uint32_t step : {1u, 32u}) {
		Config config = config_with(6);
		config.spare_limit = 0;
		config.lease_step = step;
		expect_holds({config,
			      [](World &w) -> std::vector<Task> {
				      clear();
				      w.kernel.drivers_take(3);
				      return {{0,
					       [&w] {
						       uint32_t head;
						       EXPECT_EQ(xg_alloc_list(w.pool(), 6, &head),
								 XG_NO_SPACE);
					       }},
					      {1, [&w] { waiting.request(w.pool(), 1); }}};
			      },
			      called},
			     2, 50, some_schedules());
	}
}

// The share that is the kernel's bounds the lease as a limit does.
TEST(Waiters, WhileAnotherLeasesInVainAtTheKernelsShare)
{
	Config config = eager_config(4);
	config.kernel_reserve = 2;
	expect_holds({config,
		      [](World &w) -> std::vector<Task> {
			      clear();
			      return {{0,
				       [&w] {
					       uint32_t head;
					       EXPECT_EQ(xg_alloc_list(w.pool(), 3, &head),
							 XG_NO_SPACE);
				       }},
				      {1, [&w] { waiting.request(w.pool(), 2); }}};
		      },
		      called},
		     2, 50, some_schedules());
}

TEST(Waiters, WhileAPoolWithAReserveGoes)
{
	for (uint16_t count : {1, 2}) {
		expect_holds({eager_config(2),
			      [count](World &w) -> std::vector<Task> {
				      clear();
				      int error;
				      xg_pool *pool = xg_pool_create("a", 2, ~0u, true, &error);
				      return {
					  {0, [pool] { xg_pool_destroy(pool); }},
					  {1, [&w, count] { waiting.request(w.pool(), count); }}};
			      },
			      called},
			     2, 50, some_schedules());
	}
}

// Creating a pool whose reserve is not free takes nothing.
TEST(Waiters, WhileAReserveIsRefused)
{
	expect_holds({eager_config(3),
		      [](World &w) -> std::vector<Task> {
			      clear();
			      w.kernel.drivers_take(2);
			      return {{0,
				       [] {
					       int error;
					       EXPECT_EQ(xg_pool_create("a", 3, ~0u, true, &error),
							 nullptr);
				       }},
				      {1, [&w] { waiting.request(w.pool(), 1); }}};
		      },
		      called},
		     2, 50, some_schedules());
}

TEST(Waiters, WhileTheKernelsDriversFree)
{
	expect_holds({eager_config(3),
		      [](World &w) -> std::vector<Task> {
			      clear();
			      w.kernel.drivers_take(2);
			      take(w, 1);
			      return {{0, [&w] { waiting.request(w.pool(), 2); }},
				      {1,
				       [&w] {
					       w.kernel.drivers_free(1);
					       step_here();
					       w.kernel.drivers_free(1);
				       }},
				      {2, [] { xg_lease_work(); }}};
		      },
		      called},
		     2, 50, some_schedules());
}

TEST(Waiters, WhileADeferredEndEnds)
{
	expect_holds({config_with(1),
		      [](World &w) -> std::vector<Task> {
			      clear();
			      Page *page = w.pages.alloc();
			      auto ref = static_cast<uint32_t>(w.grant_new(backend, page));
			      w.xen.map(ref, backend, false);
			      return {{0, [&w, ref, page] { w.end_and_put(ref, page); }},
				      {1,
				       [&w, ref] {
					       w.xen.unmap(ref, backend, false);
					       w.clock.advance(20);
				       }},
				      {2, [&w] { waiting.request(w.pool(), 1); }}};
		      },
		      called},
		     2, 50, some_schedules());
}

TEST(Waiters, TwoWaitersAndTwoFrees)
{
	expect_holds({config_with(2),
		      [](World &w) -> std::vector<Task> {
			      clear();
			      std::vector<uint32_t> refs = take(w, 2);
			      waiting.request(w.pool(), 2);
			      return {{0, [&w, refs] { EXPECT_EQ(w.free(refs[0]), 0); }},
				      {1, [&w, refs] { EXPECT_EQ(w.free(refs[1]), 0); }},
				      {2, [&w] { waiting_too.request(w.pool(), 1); }}};
		      },
		      [](World &w) {
			      std::string broken = called(w);
			      return broken.empty() ? waiting_too.judge_called(w) : broken;
		      }},
		     2, 50, some_schedules());
}

// A pool at its limit waits while another CPU frees what the pool holds.
TEST(Waiters, APoolAtItsLimitWhileItsOwnAreFreed)
{
	expect_holds({config_with(4),
		      [](World &w) -> std::vector<Task> {
			      clear();
			      int error;
			      xg_pool *pool = xg_pool_create("a", 1, 2, true, &error);
			      std::vector<uint32_t> refs;
			      for (int i = 0; i < 2; i++)
				      refs.push_back(static_cast<uint32_t>(xg_alloc_one(pool)));
			      return {{0,
				       [&w, refs] {
					       EXPECT_EQ(w.free(refs[0]), 0);
					       EXPECT_EQ(w.free(refs[1]), 0);
				       }},
				      {1, [pool] { waiting.request(pool, 2); }}};
		      },
		      called},
		     2, 50, some_schedules());
}

// After one who waits has gone single references stay in caches again.
TEST(Waiters, OneWhoGoesLeavesNobodyStarving)
{
	expect_holds({config_with(2),
		      [](World &w) -> std::vector<Task> {
			      clear();
			      std::vector<uint32_t> refs = take(w, 2);
			      return {{0, [&w] { waiting.request(w.pool(), 1); }},
				      {1, [] { waiting.cancel(); }},
				      {2, [&w, refs] {
					       w.free(refs[0]);
					       w.free(refs[1]);
				       }}};
		      },
		      [](World &w) -> std::string {
			      waiting.cancel();
			      if (waiting.calls() > 1)
				      return "called twice";
			      run_on(0);
			      w.free(static_cast<uint32_t>(w.alloc()));
			      return w.stats().cached ? "" : "still starving";
		      }},
		     2, 50, some_schedules());
}

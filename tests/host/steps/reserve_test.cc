// SPDX-License-Identifier: GPL-2.0
//
// Reserves and limits of pools, through every interleaving: promised once, kept, and given up.
#include "scenarios.hh"

using namespace sim;

namespace
{

struct Found {
	int64_t results[3];
	bool freed;
	xg_pool *pools[2];
} found;

xg_pool *create(const char *name, uint32_t reserve, uint32_t limit = ~0u)
{
	int error;
	return xg_pool_create(name, reserve, limit, false, &error);
}

Config eager_config(uint32_t refs)
{
	Config config = config_with(refs);
	config.lease_step = 1;
	return config;
}

// A pool that was created has what it was promised.
std::string keeps_promise(World &, xg_pool *pool, uint32_t reserve)
{
	if (!pool)
		return {};
	uint32_t head = XG_NO_REF;
	if (xg_alloc_list(pool, reserve, &head) != XG_OK)
		return "a reserve is not there";
	xg_free_list(&head, 1);
	xg_pool_destroy(pool);
	return {};
}

} // namespace

TEST(ReserveSteps, TwoReservesAreNotTheSameReferences)
{
	for (uint32_t each : {1u, 2u}) {
		expect_holds({eager_config(2),
			      [each](World &) -> std::vector<Task> {
				      found = {};
				      return {{0, [each] { found.pools[0] = create("a", each); }},
					      {1, [each] { found.pools[1] = create("b", each); }}};
			      },
			      [each](World &w) -> std::string {
				      bool both = found.pools[0] && found.pools[1];
				      if (both && each == 2)
					      return "both have what is there once";
				      if (!both && each == 1)
					      return "refused what was there";
				      if (!found.pools[0] && !found.pools[1])
					      return "neither has it";
				      std::string broken = keeps_promise(w, found.pools[0], each);
				      return broken.empty() ? keeps_promise(w, found.pools[1], each)
							    : broken;
			      }},
			     2, 50, some_schedules());
	}
}

TEST(ReserveSteps, AReserveAndAListAreNotTheSameReferences)
{
	expect_holds({eager_config(3),
		      [](World &w) -> std::vector<Task> {
			      found = {};
			      return {{0, [] { found.pools[0] = create("a", 2); }},
				      {1, [&w] {
					       uint32_t head;
					       found.results[1] = xg_alloc_list(w.pool(), 2, &head);
				       }}};
		      },
		      [](World &w) -> std::string {
			      bool listed = found.results[1] == XG_OK;
			      if (found.pools[0] && listed)
				      return "four of three are given or promised";
			      if (!found.pools[0] && !listed)
				      return "neither has its two";
			      return keeps_promise(w, found.pools[0], 2);
		      }},
		     2, 50, some_schedules());
}

TEST(ReserveSteps, AReserveThatGoesHidesNothing)
{
	expect_holds({eager_config(2),
		      [](World &w) -> std::vector<Task> {
			      found = {};
			      xg_pool *pool = create("a", 1);
			      return {{0,
				       [&w, pool] {
					       found.results[0] = xg_alloc_one(pool);
					       if (found.results[0] >= 0)
						       w.free(
							   static_cast<uint32_t>(found.results[0]));
					       xg_pool_destroy(pool);
				       }},
				      {1, [&w] { found.results[1] = w.alloc(); }}};
		      },
		      [](World &) -> std::string {
			      return found.results[0] < 0   ? "the reserve was refused"
				     : found.results[1] < 0 ? "the other one was refused"
							    : "";
		      }},
		     2, 50, some_schedules());
}

TEST(ReserveSteps, APoolAtItsLimitFindsWhatWasFreed)
{
	expect_holds({config_with(4),
		      [](World &w) -> std::vector<Task> {
			      found = {};
			      xg_pool *pool = create("p", 0, 1);
			      auto ref = static_cast<uint32_t>(xg_alloc_one(pool));
			      return {{0,
				       [&w, ref] {
					       EXPECT_EQ(w.free(ref), 0);
					       found.freed = true;
				       }},
				      {1, [pool] {
					       bool before = found.freed;
					       found.results[0] = xg_alloc_one(pool);
					       if (!before && found.results[0] < 0)
						       found.results[0] = 0;
				       }}};
		      },
		      [](World &) { return found.results[0] < 0 ? "refused what was free" : ""; }},
		     3, 50, some_schedules());
}

// A pool goes, and its number is used again, while its last reference is freed.
TEST(ReserveSteps, APoolsNumberIsUsedAgainOnceItIsEmpty)
{
	expect_holds({config_with(4),
		      [](World &w) -> std::vector<Task> {
			      found = {};
			      xg_pool *pool = create("p", 0);
			      auto ref = static_cast<uint32_t>(xg_alloc_one(pool));
			      return {{0, [&w, ref] { EXPECT_EQ(w.free(ref), 0); }},
				      {1, [pool, &w] {
					       xg_pool_destroy(pool);
					       xg_pool *next = create("n", 1);
					       found.results[1] = xg_alloc_one(next);
					       if (found.results[1] >= 0)
						       w.free(
							   static_cast<uint32_t>(found.results[1]));
					       xg_pool_destroy(next);
				       }}};
		      },
		      [](World &w) -> std::string {
			      w.clock.advance(10000);
			      if (found.results[1] < 0)
				      return "refused";
			      xg_pool_stats stats;
			      for (uint32_t n = 1; xg_read_pool(n, &stats); n++)
				      if (stats.held || stats.used)
					      return "a pool that has gone holds " +
						     std::to_string(stats.held);
			      return {};
		      }},
		     2, 50, some_schedules());
}

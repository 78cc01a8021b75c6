// SPDX-License-Identifier: GPL-2.0
//
// An allocation fails only when fewer references than it asks for are free anywhere, whatever other
// CPUs are moving; and a search ends, whatever they do.
#include "scenarios.hh"

using namespace sim;

namespace
{

struct Found {
	int64_t results[3];
	bool freed;
} found;

constexpr uint64_t long_enough = 5001; // for what is spare to go back

Config eager_config(uint32_t refs)
{
	Config config = config_with(refs);
	config.spare_limit = 0;
	config.lease_step = 1;
	return config;
}

std::function<void()> list(World &w, uint32_t count, int which)
{
	return [&w, count, which] {
		uint32_t head;
		found.results[which] = xg_alloc_list(w.pool(), count, &head);
	};
}

std::function<void()> single(World &w, int which)
{
	return [&w, which] { found.results[which] = w.alloc(); };
}

std::string nobody_refused(World &)
{
	for (int64_t result : found.results)
		if (result < 0)
			return "refused what was there";
	return {};
}

} // namespace

TEST(Progress, WhatGoesBackCanBeHadAgain)
{
	expect_holds({eager_config(3),
		      [](World &w) -> std::vector<Task> {
			      found = {};
			      lease_all(w, 3);
			      return {{0, [] { xg_lease_work(); }}, {1, list(w, 3, 0)}};
		      },
		      nobody_refused},
		     2, 20, some_schedules());
}

TEST(Progress, TwoSinglesWhileSpareReferencesGoBack)
{
	expect_holds({eager_config(2),
		      [](World &w) -> std::vector<Task> {
			      found = {};
			      lease_all(w, 2);
			      return {{1, single(w, 0)},
				      {0, [&w] { w.clock.advance(long_enough); }},
				      {2, single(w, 1)}};
		      },
		      nobody_refused},
		     2, 50, some_schedules());
}

TEST(Progress, AListAndASingleWhileSpareReferencesGoBack)
{
	expect_holds({eager_config(3),
		      [](World &w) -> std::vector<Task> {
			      found = {};
			      lease_all(w, 3);
			      return {{2, single(w, 1)},
				      {0, [&w] { w.clock.advance(long_enough); }},
				      {1, list(w, 2, 0)}};
		      },
		      nobody_refused},
		     2, 50, some_schedules());
}

TEST(Progress, ASequenceAndASingleWhileSpareReferencesGoBack)
{
	expect_holds({eager_config(3),
		      [](World &w) -> std::vector<Task> {
			      found = {};
			      lease_all(w, 3);
			      return {{0, [&w] { w.clock.advance(long_enough); }},
				      {1,
				       [&w] {
					       uint32_t first; // two in a row may not be there
					       xg_alloc_seq(w.pool(), 2, &first);
				       }},
				      {2, single(w, 1)}};
		      },
		      nobody_refused},
		     2, 50, some_schedules());
}

// What fails has leased all that there is, for a moment.
TEST(Progress, AnImpossibleListAndAPossibleOne)
{
	for (uint32_t possible : {1u, 2u, 3u}) {
		Config config = eager_config(6);
		config.lease_step = possible == 1 ? 32 : 1;
		expect_holds({config,
			      [possible](World &w) -> std::vector<Task> {
				      found = {};
				      w.kernel.drivers_take(3);
				      return {{0,
					       [&w] {
						       uint32_t head;
						       EXPECT_EQ(xg_alloc_list(w.pool(), 4, &head),
								 XG_NO_SPACE);
					       }},
					      {1, list(w, possible, 1)}};
			      },
			      nobody_refused},
			     2, 50, some_schedules());
	}
}

// The same with the worker at the same time, which gives back what it finds.
TEST(Progress, AnImpossibleListTheWorkerAndAPossibleList)
{
	expect_holds({eager_config(4),
		      [](World &w) -> std::vector<Task> {
			      found = {};
			      w.kernel.drivers_take(1);
			      return {{1, [&w] { w.clock.advance(1); }},
				      {2, list(w, 3, 1)},
				      {0, [&w] {
					       uint32_t head;
					       EXPECT_EQ(xg_alloc_list(w.pool(), 4, &head),
							 XG_NO_SPACE);
				       }}};
		      },
		      nobody_refused},
		     2, 50, some_schedules());
}

// An impossible sequence looks everywhere, and takes nothing from others meanwhile.
TEST(Progress, AnImpossibleSequenceAndAPossibleList)
{
	expect_holds({eager_config(4),
		      [](World &w) -> std::vector<Task> {
			      found = {};
			      lease_all(w, 4);
			      return {{0,
				       [&w] {
					       uint32_t first;
					       EXPECT_EQ(xg_alloc_seq(w.pool(), 5, &first),
							 XG_NO_SPACE);
				       }},
				      {1, list(w, 4, 1)}};
		      },
		      nobody_refused},
		     2, 50, some_schedules());
}

// A reserve that is not free, and a list that is.
TEST(Progress, AnImpossibleReserveAndAPossibleList)
{
	expect_holds({eager_config(3),
		      [](World &w) -> std::vector<Task> {
			      found = {};
			      return {{0,
				       [] {
					       int error;
					       EXPECT_EQ(xg_pool_create("a", 4, ~0u, false, &error),
							 nullptr);
				       }},
				      {1, list(w, 3, 1)}};
		      },
		      nobody_refused},
		     2, 50, some_schedules());
}

TEST(Progress, APoolThatGoesLeavesItsCacheBehind)
{
	expect_holds({eager_config(2),
		      [](World &w) -> std::vector<Task> {
			      found = {};
			      int error;
			      xg_pool *pool = xg_pool_create("a", 0, ~0u, true, &error);
			      auto ref = static_cast<uint32_t>(xg_alloc_one(pool));
			      return {{0,
				       [&w, ref] {
					       EXPECT_EQ(w.free(ref), 0);
					       found.freed = true;
				       }},
				      {1, [pool] { xg_pool_destroy(pool); }},
				      {2, [&w] {
					       bool before = found.freed;
					       uint32_t head;
					       found.results[1] = xg_alloc_list(w.pool(), 2, &head);
					       if (!before)
						       found.results[1] = 0;
				       }}};
		      },
		      nobody_refused},
		     2, 50, some_schedules());
}

TEST(Progress, AnInterruptDuringARefillIsServed)
{
	expect_holds({config_with(3),
		      [](World &w) -> std::vector<Task> {
			      found = {};
			      lease_all(w, 3);
			      auto use = [&w](int which) {
				      return [&w, which] {
					      int64_t ref = w.alloc();
					      found.results[which] = ref;
					      if (ref >= 0)
						      EXPECT_EQ(w.free(static_cast<uint32_t>(ref)),
								0);
				      };
			      };
			      return {{0, use(0)}, {0, use(1), 0}, {1, use(2)}};
		      },
		      nobody_refused},
		     2, 50, some_schedules());
}

// --- searches end --------------------------------------------------------------------------------

namespace
{

// What one other CPU does between any two holds of a lock: it allocates a list and frees it, so
// that there is another run in the store each time.
class Meddler
{
	World &w_;
	uint64_t others_ = 0;

	void meddle()
	{
		uint64_t before = w_.locks_taken();
		uint32_t head;
		if (xg_alloc_list(w_.pool(), 32, &head) == XG_OK)
			xg_free_list(&head, 1);
		others_ += w_.locks_taken() - before;
		if (++cycles < most)
			w_.before_lock(1, 1, [this] { meddle(); });
	}

public:
	static constexpr uint64_t most = 100000;
	uint64_t cycles = 0;

	explicit Meddler(World &w) : w_(w)
	{
		w_.before_lock(1, 1, [this] { meddle(); });
	}
	~Meddler() { w_.before_lock(0, 1, nullptr); }
	// Holds of locks that were not its own.
	uint64_t holds_since(uint64_t before) const { return w_.locks_taken() - before - others_; }
};

} // namespace

// A bound that depends on the table's size alone.
TEST(Progress, ASearchForASequenceEnds)
{
	for (uint32_t table : {1024u, 4096u}) {
		Config config;
		config.table_refs = table;
		config.cpus = 2;
		config.spare_limit = table;
		World w(config);
		ASSERT_EQ(w.start(), XG_OK);
		uint32_t count = table - Kernel::first_ref;
		uint32_t all = 0;
		ASSERT_EQ(xg_alloc_seq(w.pool(), count, &all), XG_OK);
		for (uint32_t ref = all; ref < all + count; ref++)
			if (ref % 64)
				EXPECT_EQ(w.free(ref), XG_OK);
		{
			uint32_t first;
			uint64_t before = w.locks_taken();
			Meddler meddler(w);
			EXPECT_EQ(xg_alloc_seq(w.pool(), 100, &first), XG_NO_SPACE);
			EXPECT_LT(meddler.cycles, Meddler::most) << "it ends when the others do";
			EXPECT_LE(meddler.holds_since(before), table);
		}
		for (uint32_t ref = all; ref < all + count; ref++)
			if (ref % 64 == 0)
				EXPECT_EQ(w.free(ref), XG_OK);
		EXPECT_EQ(w.check(), "");
	}
}

// One that is there is found, though runs come and go elsewhere.
TEST(Progress, ASequenceThatIsThereIsFoundMeanwhile)
{
	Config config;
	config.table_refs = 4096;
	config.cpus = 2;
	config.spare_limit = 4096;
	World w(config);
	ASSERT_EQ(w.start(), XG_OK);
	uint32_t all = 0;
	ASSERT_EQ(xg_alloc_seq(w.pool(), 4000, &all), XG_OK);
	// The last 200 are free and in the bitmap, 64 more in a run that comes and goes.
	uint32_t first = all + 3800;
	uint32_t count = 200;
	EXPECT_EQ(xg_free_seq(&first, &count, 1), XG_OK);
	uint32_t head = XG_NO_REF;
	for (uint32_t ref = all; ref < all + 128; ref += 2)
		EXPECT_EQ(xg_release(&head, ref, 1), XG_OK);
	EXPECT_EQ(xg_free_list(&head, 1), XG_OK);
	{
		Meddler meddler(w);
		EXPECT_EQ(xg_alloc_seq(w.pool(), 100, &first), XG_OK);
		EXPECT_LT(meddler.cycles, Meddler::most);
	}
	count = 100;
	EXPECT_EQ(xg_free_seq(&first, &count, 1), XG_OK);
	for (uint32_t ref = all; ref < all + 3800; ref++)
		if (ref >= all + 128 || (ref - all) % 2)
			EXPECT_EQ(w.free(ref), XG_OK);
	EXPECT_EQ(w.check(), "");
}

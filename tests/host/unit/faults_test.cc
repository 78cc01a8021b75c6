// SPDX-License-Identifier: GPL-2.0
//
// A scripted scenario in which the n-th call of the port that may fail does fail, for every n.
#include "fixture.hh"

using namespace sim;

namespace
{

// What a driver does in its life, ready for every refusal. Nothing may be left over at the end.
class Driver
{
	World &w_;
	std::vector<uint32_t> held_;
	std::vector<Page *> pages_;

	void singles()
	{
		for (int i = 0; i < 700; i++) {
			int64_t ref = w_.alloc();
			EXPECT_TRUE(ref >= 0 || ref == XG_NO_SPACE);
			if (ref >= 0)
				held_.push_back(static_cast<uint32_t>(ref));
		}
	}
	void list()
	{
		uint32_t head = XG_NO_REF;
		int result = xg_alloc_list(w_.pool(), 600, &head);
		EXPECT_TRUE(result == 0 || result == XG_NO_SPACE);
		for (int i = 0; result == 0 && i < 50; i++) {
			int64_t ref = xg_claim(&head, 1);
			EXPECT_GE(ref, 0);
			held_.push_back(static_cast<uint32_t>(ref));
		}
		EXPECT_EQ(xg_free_list(&head, 1), 0);
	}
	void sequence()
	{
		uint32_t first = 0;
		uint32_t count = 900;
		int result = xg_alloc_seq(w_.pool(), count, &first);
		EXPECT_TRUE(result == 0 || result == XG_NO_SPACE);
		if (result == 0)
			EXPECT_EQ(xg_free_seq(&first, &count, 1), 0);
	}
	void grants()
	{
		for (int i = 0; i < 40; i++) {
			Page *page = w_.pages.alloc();
			int64_t granted = w_.grant_new(backend, page);
			EXPECT_TRUE(granted >= 0 || granted == XG_NO_SPACE);
			if (granted < 0) {
				w_.pages.put(page);
				continue;
			}
			uint32_t ref = static_cast<uint32_t>(granted);
			bool busy = i % 2;
			bool keep = i % 4 >= 2;
			if (busy)
				EXPECT_TRUE(w_.xen.map(ref, backend, false));
			// Without a page the core has to find the granted one, which may fail: then
			// the driver's own hold is all there is.
			EXPECT_EQ(w_.end_and_put(ref, keep ? nullptr : page), 0);
			if (keep)
				pages_.push_back(page);
			if (busy)
				EXPECT_TRUE(w_.xen.unmap(ref, backend, false));
		}
	}

public:
	explicit Driver(World &world) : w_(world) {}

	void live()
	{
		Waiter waiter;
		singles();
		list();
		waiter.request(3000);
		sequence();
		grants();
		w_.clock.advance(5000);
		for (uint32_t ref : held_)
			EXPECT_EQ(w_.free(ref), 0);
		w_.clock.advance(20000);
		EXPECT_EQ(waiter.calls, 1) << "enough has been free for long";
		waiter.cancel();
		for (Page *page : pages_)
			w_.pages.put(page);
		held_.clear();
		pages_.clear();
	}
};

Config small_world()
{
	Config config;
	config.table_refs = 4096;
	config.lease_step = 64;
	config.spare_limit = 100;
	return config;
}

void expect_nothing_left(World &w)
{
	EXPECT_EQ(w.check(), "");
	EXPECT_EQ(w.stats().claimed + w.stats().granted + w.stats().listed + w.stats().deferred,
		  0u);
	EXPECT_EQ(w.pages.in_use(), 0u);
	EXPECT_EQ(w.log.size(), 0u);
}

class Faulty : public testing::TestWithParam<bool>
{
};

} // namespace

TEST_P(Faulty, NothingIsLostWhicheverCallFails)
{
	bool forever = GetParam();
	long calls;
	{
		World w(small_world());
		ASSERT_EQ(w.start(), XG_OK);
		Driver(w).live();
		calls = w.faults.seen();
	}
	ASSERT_GT(calls, 30);
	for (long nth = 1; nth <= calls; nth++) {
		SCOPED_TRACE("call " + std::to_string(nth) + " of " + std::to_string(calls));
		World w(small_world());
		w.faults.fail(nth);
		if (w.start() != XG_OK) {
			EXPECT_EQ(w.memory.outstanding(), 0);
			ASSERT_EQ(w.start(), XG_OK);
		}
		Driver driver(w);
		if (forever) {
			// All later ones fail too, until memory is there again.
			w.faults.fail(nth, any_call, true);
			uint32_t head = XG_NO_REF;
			int result = xg_alloc_list(w.pool(), 2000, &head);
			EXPECT_TRUE(result == 0 || result == XG_NO_SPACE);
			EXPECT_EQ(xg_free_list(&head, 1), 0);
			EXPECT_EQ(w.check(), "");
			w.faults.none();
		}
		driver.live();
		expect_nothing_left(w);
		w.faults.none();
		driver.live();
		expect_nothing_left(w);
		if (HasFailure())
			return;
	}
}

INSTANTIATE_TEST_SUITE_P(, Faulty, testing::Bool(),
			 [](const auto &which) { return which.param ? "FromThenOn" : "Once"; });

// SPDX-License-Identifier: GPL-2.0
//
// Starting and stopping.
#include "fixture.hh"

using namespace sim;

class Life : public WorldTest
{
protected:
	void SetUp() override {}
};

TEST_F(Life, ConfigurationsThatMakeNoSenseAreRefused)
{
	World world({});
	for (xg_config bad :
	     {xg_config{0, 0, 32, 0, 0, 1, false}, xg_config{(1u << 20) + 1, 0, 32, 0, 0, 1, false},
	      xg_config{4096, 0, 0, 0, 0, 1, false},
	      xg_config{4096, 0, XG_LEASE_BATCH + 1, 0, 0, 1, false},
	      xg_config{4096, 0, 32, 0, 0, 0, false}, xg_config{4096, 0, 32, 0, 0, 3, false}})
		EXPECT_EQ(xg_core_start(&bad), XG_INVALID);
	EXPECT_EQ(world.memory.outstanding(), 0);
}

TEST_F(Life, LimitsOfTheConfigurationWork)
{
	for (uint32_t table_refs : {1u, 7u, 8u, 9u, 63u, 64u, 65u, 511u, 512u, 513u, 1u << 20}) {
		for (uint32_t step : {1u, unsigned{XG_LEASE_BATCH}}) {
			Config config;
			config.table_refs = table_refs;
			config.lease_step = step;
			World world(config);
			ASSERT_EQ(world.start(), XG_OK);
			int64_t ref = world.alloc();
			EXPECT_EQ(ref >= 0, table_refs > Kernel::first_ref) << table_refs;
			if (ref >= 0)
				EXPECT_EQ(world.free(static_cast<uint32_t>(ref)), 0);
			EXPECT_EQ(world.check(), "");
		}
	}
}

TEST_F(Life, StartsAgainAndAgain)
{
	World world({});
	for (int i = 0; i < 20; i++) {
		ASSERT_EQ(world.start(), XG_OK);
		int64_t ref = world.alloc();
		ASSERT_GE(ref, 0);
		EXPECT_EQ(world.stats().allocated_total, 1u) << "counters start at 0";
		EXPECT_EQ(world.free(static_cast<uint32_t>(ref)), 0);
		EXPECT_EQ(world.check(), "");
		world.stop();
		EXPECT_EQ(world.memory.outstanding(), 0);
		EXPECT_EQ(world.kernel.leased(), 0u);
	}
}

TEST_F(Life, StartFailsCleanlyWithoutMemory)
{
	for (long nth = 1; nth < 10; nth++) {
		World world({});
		world.faults.fail(nth);
		int result = world.start();
		bool failed = world.faults.seen() >= nth;
		EXPECT_EQ(result, failed ? XG_NO_MEMORY : XG_OK) << nth;
		if (failed)
			EXPECT_EQ(world.memory.outstanding(), 0);
		world.faults.none();
		if (failed)
			EXPECT_EQ(world.start(), XG_OK);
	}
}

TEST_F(Life, WhatDriversLeakIsReportedAndGivenBack)
{
	World world({});
	ASSERT_EQ(world.start(), XG_OK);
	std::vector<uint32_t> leaked;
	leaked.push_back(static_cast<uint32_t>(world.alloc()));
	Page *idle = world.pages.alloc();
	Page *busy = world.pages.alloc();
	leaked.push_back(static_cast<uint32_t>(world.grant_new(backend, idle)));
	leaked.push_back(static_cast<uint32_t>(world.grant_new(backend, busy)));
	ASSERT_TRUE(world.xen.map(leaked[2], backend, false));
	uint32_t head = 0;
	ASSERT_EQ(xg_alloc_list(world.pool(), 40, &head), 0);
	world.stop();
	std::vector<Report> reports = world.log.take();
	EXPECT_EQ(reports.size(), 43u);
	for (const Report &report : reports) {
		EXPECT_EQ(report.what, XG_REPORT_LEAKED);
		if (report.ref == leaked[2])
			EXPECT_EQ(report.domid, backend);
	}
	EXPECT_EQ(world.kernel.leased(), 0u);
	EXPECT_EQ(world.kernel.deferred(), 1u) << "the kernel waits for the busy one";
	EXPECT_TRUE(world.xen.is_idle(leaked[1])) << "nobody can map it any more";
	world.pages.put(idle);
	world.pages.put(busy);
	EXPECT_EQ(busy->owners, 1) << "the kernel holds it";
	EXPECT_TRUE(world.xen.unmap(leaked[2], backend, false));
	world.kernel.look_at_deferred();
	EXPECT_EQ(busy->owners, 0);
	EXPECT_EQ(world.verdict.first(), "");
}

TEST_F(Life, StopsWithWaitersAndSpareReferences)
{
	World world({});
	ASSERT_EQ(world.start(), XG_OK);
	uint32_t head = 0;
	ASSERT_EQ(xg_alloc_list(world.pool(), 1000, &head), 0);
	EXPECT_EQ(xg_free_list(&head, 1), 0);
	world.kernel.drivers_take(100000);
	Waiter waiter;
	waiter.request(5000);
	world.stop();
	world.kernel.drivers_free(100000);
	EXPECT_EQ(waiter.calls, 0);
	EXPECT_EQ(world.kernel.leased(), 0u);
	EXPECT_EQ(world.log.size(), 0u);
}

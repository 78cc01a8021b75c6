// SPDX-License-Identifier: GPL-2.0
//
// What the tests of interleavings share.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "scheduler.hh"

namespace sim
{

inline constexpr uint16_t backend = 7;

// A kernel with this many references.
inline Config config_with(uint32_t refs)
{
	Config config;
	config.table_refs = refs + Kernel::first_ref;
	config.cpus = 3;
	config.pages = 4;
	return config;
}

// All of them in the store.
inline void lease_all(World &w, uint32_t refs)
{
	uint32_t head = XG_NO_REF;
	ASSERT_EQ(xg_alloc_list(w.pool(), refs, &head), 0);
	ASSERT_EQ(xg_free_list(&head, 1), 0);
}

inline std::vector<uint32_t> take(World &w, uint32_t refs)
{
	std::vector<uint32_t> taken;
	for (; refs; refs--)
		taken.push_back(static_cast<uint32_t>(w.alloc()));
	return taken;
}

// Whether these tests try ten times as many schedules: `make soak` does, for most of an hour.
inline bool long_runs()
{
	const char *setting = std::getenv("XENGNT_SWEEP");
	return setting && std::string(setting) == "long";
}

// How many schedules are tried of what would take too long, where the version of the table makes no
// difference.
inline size_t some_schedules()
{
	return default_table_version() == 1 ? 2500 : 500;
}

// With stores that are seen at once, and with stores that are delayed, which is tried less often.
// At most `at_most` schedules each, or XENGNT_SCHEDULES if that is in the environment.
inline void expect_holds(Scenario scenario, unsigned preemptions, size_t least = 50,
			 size_t at_most = 20000)
{
	if (const char *setting = std::getenv("XENGNT_SCHEDULES"))
		at_most = std::stoul(setting);
	else if (long_runs())
		at_most *= 10;
	for (bool delayed : {false, true}) {
		scenario.delay_stores = delayed;
		size_t most = delayed ? at_most / 2 : at_most;
		Explored explored = explore(scenario, preemptions, most);
		EXPECT_EQ(explored.broken, "") << (delayed ? "with delayed stores" : "");
		EXPECT_GT(explored.schedules, least) << "too few to mean anything";
		std::cout << "  " << explored.schedules << " schedules"
			  << (delayed ? " with delayed stores" : "") << std::endl;
	}
}

} // namespace sim

// SPDX-License-Identifier: GPL-2.0
//
// The backend's decisions, driven by a simulated clock and a Xen that answers from a script.
#include "../../src/core/backend.h"

#include "../../src/core/core.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <vector>

namespace
{

constexpr int16_t okay = XG_STATUS_OKAY;
constexpr int16_t eagain = XG_STATUS_EAGAIN;
constexpr int16_t bad_page = XG_STATUS_BAD_PAGE;
constexpr int16_t bad_gntref = -3;
constexpr int16_t bad_handle = -4;

// What the shim does with a slot: waits as told, asks Xen again.
struct Slot {
	// What Xen answers, call by call; the last one for ever.
	std::vector<int16_t> answers;
	uint64_t clock_ms = 0;
	unsigned calls = 0;
	std::vector<uint32_t> waits{};

	int16_t settle()
	{
		xg_retry retry{};
		int16_t status = ask();
		while (uint32_t wait = xg_retry_after(&retry, &status)) {
			waits.push_back(wait);
			clock_ms += wait;
			status = ask();
		}
		return status;
	}

private:
	int16_t ask()
	{
		unsigned last = static_cast<unsigned>(answers.size()) - 1;
		return answers[calls < last ? calls++ : (calls++, last)];
	}
};

TEST(EagainRetry, SettledStatusIsNotTouched)
{
	for (int status = -20; status <= 20; status++) {
		if (status == eagain)
			continue;
		Slot slot{{static_cast<int16_t>(status)}};
		EXPECT_EQ(slot.settle(), status);
		EXPECT_EQ(slot.calls, 1u);
		EXPECT_EQ(slot.clock_ms, 0u);
	}
}

TEST(EagainRetry, OneMoreMillisecondEachTime)
{
	Slot slot{{eagain, eagain, eagain, eagain, okay}};
	EXPECT_EQ(slot.settle(), okay);
	EXPECT_EQ(slot.waits, (std::vector<uint32_t>{1, 2, 3, 4}));
	EXPECT_EQ(slot.calls, 5u);
}

TEST(EagainRetry, GivenUpAfter255Milliseconds)
{
	Slot slot{{eagain}};
	EXPECT_EQ(slot.settle(), bad_page);
	ASSERT_EQ(slot.waits.size(), 255u);
	for (uint32_t i = 0; i < 255; i++)
		EXPECT_EQ(slot.waits[i], i + 1);
	EXPECT_EQ(slot.clock_ms, 255u * 256u / 2);
	EXPECT_EQ(slot.calls, 256u);
}

TEST(EagainRetry, TheLastRetryCounts)
{
	Slot slot{std::vector<int16_t>(255, eagain)};
	slot.answers.push_back(okay);
	EXPECT_EQ(slot.settle(), okay);
	EXPECT_EQ(slot.waits.back(), 255u);
}

TEST(EagainRetry, AnotherErrorEndsIt)
{
	Slot slot{{eagain, eagain, bad_gntref}};
	EXPECT_EQ(slot.settle(), bad_gntref);
	EXPECT_EQ(slot.calls, 3u);
}

TEST(EagainRetry, SlotsDoNotShareTheirWaits)
{
	Slot first{{eagain, eagain, okay}};
	Slot second{{eagain, okay}};
	first.settle();
	second.settle();
	EXPECT_EQ(second.waits, (std::vector<uint32_t>{1}));
}

TEST(EagainRetry, WhatXenDidNotGetToIsAnError)
{
	EXPECT_LT(XG_STATUS_PRESET, 0);
	EXPECT_NE(XG_STATUS_PRESET, XG_STATUS_EAGAIN);
}

TEST(MapSlots, OneMapping)
{
	EXPECT_EQ(xg_map_slot(okay, nullptr), unsigned{XG_SLOT_MARKED | XG_SLOT_ENTERED});
	for (int16_t status : {int16_t{1}, int16_t{-1}, bad_gntref, bad_page, eagain})
		EXPECT_EQ(xg_map_slot(status, nullptr), 0u) << status;
}

TEST(MapSlots, TwoMappingsStandEachOnItsOwn)
{
	EXPECT_EQ(xg_map_slot(okay, &okay), unsigned{XG_SLOT_MARKED | XG_SLOT_ENTERED});
	EXPECT_EQ(xg_map_slot(okay, &bad_gntref), unsigned{XG_SLOT_MARKED});
	EXPECT_EQ(xg_map_slot(bad_gntref, &okay), 0u);
	EXPECT_EQ(xg_map_slot(bad_gntref, &bad_gntref), 0u);
}

TEST(MapSlots, TheFirstErrorIsTold)
{
	EXPECT_EQ(xg_map_result(0, 0), 0);
	EXPECT_EQ(xg_map_result(-14, 0), -14);
	EXPECT_EQ(xg_map_result(0, -14), -14);
	EXPECT_EQ(xg_map_result(-38, -14), -38);
}

TEST(UnmapSlots, AWholeBatchIsForgotten)
{
	for (int16_t status : {okay, bad_handle, bad_gntref})
		EXPECT_TRUE(xg_unmap_slot(0, status)) << status;
}

TEST(UnmapSlots, ABrokenBatchForgetsOnlyWhatXenUnmapped)
{
	EXPECT_TRUE(xg_unmap_slot(-14, okay));
	EXPECT_FALSE(xg_unmap_slot(-14, bad_handle));
	EXPECT_FALSE(xg_unmap_slot(-14, XG_STATUS_PRESET));
}

TEST(UnmapSlots, Results)
{
	EXPECT_EQ(xg_unmap_result(0, 0, 0), 0);
	EXPECT_EQ(xg_unmap_result(0, 0, 3), XG_INVALID);
	EXPECT_EQ(xg_unmap_result(0, -14, 3), -14);
	EXPECT_EQ(xg_unmap_result(-38, -14, 3), -38);
}

// An item of the queue whose pages are let go at a given time.
struct Item {
	uint64_t held_until_ms;
	uint32_t age = 77; // whatever the driver left there
	uint64_t clock_ms = 0;
	unsigned looks = 0;
	std::vector<uint32_t> waits{};

	void run(unsigned most = 1000)
	{
		uint32_t wait = xg_unmap_first_look(&age, clock_ms < held_until_ms);
		for (looks = 1; wait && looks < most; looks++) {
			waits.push_back(wait);
			clock_ms += wait;
			wait = xg_unmap_next_look(&age, clock_ms < held_until_ms);
		}
	}
};

TEST(UnmapQueue, NotHeldIsUnmappedAtOnce)
{
	Item item{0};
	item.run();
	EXPECT_EQ(item.looks, 1u);
	EXPECT_EQ(item.age, 0u);
	EXPECT_EQ(item.clock_ms, 0u);
}

TEST(UnmapQueue, FiveMillisecondsMoreEachTime)
{
	Item item{51};
	item.run();
	EXPECT_EQ(item.waits, (std::vector<uint32_t>{5, 10, 15, 20, 25}));
	EXPECT_EQ(item.age, 5u);
	EXPECT_EQ(item.clock_ms, 75u);
}

TEST(UnmapQueue, LetGoBetweenTwoLooks)
{
	Item item{1};
	item.run();
	EXPECT_EQ(item.waits, (std::vector<uint32_t>{5}));
	EXPECT_EQ(item.age, 1u);
}

TEST(UnmapQueue, LooksForEver)
{
	Item item{std::numeric_limits<uint64_t>::max()};
	item.run(1000);
	EXPECT_EQ(item.age, 999u);
	EXPECT_EQ(item.waits.back(), 5u * 999);
	EXPECT_EQ(item.clock_ms, 5u * 999 * 1000 / 2);
}

TEST(UnmapQueue, AgeStaysAtItsLargest)
{
	uint32_t age = std::numeric_limits<uint32_t>::max() - 1;
	EXPECT_EQ(xg_unmap_next_look(&age, true), XG_UNMAP_LONGEST_MS);
	EXPECT_EQ(age, std::numeric_limits<uint32_t>::max());
	EXPECT_EQ(xg_unmap_next_look(&age, true), XG_UNMAP_LONGEST_MS);
	EXPECT_EQ(age, std::numeric_limits<uint32_t>::max());
	EXPECT_EQ(xg_unmap_next_look(&age, false), 0u);
	EXPECT_EQ(age, std::numeric_limits<uint32_t>::max());
}

TEST(UnmapQueue, TheWaitNeverComesRoundToNone)
{
	for (uint32_t age : {0x19999998u, 0x19999999u, 0x33333332u, 0x33333333u, 0xfffffffdu}) {
		uint32_t looked = age;
		uint32_t wait = xg_unmap_next_look(&looked, true);
		EXPECT_GT(wait, 0u) << age;
		EXPECT_LE(wait, XG_UNMAP_LONGEST_MS) << age;
	}
}

} // namespace

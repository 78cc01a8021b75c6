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

// --- pieces of pages ---

// The kernel's pages: x86 and most of arm64, arm64 with larger ones.
constexpr uint32_t page_sizes[] = {4096, 16384, 65536};

std::vector<xg_piece> pieces(uint32_t page_size, uint32_t offset, uint32_t length)
{
	std::vector<xg_piece> found;
	xg_piece piece{};
	while (xg_next_piece(page_size, offset, length, &piece))
		found.push_back(piece);
	return found;
}

// Every byte of the range that is in the page is in one piece, in order, and no other byte is.
void expect_covered(uint32_t page_size, uint32_t offset, uint32_t length)
{
	uint64_t end = uint64_t{offset} + length;
	if (end > page_size)
		end = page_size;
	uint64_t at = offset;
	for (const xg_piece &piece : pieces(page_size, offset, length)) {
		ASSERT_EQ(uint64_t{piece.frame} * 4096 + piece.offset, at);
		ASSERT_GE(piece.length, 1u);
		ASSERT_LE(piece.offset + piece.length, 4096u);
		at += piece.length;
		// Only the last one ends inside its frame.
		ASSERT_TRUE(at == end || (piece.offset + piece.length) % 4096 == 0);
	}
	ASSERT_EQ(at, end > offset ? end : offset)
	    << "page of " << page_size << ", " << length << " bytes from " << offset;
}

TEST(Pieces, AWholePageIsItsFrames)
{
	for (uint32_t page_size : page_sizes) {
		auto found = pieces(page_size, 0, page_size);
		ASSERT_EQ(found.size(), page_size / 4096);
		for (uint32_t i = 0; i < found.size(); i++) {
			EXPECT_EQ(found[i].frame, i);
			EXPECT_EQ(found[i].offset, 0u);
			EXPECT_EQ(found[i].length, 4096u);
		}
	}
}

TEST(Pieces, EveryRangeAroundABorderIsCovered)
{
	for (uint32_t page_size : page_sizes)
		for (uint32_t border = 0; border <= page_size; border += 4096)
			for (uint32_t before = 0; before <= 2 && before <= border; before++)
				for (uint32_t length : {0u, 1u, 2u, 3u, 4095u, 4096u, 4097u, 8193u,
							page_size - 1, page_size, page_size + 1})
					expect_covered(page_size, border - before, length);
}

TEST(Pieces, WhatLiesBeyondThePageIsLeftOut)
{
	constexpr uint32_t most = std::numeric_limits<uint32_t>::max();
	for (uint32_t page_size : page_sizes) {
		EXPECT_TRUE(pieces(page_size, page_size, 1).empty());
		EXPECT_TRUE(pieces(page_size, page_size + 1, most).empty());
		EXPECT_TRUE(pieces(page_size, most, most).empty());
		auto last = pieces(page_size, page_size - 1, most);
		ASSERT_EQ(last.size(), 1u);
		EXPECT_EQ(last[0].frame, page_size / 4096 - 1);
		EXPECT_EQ(last[0].offset, 4095u);
		EXPECT_EQ(last[0].length, 1u);
	}
}

TEST(Pieces, FramesOfConsecutivePages)
{
	for (uint32_t page_size : page_sizes)
		for (uint32_t number = 0; number < 100; number++) {
			uint32_t offset = ~0u;
			uint32_t page = xg_frame_page(page_size, number, &offset);
			EXPECT_EQ(uint64_t{page} * page_size + offset, uint64_t{number} * 4096);
			EXPECT_LT(offset, page_size);
			EXPECT_EQ(offset % 4096, 0u);
		}
}

} // namespace

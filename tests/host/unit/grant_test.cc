// SPDX-License-Identifier: GPL-2.0
//
// Granting, ending, and what the other side may do meanwhile.
#include "fixture.hh"

using namespace sim;
using Grant = WorldTest;

TEST_F(Grant, EntryIsWhatWasAskedFor)
{
	for (bool readonly : {false, true}) {
		auto [ref, page] = granted(readonly);
		EXPECT_EQ(*w->xen.flags(ref), readonly ? 5 : 1);
		EXPECT_EQ(w->xen.domid(ref), backend);
		EXPECT_EQ(w->xen.frame_of(ref), page->frame);
		EXPECT_EQ(w->stats().granted, 1u);
		EXPECT_EQ(w->check(), "");
		EXPECT_EQ(w->try_end(ref), 1);
		EXPECT_EQ(*w->xen.flags(ref), 0);
		EXPECT_EQ(w->stats().granted, 0u);
		w->pages.put(page);
	}
}

TEST_F(Grant, TheOtherSideGetsWhatItMay)
{
	auto [ref, page] = granted(true);
	EXPECT_FALSE(w->xen.map(ref, backend, false)) << "read-only";
	EXPECT_FALSE(w->xen.map(ref, backend + 1, true)) << "another domain";
	EXPECT_TRUE(w->xen.map(ref, backend, true));
	EXPECT_EQ(w->try_end(ref), 0);
	EXPECT_TRUE(w->xen.unmap(ref, backend, true));
	EXPECT_EQ(w->try_end(ref), 1);
	EXPECT_FALSE(w->xen.map(ref, backend, true));
	w->pages.put(page);
}

TEST_F(Grant, EndKeepsTheReferenceClaimed)
{
	auto [ref, page] = granted();
	EXPECT_EQ(w->end(ref), 1);
	EXPECT_EQ(w->stats().claimed, 1u);
	EXPECT_EQ(w->end(ref), 1) << "drivers end twice when they go";
	EXPECT_EQ(w->grant(ref, backend + 1, page), 0);
	EXPECT_EQ(w->xen.domid(ref), backend + 1);
	EXPECT_EQ(w->end(ref), 1);
	EXPECT_EQ(w->free(ref), 0);
	w->pages.put(page);
	EXPECT_EQ(w->stats().ended_total, 2u);
	EXPECT_EQ(w->stats().granted_total, 2u);
}

TEST_F(Grant, BusyIsSaidAsLongAsItIsMapped)
{
	auto [ref, page] = granted();
	EXPECT_TRUE(w->xen.map(ref, backend, false));
	EXPECT_TRUE(w->xen.map(ref, backend, true));
	EXPECT_EQ(w->end(ref), 0);
	EXPECT_EQ(w->try_end(ref), 0);
	EXPECT_TRUE(w->xen.unmap(ref, backend, false));
	EXPECT_EQ(w->end(ref), 0) << "still mapped for reading";
	EXPECT_TRUE(w->xen.unmap(ref, backend, true));
	EXPECT_EQ(w->end(ref), 1);
	EXPECT_EQ(w->free(ref), 0);
	w->pages.put(page);
}

TEST_F(Grant, TryEndOfAClaimedReferenceFreesIt)
{
	uint32_t ref = alloc();
	EXPECT_EQ(w->try_end(ref), 1);
	EXPECT_EQ(w->stats().claimed, 0u);
}

TEST_F(Grant, EndAndPutDropsThePage)
{
	auto [ref, page] = granted();
	EXPECT_EQ(w->end_and_put(ref, page), 0);
	EXPECT_EQ(page->owners, 0);
	EXPECT_EQ(w->stats().granted + w->stats().claimed, 0u);

	uint32_t never_granted = alloc();
	Page *other = w->pages.alloc();
	EXPECT_EQ(w->end_and_put(never_granted, other), 0);
	EXPECT_EQ(other->owners, 0);
	EXPECT_EQ(w->stats().claimed, 0u);

	auto [third, kept] = granted();
	EXPECT_EQ(w->end_and_put(third, nullptr), 0);
	EXPECT_EQ(kept->owners, 1) << "the page was the caller's, and still is";
	w->pages.put(kept);
}

TEST_F(Grant, FramesBeyondTheEntryAreRefused)
{
	uint32_t ref = alloc();
	uint64_t too_large = uint64_t{1} << (w->xen.is_v2() ? 52 : 32);
	EXPECT_EQ(xg_grant(ref, backend, too_large, false, 9), XG_INVALID);
	expect_report(XG_REPORT_GRANT_BAD_FRAME, ref, 9);
	EXPECT_EQ(xg_grant_new(w->pool(), backend, ~uint64_t{0}, false, 9), XG_INVALID);
	expect_report(XG_REPORT_GRANT_BAD_FRAME, XG_NO_REF, 9);
	EXPECT_EQ(xg_grant_new(w->pool(), backend, too_large, false, 9), XG_INVALID);
	expect_report(XG_REPORT_GRANT_BAD_FRAME, XG_NO_REF, 9);
	EXPECT_EQ(w->stats().claimed, 1u);
	EXPECT_EQ(xg_grant(ref, backend, too_large - 1, false, 9), 0) << "the largest";
	EXPECT_EQ(w->xen.frame_of(ref), too_large - 1);
	EXPECT_EQ(w->try_end(ref), 1);
}

TEST_F(Grant, SlowGrantWorksOnAnEmptyCache)
{
	Page *page = w->pages.alloc();
	int64_t ref = xg_grant_new(w->pool(), backend, page->frame, false, 1);
	ASSERT_GE(ref, 0);
	EXPECT_EQ(w->stats().granted, 1u);
	EXPECT_EQ(xg_try_end(static_cast<uint32_t>(ref), 1), 1);
	w->pages.put(page);
}

TEST_F(Grant, FailsOnlyWhenNothingIsFree)
{
	start_with(2);
	auto [a, page_a] = granted();
	auto [b, page_b] = granted();
	EXPECT_EQ(w->grant_new(backend, page_a), XG_NO_SPACE);
	EXPECT_EQ(w->try_end(a), 1);
	EXPECT_EQ(w->grant_new(backend, page_a), a);
	EXPECT_EQ(w->end_and_put(a, page_a), 0);
	EXPECT_EQ(w->end_and_put(b, page_b), 0);
}

TEST_F(Grant, TryEndWorksWithAFullCache)
{
	std::vector<std::pair<uint32_t, Page *>> grants;
	for (int i = 0; i < 200; i++)
		grants.push_back(granted());
	for (auto [ref, page] : grants) {
		EXPECT_EQ(w->try_end(ref), 1);
		w->pages.put(page);
	}
	EXPECT_EQ(w->stats().granted, 0u);
	EXPECT_EQ(w->stats().ended_total, 200u);
}

TEST_F(Grant, ScribblesOverAClosedEntryChangeNothing)
{
	uint32_t ref = alloc();
	w->xen.scribble(ref, 0x1234567890abcdefull);
	Page *page = w->pages.alloc();
	EXPECT_FALSE(w->xen.map(ref, 0xcdef, true));
	EXPECT_EQ(w->grant(ref, backend, page), 0);
	EXPECT_EQ(w->xen.domid(ref), backend);
	EXPECT_EQ(w->xen.frame_of(ref), page->frame);
	EXPECT_EQ(w->end_and_put(ref, page), 0);
}

TEST_F(Grant, FlagsThatKeepChangingAreBusyAndNotForever)
{
	// Status bits left behind by nobody's mapping: busy, however often it is asked.
	auto [ref, page] = granted();
	*w->xen.status(ref) |= xengnt::entry_writing;
	EXPECT_EQ(w->try_end(ref), 0);
	*w->xen.status(ref) ^= xengnt::entry_reading | xengnt::entry_writing;
	EXPECT_EQ(w->try_end(ref), 0);
	*w->xen.status(ref) ^= xengnt::entry_reading;
	EXPECT_EQ(w->end_and_put(ref, page), 0);
}

// SPDX-License-Identifier: GPL-2.0
//
// What only a table of version 2 has, and a table whose version or size a suspend has changed.
#include "fixture.hh"

using namespace sim;
using namespace xengnt;

class Version2 : public WorldTest
{
protected:
	static Config config_of(unsigned version, uint32_t table_refs = 4096)
	{
		Config config;
		config.table_version = version;
		config.table_refs = table_refs;
		return config;
	}
	void SetUp() override { start(config_of(2)); }
	EntryV2 *entry(uint32_t ref) { return w->xen.entry(ref).v2(); }
};

TEST_F(Version2, FramesBeyond32Bits)
{
	uint32_t ref = alloc();
	constexpr uint64_t frame = 0x000fedcba9876543;
	EXPECT_EQ(xg_grant(ref, backend, frame, true, 1), 0);
	EXPECT_EQ(entry(ref)->flags, entry_permit_access | entry_readonly);
	EXPECT_EQ(entry(ref)->domid, backend);
	EXPECT_EQ(entry(ref)->frame, frame);
	xg_ref_info info;
	xg_read_ref(ref, &info);
	EXPECT_EQ(info.frame, frame);
	EXPECT_EQ(info.domid, backend);
	EXPECT_EQ(w->try_end(ref), 1);
	EXPECT_EQ(entry(ref)->flags, 0);
}

TEST_F(Version2, ABusyEndKeepsNewMappingsOut)
{
	auto [ref, page] = granted();
	EXPECT_TRUE(w->xen.map(ref, backend, true));
	EXPECT_EQ(w->end(ref), 0);
	EXPECT_EQ(w->stats().granted, 1u) << "still in use, still granted";
	EXPECT_FALSE(w->xen.map(ref, backend, false)) << "not for writing any more";
	EXPECT_TRUE(w->xen.unmap(ref, backend, true));
	EXPECT_EQ(w->end(ref), 1);
	EXPECT_EQ(w->free(ref), 0);
	w->pages.put(page);
}

// References that the kernel lent nobody, where its own code cannot end them.
TEST_F(Version2, WhatTheKernelGrantedCanBeEndedForIt)
{
	constexpr uint32_t ref = Kernel::first_ref - 1;
	Page *page = w->pages.alloc();
	entry_grant(w->xen.entry(ref), DomId{backend}, Gfn{page->frame}, false);
	ASSERT_TRUE(w->xen.map(ref, backend, false));
	EXPECT_FALSE(xg_end_unleased(ref));
	EXPECT_EQ(xg_keep_page_of(ref), page);
	EXPECT_EQ(page->owners, 2);
	EXPECT_TRUE(w->xen.unmap(ref, backend, false));
	EXPECT_TRUE(xg_end_unleased(ref));
	EXPECT_EQ(entry(ref)->flags, 0);
	w->pages.put(page);
	w->pages.put(page);
	EXPECT_FALSE(xg_end_unleased(w->config.table_refs)) << "there is no such entry";
	EXPECT_EQ(xg_keep_page_of(w->config.table_refs), nullptr);
}

TEST_F(Version2, APartOfAPage)
{
	uint32_t ref = alloc();
	EXPECT_EQ(xg_grant_part(ref, backend, 0x10001, true, 512, 1024, 1), 0);
	EXPECT_EQ(entry(ref)->flags, entry_permit_access | entry_readonly | entry_sub_page);
	EXPECT_EQ(entry(ref)->domid, backend);
	EXPECT_EQ(entry(ref)->offset, 512);
	EXPECT_EQ(entry(ref)->length, 1024);
	EXPECT_EQ(entry(ref)->frame, 0x10001u);
	EXPECT_EQ(xg_grant_part(ref, backend, 0x10001, true, 0, 1, 5), XG_MISUSE);
	expect_report(XG_REPORT_GRANT_TWICE, ref, 5);
	EXPECT_EQ(w->try_end(ref), 1);
}

TEST_F(Version2, PartsThatAreNone)
{
	uint32_t ref = alloc();
	EXPECT_EQ(xg_grant_part(ref, backend, 1, false, 0, 0, 1), XG_INVALID);
	EXPECT_EQ(xg_grant_part(ref, backend, 1, false, 4095, 2, 1), XG_INVALID);
	EXPECT_EQ(xg_grant_part(ref, backend, 1, false, 65535, 65535, 1), XG_INVALID);
	EXPECT_EQ(xg_grant_part(ref, backend, uint64_t{1} << 52, false, 0, 1, 5), XG_INVALID);
	expect_report(XG_REPORT_GRANT_BAD_FRAME, ref, 5);
	EXPECT_EQ(w->stats().claimed, 1u);
	EXPECT_EQ(xg_grant_part(ref, backend, 1, false, 0, 4096, 1), 0) << "the whole page";
	EXPECT_EQ(w->try_end(ref), 1);
	EXPECT_EQ(xg_grant_part(5000, backend, 1, false, 0, 1, 1), XG_NOT_LEASED);
}

TEST_F(Version2, AGrantPassedOn)
{
	uint32_t ref = alloc();
	EXPECT_EQ(xg_grant_transitive(ref, backend, false, 9, 0x12345678, 1), 0);
	EXPECT_EQ(entry(ref)->flags, entry_transitive);
	EXPECT_EQ(entry(ref)->domid, backend);
	EXPECT_EQ(entry(ref)->source_domid, 9);
	EXPECT_EQ(entry(ref)->source_ref, 0x12345678u);
	xg_ref_info info;
	xg_read_ref(ref, &info);
	EXPECT_EQ(info.frame, no_frame.raw) << "none of this domain's";

	// Busy and without a page of the caller's: there is none to be kept either.
	*w->xen.status(ref) |= entry_reading;
	EXPECT_EQ(w->end_and_put(ref, nullptr), 0);
	EXPECT_EQ(w->stats().deferred, 1u);
	*w->xen.status(ref) &= static_cast<uint16_t>(~entry_reading);
	w->clock.advance(100);
	EXPECT_EQ(w->stats().deferred, 0u);
}

TEST_F(Version2, Version1HasNeither)
{
	start(config_of(1));
	uint32_t ref = alloc();
	EXPECT_EQ(xg_grant_part(ref, backend, 1, false, 0, 512, 1), XG_UNSUPPORTED);
	EXPECT_EQ(xg_grant_transitive(ref, backend, false, 9, 1, 1), XG_UNSUPPORTED);
	EXPECT_EQ(w->free(ref), 0);
}

// A frame holds half as many references as a segment of metadata: the first half can be all.
TEST_F(Version2, ATableOfOneFrame)
{
	start(config_of(2, 256));
	std::vector<uint32_t> all = alloc_many(256 - Kernel::first_ref);
	EXPECT_EQ(w->alloc(), XG_NO_SPACE);
	for (uint32_t ref : all)
		EXPECT_EQ(xg_grant(ref, backend, ref, false, 1), 0);
	for (uint32_t ref : all)
		EXPECT_EQ(w->xen.frame_of(ref), ref);
	for (uint32_t ref : all)
		EXPECT_EQ(w->try_end(ref), 1);
}

TEST_F(Version2, StatusFramesThatCannotBeReached)
{
	start(config_of(2, 8192));
	// The table frame is found, the status frame is not: nothing of it is leased.
	w->faults.fail(2, only(Call::table_frame), true);
	EXPECT_EQ(w->alloc(), XG_NO_SPACE);
	EXPECT_EQ(w->kernel.leased(), 0u);
	w->faults.none();
	w->clock.advance(10000);
	EXPECT_EQ(w->free(alloc()), 0);
}

// After a suspend: other frames, blank entries. What was granted is gone, and can be ended.
TEST_F(Version2, ResumeInTheSameVersion)
{
	for (unsigned version : {1u, 2u}) {
		start(config_of(version));
		auto [ref, page] = granted();
		auto [busy, kept] = granted();
		EXPECT_TRUE(w->xen.map(busy, backend, true));
		EXPECT_EQ(w->end_and_put(busy, kept), 0);
		EXPECT_TRUE(w->xen.unmap(busy, backend, true));
		w->xen.start_anew();
		EXPECT_EQ(xg_core_resume(version), 0u);
		EXPECT_EQ(w->try_end(ref), 1);
		w->pages.put(page);
		w->clock.advance(100);
		EXPECT_EQ(kept->owners, 0);
		auto [again, other] = granted();
		EXPECT_TRUE(w->xen.map(again, backend, true));
		EXPECT_TRUE(w->xen.unmap(again, backend, true));
		EXPECT_EQ(w->end_and_put(again, other), 0);
	}
}

// A table that is smaller after the suspend: what has no entry is not granted, and no domain can
// use what was granted through it.
TEST_F(Version2, ResumeWithFewerFrames)
{
	start(config_of(1, 4096));
	std::vector<uint32_t> all = alloc_many(4096 - Kernel::first_ref);
	for (uint32_t ref : all)
		EXPECT_EQ(xg_grant(ref, backend, ref, false, 1), 0);
	w->xen.start_anew();
	w->xen.limit_frames(2);
	EXPECT_EQ(xg_core_resume(1), 4096u - 1024u);
	for (uint32_t ref : all)
		EXPECT_EQ(w->end(ref), XG_ENDED) << ref;
	for (uint32_t ref : all)
		if (ref < 1024) {
			EXPECT_EQ(xg_grant(ref, backend, 0x777, false, 1), 0);
			EXPECT_EQ(w->xen.frame_of(ref), 0x777u);
			EXPECT_EQ(w->try_end(ref), 1);
		}
	EXPECT_EQ(w->check(), "");
	// Once the table has grown again, so has what can be reached.
	w->xen.limit_frames(8);
	EXPECT_EQ(xg_core_resume(1), 0u);
	for (uint32_t ref : all)
		if (ref >= 1024) {
			EXPECT_EQ(xg_grant(ref, backend, 0x777, false, 1), 0);
			EXPECT_EQ(w->try_end(ref), 1);
		}
}

// A frame that is there and cannot be mapped: the end of what was granted through it waits.
TEST_F(Version2, ResumeWithAFrameOutOfReach)
{
	start(config_of(1, 4096));
	std::vector<uint32_t> all = alloc_many(4096 - Kernel::first_ref);
	for (uint32_t ref : all)
		EXPECT_EQ(xg_grant(ref, backend, ref, false, 1), 0);
	w->xen.start_anew();
	w->xen.hide_frame(2);
	EXPECT_EQ(xg_core_resume(1), 512u);
	uint32_t hidden = 1024;
	for (uint32_t ref : all)
		EXPECT_EQ(w->try_end(ref), ref / 512 == 2 ? XG_BUSY : XG_ENDED) << ref;
	EXPECT_EQ(xg_end_and_put(hidden, nullptr, 1), XG_BUSY);
	w->clock.advance(10000);
	EXPECT_EQ(w->stats().deferred, 1u) << "the entry was not seen ended";
	w->xen.hide_frame(~0u);
	w->clock.advance(3000);
	EXPECT_EQ(w->stats().deferred, 0u);
	EXPECT_EQ(xg_core_resume(1), 0u);
	for (uint32_t ref : all)
		if (ref / 512 == 2 && ref != hidden)
			EXPECT_EQ(w->try_end(ref), XG_ENDED);
	EXPECT_EQ(w->check(), "");
}

// Claimed references of a lost frame are not granted, and stay claimed.
TEST_F(Version2, GrantsThroughLostFramesAreRefused)
{
	for (unsigned version : {1u, 2u}) {
		start(config_of(version, 4096));
		uint32_t first = alloc_sequence(2000);
		w->xen.start_anew();
		w->xen.limit_frames(2);
		EXPECT_GT(xg_core_resume(version), 0u);
		uint32_t last = first + 1999;
		EXPECT_EQ(xg_grant(last, backend, 0x777, false, 5), XG_UNREACHABLE);
		expect_report(XG_REPORT_UNREACHABLE, last, 5);
		EXPECT_EQ(w->end(last), XG_ENDED) << "claimed, and not granted";
		free_sequence(first, 2000);
	}
}

// Free references of a lost frame are set aside when a grant meets them, until the frame is there
// again.
TEST_F(Version2, FreeReferencesOfLostFramesAreSetAside)
{
	Config config = config_of(1, 1024);
	config.spare_limit = 1024;
	start(config);
	free_list(alloc_list(1000));
	w->xen.start_anew();
	w->xen.limit_frames(1);
	EXPECT_GT(xg_core_resume(1), 0u);
	std::vector<uint32_t> refs;
	for (int64_t ref; (ref = xg_grant_new(w->pool(), backend, 0x777, false, 5)) >= 0;) {
		EXPECT_LT(ref, 512);
		refs.push_back(static_cast<uint32_t>(ref));
	}
	EXPECT_EQ(refs.size(), 512u - Kernel::first_ref);
	EXPECT_FALSE(w->log.take().empty()) << "each of them was reported";
	EXPECT_GT(w->stats().lost, 0u);
	EXPECT_EQ(w->check(), "");
	w->xen.limit_frames(8);
	EXPECT_EQ(xg_core_resume(1), 0u);
	EXPECT_EQ(w->stats().lost, 0u);
	EXPECT_EQ(w->check(), "");
	for (uint32_t ref : refs)
		EXPECT_EQ(w->try_end(ref), 1);
	free_all(alloc_many(1000));
}

// The same frames hold half as many references of version 2.
TEST_F(Version2, ResumeInAnotherVersion)
{
	start(config_of(1, 1024));
	std::vector<uint32_t> all = alloc_many(1024 - Kernel::first_ref);
	for (uint32_t ref : all)
		EXPECT_EQ(xg_grant(ref, backend, ref, false, 1), 0);
	w->xen.start_anew();
	w->xen.change_version(2);
	EXPECT_EQ(xg_core_resume(2), 512u);
	for (uint32_t ref : all)
		EXPECT_EQ(w->end(ref), XG_ENDED);
	for (uint32_t ref : all) {
		bool there = ref < 512;
		EXPECT_EQ(xg_grant(ref, backend, 0x100000000 + ref, false, 5),
			  there ? XG_OK : XG_UNREACHABLE);
		if (there)
			EXPECT_EQ(w->xen.frame_of(ref), 0x100000000 + ref);
		else
			expect_report(XG_REPORT_UNREACHABLE, ref, 5);
		EXPECT_EQ(w->try_end(ref), 1);
	}
}

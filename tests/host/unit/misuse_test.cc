// SPDX-License-Identifier: GPL-2.0
//
// Wrong calls: each is refused with one report that names the reference and the caller, and nothing
// else changes.
#include "fixture.hh"

using namespace sim;

namespace
{

constexpr unsigned long culprit = 0xbad;

enum class In { free, cached, listed, claimed, granted, busy, deferred, unleased, beyond };

const char *name(In state)
{
	static const char *const names[] = {"free",     "cached",   "listed",
					    "claimed",  "granted",  "granted and mapped",
					    "deferred", "unleased", "beyond"};
	return names[static_cast<unsigned>(state)];
}

struct WrongCall {
	const char *what;
	int64_t (*call)(uint32_t ref);
	In state;
	int64_t result;
	int report; // none: -1
};

int64_t free_it(uint32_t ref)
{
	return world().free(ref, culprit);
}
int64_t grant_it(uint32_t ref)
{
	return xg_grant(ref, backend, 0x10003, false, culprit);
}
int64_t end_it(uint32_t ref)
{
	return world().end(ref, culprit);
}
int64_t try_end_it(uint32_t ref)
{
	return world().try_end(ref, culprit);
}
int64_t end_and_put_it(uint32_t ref)
{
	Page *page = world().pages.alloc();
	int64_t result = world().end_and_put(ref, page, culprit);
	EXPECT_EQ(page->owners, 1) << "the page stays the caller's";
	world().pages.put(page);
	return result;
}
int64_t claim_it(uint32_t ref)
{
	uint32_t head = ref;
	int64_t result = xg_claim(&head, culprit);
	EXPECT_EQ(head, ref);
	return result;
}
int64_t release_it(uint32_t ref)
{
	uint32_t head = XG_NO_REF;
	int64_t result = xg_release(&head, ref, culprit);
	EXPECT_EQ(head, XG_NO_REF);
	return result;
}
int64_t free_list_of_it(uint32_t ref)
{
	uint32_t head = ref;
	int64_t result = xg_free_list(&head, culprit);
	EXPECT_EQ(head, ref);
	return result;
}
int64_t free_sequence_of_it(uint32_t ref)
{
	uint32_t first = ref;
	uint32_t count = 1;
	return xg_free_seq(&first, &count, culprit);
}
int64_t end_notify_it(uint32_t ref)
{
	xg_end_notice notice;
	Page *page = world().pages.alloc();
	int calls = 0;
	auto call = [](void *arg) { ++*static_cast<int *>(arg); };
	int64_t result = xg_end_notify(&notice, ref, page, call, &calls, culprit);
	EXPECT_EQ(calls, 0);
	EXPECT_EQ(page->owners, 1) << "the page stays the caller's";
	world().pages.put(page);
	return result;
}
// How many are not ours is all that it returns.
int64_t end_batch_it(uint32_t ref)
{
	Page *page = world().pages.alloc();
	uint32_t refs[] = {ref};
	void *pages[] = {page};
	int64_t result = xg_end_batch(refs, pages, 1, culprit);
	EXPECT_EQ(refs[0], ref);
	EXPECT_EQ(page->owners, 1) << "the page stays the caller's";
	world().pages.put(page);
	return result;
}

constexpr int none = -1;

const WrongCall wrong_calls[] = {
    {"free", free_it, In::free, XG_MISUSE, XG_REPORT_FREE_OF_FREE},
    {"free", free_it, In::cached, XG_MISUSE, XG_REPORT_FREE_OF_FREE},
    {"free", free_it, In::listed, XG_MISUSE, XG_REPORT_FREE_OF_FREE},
    {"free", free_it, In::granted, XG_MISUSE, XG_REPORT_FREE_OF_GRANTED},
    {"free", free_it, In::busy, XG_MISUSE, XG_REPORT_FREE_OF_GRANTED},
    {"free", free_it, In::deferred, XG_MISUSE, XG_REPORT_FREE_OF_DEFERRED},
    {"free", free_it, In::unleased, XG_NOT_LEASED, none},
    {"free", free_it, In::beyond, XG_NOT_LEASED, none},
    {"grant", grant_it, In::free, XG_MISUSE, XG_REPORT_GRANT_UNCLAIMED},
    {"grant", grant_it, In::cached, XG_MISUSE, XG_REPORT_GRANT_UNCLAIMED},
    {"grant", grant_it, In::listed, XG_MISUSE, XG_REPORT_GRANT_UNCLAIMED},
    {"grant", grant_it, In::granted, XG_MISUSE, XG_REPORT_GRANT_TWICE},
    {"grant", grant_it, In::busy, XG_MISUSE, XG_REPORT_GRANT_TWICE},
    {"grant", grant_it, In::deferred, XG_MISUSE, XG_REPORT_GRANT_UNCLAIMED},
    {"grant", grant_it, In::unleased, XG_NOT_LEASED, none},
    {"grant", grant_it, In::beyond, XG_NOT_LEASED, none},
    {"end", end_it, In::free, XG_MISUSE, XG_REPORT_END_UNCLAIMED},
    {"end", end_it, In::cached, XG_MISUSE, XG_REPORT_END_UNCLAIMED},
    {"end", end_it, In::listed, XG_MISUSE, XG_REPORT_END_UNCLAIMED},
    {"end", end_it, In::deferred, XG_MISUSE, XG_REPORT_END_UNCLAIMED},
    {"end", end_it, In::unleased, XG_NOT_LEASED, none},
    {"end", end_it, In::beyond, XG_NOT_LEASED, none},
    {"try_end", try_end_it, In::free, XG_MISUSE, XG_REPORT_END_UNCLAIMED},
    {"try_end", try_end_it, In::cached, XG_MISUSE, XG_REPORT_END_UNCLAIMED},
    {"try_end", try_end_it, In::listed, XG_MISUSE, XG_REPORT_END_UNCLAIMED},
    {"try_end", try_end_it, In::deferred, XG_MISUSE, XG_REPORT_END_UNCLAIMED},
    {"try_end", try_end_it, In::unleased, XG_NOT_LEASED, none},
    {"try_end", try_end_it, In::beyond, XG_NOT_LEASED, none},
    {"end_and_put", end_and_put_it, In::free, XG_MISUSE, XG_REPORT_END_UNCLAIMED},
    {"end_and_put", end_and_put_it, In::cached, XG_MISUSE, XG_REPORT_END_UNCLAIMED},
    {"end_and_put", end_and_put_it, In::listed, XG_MISUSE, XG_REPORT_END_UNCLAIMED},
    {"end_and_put", end_and_put_it, In::deferred, XG_MISUSE, XG_REPORT_END_UNCLAIMED},
    {"end_and_put", end_and_put_it, In::unleased, XG_NOT_LEASED, none},
    {"end_and_put", end_and_put_it, In::beyond, XG_NOT_LEASED, none},
    {"claim", claim_it, In::free, XG_NO_SPACE, XG_REPORT_CLAIM_BAD_LIST},
    {"claim", claim_it, In::cached, XG_NO_SPACE, XG_REPORT_CLAIM_BAD_LIST},
    {"claim", claim_it, In::claimed, XG_NO_SPACE, XG_REPORT_CLAIM_BAD_LIST},
    {"claim", claim_it, In::granted, XG_NO_SPACE, XG_REPORT_CLAIM_BAD_LIST},
    {"claim", claim_it, In::deferred, XG_NO_SPACE, XG_REPORT_CLAIM_BAD_LIST},
    {"claim", claim_it, In::unleased, XG_NO_SPACE, none},
    {"claim", claim_it, In::beyond, XG_NO_SPACE, none},
    {"release", release_it, In::free, XG_MISUSE, XG_REPORT_RELEASE_UNCLAIMED},
    {"release", release_it, In::cached, XG_MISUSE, XG_REPORT_RELEASE_UNCLAIMED},
    {"release", release_it, In::listed, XG_MISUSE, XG_REPORT_RELEASE_UNCLAIMED},
    {"release", release_it, In::granted, XG_MISUSE, XG_REPORT_RELEASE_UNCLAIMED},
    {"release", release_it, In::deferred, XG_MISUSE, XG_REPORT_RELEASE_UNCLAIMED},
    {"release", release_it, In::unleased, XG_MISUSE, none},
    {"release", release_it, In::beyond, XG_MISUSE, none},
    {"free_list", free_list_of_it, In::free, XG_MISUSE, XG_REPORT_LIST_BROKEN},
    {"free_list", free_list_of_it, In::cached, XG_MISUSE, XG_REPORT_LIST_BROKEN},
    {"free_list", free_list_of_it, In::claimed, XG_MISUSE, XG_REPORT_LIST_BROKEN},
    {"free_list", free_list_of_it, In::granted, XG_MISUSE, XG_REPORT_LIST_BROKEN},
    {"free_list", free_list_of_it, In::deferred, XG_MISUSE, XG_REPORT_LIST_BROKEN},
    {"free_list", free_list_of_it, In::unleased, XG_MISUSE, XG_REPORT_LIST_BROKEN},
    {"free_list", free_list_of_it, In::beyond, XG_MISUSE, XG_REPORT_LIST_BROKEN},
    {"free_sequence", free_sequence_of_it, In::free, XG_MISUSE, XG_REPORT_FREE_OF_FREE},
    {"free_sequence", free_sequence_of_it, In::cached, XG_MISUSE, XG_REPORT_FREE_OF_FREE},
    {"free_sequence", free_sequence_of_it, In::listed, XG_MISUSE, XG_REPORT_FREE_OF_FREE},
    {"free_sequence", free_sequence_of_it, In::granted, XG_MISUSE, XG_REPORT_FREE_OF_GRANTED},
    {"free_sequence", free_sequence_of_it, In::deferred, XG_MISUSE, XG_REPORT_FREE_OF_DEFERRED},
    {"free_sequence", free_sequence_of_it, In::unleased, XG_NOT_LEASED, none},
    {"free_sequence", free_sequence_of_it, In::beyond, XG_NOT_LEASED, none},
    {"end_notify", end_notify_it, In::free, XG_MISUSE, XG_REPORT_END_UNCLAIMED},
    {"end_notify", end_notify_it, In::cached, XG_MISUSE, XG_REPORT_END_UNCLAIMED},
    {"end_notify", end_notify_it, In::listed, XG_MISUSE, XG_REPORT_END_UNCLAIMED},
    {"end_notify", end_notify_it, In::deferred, XG_MISUSE, XG_REPORT_END_UNCLAIMED},
    {"end_notify", end_notify_it, In::unleased, XG_NOT_LEASED, none},
    {"end_notify", end_notify_it, In::beyond, XG_NOT_LEASED, none},
    {"end_batch", end_batch_it, In::free, 0, XG_REPORT_END_UNCLAIMED},
    {"end_batch", end_batch_it, In::cached, 0, XG_REPORT_END_UNCLAIMED},
    {"end_batch", end_batch_it, In::listed, 0, XG_REPORT_END_UNCLAIMED},
    {"end_batch", end_batch_it, In::deferred, 0, XG_REPORT_END_UNCLAIMED},
    {"end_batch", end_batch_it, In::unleased, 1, none},
    {"end_batch", end_batch_it, In::beyond, 1, none},
};

} // namespace

class Misuse : public WorldTest
{
protected:
	uint32_t list = XG_NO_REF;
	uint32_t in_state[9] = {};
	Page *pages[3] = {};

	uint32_t &at(In state) { return in_state[static_cast<int>(state)]; }

	// One reference in each state.
	void SetUp() override
	{
		start();
		list = alloc_list(40);
		at(In::listed) = list;
		uint32_t to_free = alloc_list(2);
		at(In::free) = to_free;
		at(In::claimed) = alloc();
		for (In state : {In::granted, In::busy, In::deferred}) {
			auto [ref, page] = granted();
			at(state) = ref;
			if (state != In::granted)
				EXPECT_TRUE(w->xen.map(ref, backend, false));
			if (state == In::deferred)
				EXPECT_EQ(w->end_and_put(ref, page), 0);
			pages[static_cast<int>(state) - static_cast<int>(In::granted)] = page;
		}
		at(In::cached) = alloc();
		EXPECT_EQ(w->free(at(In::cached)), 0);
		free_list(to_free);
		at(In::unleased) = w->config.table_refs - 1;
		at(In::beyond) = w->config.table_refs + 17;
	}
	void TearDown() override
	{
		free_list(list);
		EXPECT_EQ(w->free(at(In::claimed)), 0);
		EXPECT_EQ(w->end_and_put(at(In::granted), pages[0]), 0);
		EXPECT_TRUE(w->xen.unmap(at(In::busy), backend, false));
		EXPECT_EQ(w->end_and_put(at(In::busy), pages[1]), 0);
		EXPECT_TRUE(w->xen.unmap(at(In::deferred), backend, false));
		w->clock.advance(3000);
		EXPECT_EQ(pages[2]->owners, 0);
		WorldTest::TearDown();
	}
};

TEST_F(Misuse, EachWrongCallIsRefusedReportedOnceAndHarmless)
{
	for (const WrongCall &wrong : wrong_calls) {
		uint32_t ref = at(wrong.state);
		SCOPED_TRACE(std::string(wrong.what) + " of one that is " + name(wrong.state));
		xg_stats before = w->stats();
		EXPECT_EQ(wrong.call(ref), wrong.result);
		xg_stats after = w->stats();
		if (wrong.report == none)
			EXPECT_EQ(w->log.take().size(), 0u);
		else
			expect_report(static_cast<enum xg_report>(wrong.report), ref, culprit);
		EXPECT_EQ(after.misuse_total - before.misuse_total, wrong.report == none ? 0u : 1u);
		after.misuse_total = before.misuse_total;
		EXPECT_EQ(memcmp(&before, &after, sizeof(after)), 0) << "something else changed";
		EXPECT_EQ(w->check(), "");
	}
}

TEST_F(Misuse, CountsAtTheirLimits)
{
	uint32_t head = 77;
	uint32_t first = 77;
	EXPECT_EQ(xg_alloc_list(w->pool(), 0, &head), XG_OK);
	EXPECT_EQ(head, XG_NO_REF) << "a list of none";
	head = 77;
	for (uint32_t count : {w->config.table_refs, 1u << 31, ~0u}) {
		EXPECT_EQ(xg_alloc_list(w->pool(), count, &head), XG_NO_SPACE);
		EXPECT_EQ(xg_alloc_seq(w->pool(), count, &first), XG_NO_SPACE);
	}
	EXPECT_EQ(xg_alloc_seq(w->pool(), 0, &first), XG_INVALID);
	EXPECT_EQ(head, 77u);
	EXPECT_EQ(first, 77u);
	EXPECT_EQ(xg_grant_batch(w->pool(), backend, nullptr, 0, false, nullptr, culprit), XG_OK);
	EXPECT_EQ(xg_end_batch(nullptr, nullptr, 0, culprit), 0u);
	uint32_t none_left = 0;
	EXPECT_EQ(xg_free_seq(&first, &none_left, culprit), XG_OK);
	head = XG_NO_REF;
	EXPECT_EQ(xg_free_list(&head, culprit), XG_OK);
	EXPECT_EQ(w->log.size(), 0u) << "none of these is worth a line";
}

TEST_F(Misuse, WhatWasNeverQueuedCanBeCancelled)
{
	xg_free_callback callback{};
	xg_cancel_callback(&callback);
	xg_cancel_callback(&callback);
	xg_end_notice notice{};
	for (uint32_t ref : in_state) {
		notice.ref = ref;
		xg_cancel_notice(&notice);
	}
	EXPECT_EQ(w->stats().deferred, 1u);
	EXPECT_EQ(w->check(), "");
}

// What is not leased is the kernel's to refuse, whatever list it is to go on.
TEST_F(Misuse, AReferenceThatTheKernelHasFreeIsNotReleased)
{
	for (uint32_t onto : {list, XG_NO_REF}) {
		uint32_t head = onto;
		EXPECT_EQ(xg_release(&head, at(In::unleased), culprit), XG_MISUSE);
		EXPECT_EQ(head, onto);
	}
}

TEST_F(Misuse, ReservedReferencesAreNotOurs)
{
	for (uint32_t ref : {0u, 7u, 0x7fffffffu, XG_NO_REF}) {
		EXPECT_EQ(free_it(ref), XG_NOT_LEASED);
		EXPECT_EQ(grant_it(ref), XG_NOT_LEASED);
		EXPECT_EQ(end_it(ref), XG_NOT_LEASED);
		EXPECT_EQ(try_end_it(ref), XG_NOT_LEASED);
		EXPECT_FALSE(xg_is_leased(ref));
	}
}

using MisuseOfLists = WorldTest;

TEST_F(MisuseOfLists, InnerMembersAreNotAnybodysElse)
{
	// All references there are form one list, handed out as runs.
	start_with(40);
	uint32_t head = alloc_list(40);
	for (uint32_t ref = Kernel::first_ref; ref < w->config.table_refs; ref++) {
		if (ref == head)
			continue;
		// Inner members look free, heads of runs look listed: refused either way.
		EXPECT_EQ(free_it(ref), XG_MISUSE);
		EXPECT_EQ(release_it(ref), XG_MISUSE);
		EXPECT_EQ(grant_it(ref), XG_MISUSE);
		EXPECT_EQ(end_it(ref), XG_MISUSE);
		EXPECT_EQ(free_sequence_of_it(ref), XG_MISUSE);
		EXPECT_EQ(w->log.take().size(), 5u);
	}
	EXPECT_EQ(w->check(), "");
	std::vector<uint32_t> refs = claim_all(head);
	EXPECT_EQ(refs.size(), 40u) << "the list is whole";
	free_all(refs);
}

TEST_F(Misuse, AListFreedTwiceIsFreedOnce)
{
	uint32_t head = alloc_list(40);
	uint32_t again = head;
	free_list(head);
	EXPECT_EQ(xg_free_list(&again, culprit), XG_MISUSE);
	expect_report(XG_REPORT_LIST_BROKEN, again, culprit);
	EXPECT_EQ(w->check(), "");
}

TEST_F(Misuse, AListWithACycleEnds)
{
	uint32_t head = alloc_list(3);
	uint32_t stale = head;
	uint32_t ref = static_cast<uint32_t>(xg_claim(&head, 1));
	EXPECT_EQ(xg_release(&stale, ref, 1), 0); // now it points to itself
	EXPECT_EQ(xg_free_list(&stale, culprit), XG_MISUSE);
	expect_report(XG_REPORT_LIST_BROKEN, ref, culprit);
	EXPECT_EQ(w->check(), "");
	free_list(head);
}

TEST_F(Misuse, AStaleHeadClaimsNothing)
{
	uint32_t head = alloc_list(10);
	uint32_t stale = head;
	int64_t ref = xg_claim(&head, 1);
	EXPECT_EQ(xg_claim(&stale, culprit), XG_NO_SPACE);
	expect_report(XG_REPORT_CLAIM_BAD_LIST, static_cast<uint32_t>(ref), culprit);
	EXPECT_EQ(xg_release(&head, static_cast<uint32_t>(ref), 1), 0);
	EXPECT_EQ(xg_release(&head, static_cast<uint32_t>(ref), culprit), XG_MISUSE);
	expect_report(XG_REPORT_RELEASE_UNCLAIMED, static_cast<uint32_t>(ref), culprit);
	free_list(head);
}

TEST_F(Misuse, ASequenceWithWrongMembersFreesTheOthers)
{
	uint32_t first = alloc_sequence(100);
	EXPECT_EQ(w->free(first + 10), 0);
	EXPECT_EQ(xg_grant(first + 50, backend, 0x10003, false, 1), 0);
	uint32_t next = first;
	uint32_t left = 100;
	uint64_t claimed_before = w->stats().claimed;
	EXPECT_EQ(xg_free_seq(&next, &left, culprit), XG_MISUSE);
	EXPECT_EQ(left, 0u);
	EXPECT_EQ(w->stats().claimed, claimed_before - 98);
	std::vector<Report> reports = w->log.take();
	ASSERT_EQ(reports.size(), 2u);
	EXPECT_EQ(reports[0].what, XG_REPORT_FREE_OF_FREE);
	EXPECT_EQ(reports[0].ref, first + 10);
	EXPECT_EQ(reports[1].what, XG_REPORT_FREE_OF_GRANTED);
	EXPECT_EQ(reports[1].ref, first + 50);
	EXPECT_EQ(w->check(), "");
	EXPECT_EQ(w->try_end(first + 50), 1);
}

TEST_F(MisuseOfLists, ASequenceWithTheWrongCountStopsAtTheTablesEnd)
{
	start_with(100);
	uint32_t first = alloc_sequence(60);
	uint32_t left = 0xffffffff;
	EXPECT_EQ(xg_free_seq(&first, &left, culprit), XG_NOT_LEASED);
	EXPECT_LE(first, w->config.table_refs);
	w->log.take();
	EXPECT_EQ(w->stats().claimed, 0u);
}

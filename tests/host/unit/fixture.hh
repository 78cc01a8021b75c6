// SPDX-License-Identifier: GPL-2.0
//
// What the unit tests share: a world per test, its checks at the end, and words for what they do.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <vector>

#include "sim/world.hh"

namespace sim
{

inline constexpr uint16_t backend = 7;

// Every reference that a list hands out, claimed one after the other.
inline std::vector<uint32_t> claim_all(uint32_t head)
{
	std::vector<uint32_t> refs;
	for (;;) {
		int64_t ref = xg_claim(&head, 1);
		if (ref < 0) {
			EXPECT_EQ(ref, XG_NO_SPACE);
			EXPECT_EQ(head, XG_NO_REF);
			return refs;
		}
		refs.push_back(static_cast<uint32_t>(ref));
	}
}

class WorldTest : public testing::Test
{
protected:
	std::unique_ptr<World> w;

	void start(const Config &config = {})
	{
		w.reset();
		w = std::make_unique<World>(config);
		ASSERT_EQ(w->start(), XG_OK);
	}
	// A world whose kernel has exactly `refs` references to lend, one by one if need be.
	void start_with(uint32_t refs, uint32_t lease_step = 32, uint32_t spare = 256)
	{
		Config config;
		config.table_refs = refs + Kernel::first_ref;
		config.lease_step = lease_step;
		config.spare_limit = spare;
		start(config);
	}
	void SetUp() override { start(); }
	void TearDown() override
	{
		if (!w)
			return;
		EXPECT_EQ(w->check(), "");
		for (const Report &report : w->log.take())
			ADD_FAILURE() << "a report nobody expected: " << report.what
				      << " on reference " << report.ref;
		w->stop();
		EXPECT_EQ(w->verdict.first(), "");
		EXPECT_EQ(w->kernel.leased(), 0u);
		EXPECT_EQ(w->log.size(), 0u) << "something was still held at the end";
	}

	uint32_t alloc()
	{
		int64_t ref = w->alloc();
		EXPECT_GE(ref, Kernel::first_ref);
		return static_cast<uint32_t>(ref);
	}
	std::vector<uint32_t> alloc_many(size_t count)
	{
		std::vector<uint32_t> refs;
		while (refs.size() < count)
			refs.push_back(alloc());
		return refs;
	}
	void free_all(const std::vector<uint32_t> &refs)
	{
		for (uint32_t ref : refs)
			EXPECT_EQ(w->free(ref), 0);
	}
	uint32_t alloc_list(uint32_t count)
	{
		uint32_t head = 0;
		EXPECT_EQ(xg_alloc_list(w->pool(), count, &head), 0);
		return head;
	}
	void free_list(uint32_t head)
	{
		EXPECT_EQ(xg_free_list(&head, 1), 0);
		EXPECT_EQ(head, XG_NO_REF);
	}
	uint32_t alloc_sequence(uint32_t count)
	{
		uint32_t first = 0;
		EXPECT_EQ(xg_alloc_seq(w->pool(), count, &first), 0);
		return first;
	}
	void free_sequence(uint32_t first, uint32_t count)
	{
		uint32_t at = first;
		uint32_t left = count;
		EXPECT_EQ(xg_free_seq(&at, &left, 1), 0);
		EXPECT_EQ(left, 0u);
		EXPECT_EQ(at, first + count);
	}
	// A granted reference on a page of its own.
	std::pair<uint32_t, Page *> granted(bool readonly = false)
	{
		Page *page = w->pages.alloc();
		EXPECT_NE(page, nullptr);
		int64_t ref = w->grant_new(backend, page, readonly);
		EXPECT_GE(ref, 0);
		return {static_cast<uint32_t>(ref), page};
	}
	// The one report since the last look.
	void expect_report(enum xg_report what, uint32_t ref, unsigned long caller)
	{
		std::vector<Report> reports = w->log.take();
		ASSERT_EQ(reports.size(), 1u);
		EXPECT_EQ(reports[0].what, what);
		EXPECT_EQ(reports[0].ref, ref);
		EXPECT_EQ(reports[0].caller, caller);
	}
};

// A driver's callback that notes when it runs, and checks that nobody calls it when it must not.
struct Waiter {
	xg_free_callback callback{};
	int calls = 0;
	std::vector<Waiter *> *order = nullptr;
	std::function<void()> then;

	Waiter() = default;
	Waiter(const Waiter &) = delete;
	Waiter &operator=(const Waiter &) = delete;
	~Waiter()
	{
		if (world().running())
			cancel();
	}
	static void run(void *arg)
	{
		auto *waiter = static_cast<Waiter *>(arg);
		EXPECT_EQ(waiter->callback.next, nullptr);
		waiter->calls++;
		if (waiter->order)
			waiter->order->push_back(waiter);
		if (waiter->then)
			waiter->then();
	}
	void request(uint16_t count)
	{
		xg_request_callback(xg_default_pool(), &callback, run, this, count);
	}
	void cancel() { xg_cancel_callback(&callback); }
};

} // namespace sim

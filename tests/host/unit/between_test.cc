// SPDX-License-Identifier: GPL-2.0
//
// What another CPU, or an interrupt, does between two holds of a lock: each test is repeated with
// that at every lock that the operation takes.
#include "fixture.hh"

using namespace sim;

namespace
{

constexpr unsigned other_cpu = 3;

} // namespace

class Between : public WorldTest
{
protected:
	// Calls `operation` with `meddle` before its first lock, its second, and so on, each time
	// in a world that `prepare` has set up, with `refs` references. `judge` looks at the end.
	void at_every_lock(uint32_t refs, unsigned cpu, const std::function<void()> &prepare,
			   const std::function<void()> &operation,
			   const std::function<void()> &meddle, const std::function<void()> &judge)
	{
		long nth = 1;
		for (;; nth++) {
			SCOPED_TRACE("before lock " + std::to_string(nth));
			start_with(refs, XG_LEASE_BATCH, 2 * refs);
			prepare();
			w->before_lock(nth, cpu, meddle);
			operation();
			bool meddled = w->meddled();
			w->before_lock(0, 0, nullptr);
			if (!meddled) {
				// As if nobody had come in: what it got is still out.
				w->stop();
				w->log.take();
				break;
			}
			judge();
			EXPECT_EQ(w->check(), "");
			if (HasFailure())
				break;
		}
		EXPECT_GT(nth, 1) << "nothing was tried";
	}
};

// A sequence of more than 4,096 is gathered in several holds of the store's lock.
TEST_F(Between, ALongSequenceGetsWholeOrNothing)
{
	for (uint32_t length : {4096u, 8300u}) {
		constexpr uint32_t refs = 8400;
		int64_t taken;
		uint32_t first;
		int result;
		int failed = 0;
		at_every_lock(
		    refs, other_cpu, [&] { free_sequence(alloc_sequence(refs), refs); },
		    [&] { result = xg_alloc_seq(w->pool(), length, &first); },
		    [&] { taken = w->alloc(); },
		    [&] {
			    ASSERT_GE(taken, 0) << "enough was free";
			    failed += result != XG_OK;
			    if (result == XG_OK) {
				    EXPECT_TRUE(taken < first || taken >= first + length);
				    EXPECT_EQ(w->stats().claimed, length + 1);
				    free_sequence(first, length);
			    } else {
				    EXPECT_EQ(result, XG_NO_SPACE);
			    }
			    EXPECT_EQ(w->free(static_cast<uint32_t>(taken)), 0);
			    EXPECT_EQ(w->stats().claimed, 0u);
		    });
		EXPECT_EQ(failed != 0, length > refs / 2) << "not taken out of its middle";
	}
}

TEST_F(Between, ALongSequenceThatFailsHasRefusedNobody)
{
	constexpr uint32_t refs = 8400;
	int64_t taken;
	uint32_t first;
	int result;
	at_every_lock(
	    refs, other_cpu, [&] { free_sequence(alloc_sequence(refs), refs); },
	    [&] { result = xg_alloc_seq(w->pool(), refs, &first); }, [&] { taken = w->alloc(); },
	    [&] {
		    EXPECT_EQ(result == XG_OK, taken == XG_NO_SPACE) << result << ", " << taken;
		    if (result == XG_OK)
			    free_sequence(first, refs);
		    else
			    EXPECT_EQ(w->free(static_cast<uint32_t>(taken)), 0);
	    });
}

TEST_F(Between, ALongSequenceThatFailsWakesWhoWaits)
{
	constexpr uint32_t refs = 8400;
	constexpr uint32_t length = 8300;
	std::unique_ptr<Waiter> waiter;
	int64_t taken;
	uint32_t first;
	int result;
	int failed = 0;
	at_every_lock(
	    refs, other_cpu,
	    [&] {
		    waiter = std::make_unique<Waiter>();
		    free_sequence(alloc_sequence(refs), refs);
	    },
	    [&] { result = xg_alloc_seq(w->pool(), length, &first); },
	    [&] {
		    taken = w->alloc();
		    waiter->request(200);
	    },
	    [&] {
		    if (result == XG_OK)
			    free_sequence(first, length);
		    else
			    failed++;
		    EXPECT_EQ(waiter->calls, 1);
		    EXPECT_EQ(w->free(static_cast<uint32_t>(taken)), 0);
		    waiter.reset();
	    });
	EXPECT_GT(failed, 0);
}

TEST_F(Between, AnInterruptOfARefillGetsAndGives)
{
	for (bool gives : {false, true}) {
		uint32_t held = 0;
		int64_t got;
		int64_t interrupts;
		at_every_lock(
		    100, 0,
		    [&] {
			    held = alloc_sequence(1);
			    free_list(alloc_list(99));
		    },
		    [&] { got = w->alloc(); },
		    [&] { interrupts = gives ? w->free(held) : w->alloc(); },
		    [&] {
			    ASSERT_GE(got, 0);
			    ASSERT_GE(interrupts, 0);
			    EXPECT_NE(got, interrupts);
			    EXPECT_EQ(w->stats().claimed, gives ? 1u : 3u);
			    EXPECT_EQ(w->free(static_cast<uint32_t>(got)), 0);
			    EXPECT_EQ(w->free(gives ? alloc() : static_cast<uint32_t>(interrupts)),
				      0);
		    });
	}
}

TEST_F(Between, AnInterruptOfAFlushGetsAndGives)
{
	for (bool gives : {false, true}) {
		std::vector<uint32_t> held;
		int64_t interrupts;
		at_every_lock(
		    300, 0,
		    [&] {
			    // As many freed as a CPU's cache holds; the next free flushes it.
			    held = alloc_many(200);
			    uint32_t room = 64 - static_cast<uint32_t>(w->stats().cached);
			    for (; room; room--) {
				    EXPECT_EQ(w->free(held.back()), 0);
				    held.pop_back();
			    }
			    EXPECT_EQ(w->stats().cached, 64u);
		    },
		    [&] { EXPECT_EQ(w->free(held[0]), 0); },
		    [&] { interrupts = gives ? w->free(held[1]) : w->alloc(); },
		    [&] {
			    ASSERT_GE(interrupts, 0);
			    EXPECT_EQ(w->stats().claimed, held.size() - (gives ? 2 : 0));
		    });
	}
}

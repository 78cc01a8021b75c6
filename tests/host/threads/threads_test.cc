// SPDX-License-Identifier: GPL-2.0
//
// Real threads, each on a CPU of its own, doing everything at once: for ThreadSanitizer, and for
// what only shows when calls overlap.
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "sim/world.hh"

using namespace sim;

namespace
{

constexpr uint16_t backend = 7;

// The host's worker: time passes and work runs.
class Worker
{
	std::atomic<bool> stop_{false};
	std::thread thread_;

public:
	Worker(World &w, unsigned cpu)
	    : thread_([this, &w, cpu] {
		      run_on(cpu);
		      while (!stop_) {
			      w.clock.tick(1);
			      w.clock.run_due();
			      std::this_thread::yield();
		      }
	      })
	{
	}
	~Worker()
	{
		stop_ = true;
		thread_.join();
	}
};

// The other domain: maps and unmaps whatever it can, at any moment.
class Peer
{
	std::atomic<bool> stop_{false};
	std::thread thread_;

public:
	explicit Peer(World &w)
	    : thread_([this, &w] {
		      std::mt19937 random(99);
		      std::vector<std::pair<uint32_t, bool>> mapped;
		      while (!stop_) {
			      uint32_t ref = static_cast<uint32_t>(random() % w.config.table_refs);
			      bool readonly = random() % 2;
			      if (w.xen.map(ref, backend, readonly))
				      mapped.emplace_back(ref, readonly);
			      w.xen.copy(ref, backend, random() % 2);
			      if (mapped.size() > 8 || (!mapped.empty() && random() % 4 == 0)) {
				      auto [victim, kind] = mapped.front();
				      mapped.erase(mapped.begin());
				      w.xen.unmap(victim, backend, kind);
				      if (random() % 3 == 0 && w.xen.map(victim, backend, kind))
					      mapped.emplace_back(victim, kind);
			      }
		      }
		      for (auto [ref, readonly] : mapped)
			      w.xen.unmap(ref, backend, readonly);
	      })
	{
	}
	~Peer()
	{
		stop_ = true;
		thread_.join();
	}
};

// Who holds each reference: two at once are one too many.
class Holders
{
	std::vector<std::atomic<int>> count_;

public:
	explicit Holders(uint32_t refs) : count_(refs) {}
	void got(int64_t ref)
	{
		if (count_[static_cast<size_t>(ref)]++)
			world().verdict.broken("reference " + std::to_string(ref) +
					       " is held twice");
	}
	void lets_go(uint32_t ref) { count_[ref]--; }
};

struct Callback {
	xg_free_callback callback{};
	std::atomic<bool> allowed{false};

	static void called(void *arg)
	{
		auto *self = static_cast<Callback *>(arg);
		if (!self->allowed)
			world().verdict.broken("a callback runs after it was cancelled");
	}
};

// One driver on one CPU.
class Driver
{
	World &w_;
	Holders &holders_;
	std::mt19937 random_;
	std::vector<uint32_t> claimed_;
	std::vector<std::pair<uint32_t, Page *>> granted_;
	Callback callback_;

	uint32_t below(uint32_t bound) { return static_cast<uint32_t>(random_() % bound); }
	void singles()
	{
		if (below(2) && claimed_.size() < 50) {
			int64_t ref = w_.alloc();
			if (ref < 0)
				return;
			holders_.got(ref);
			claimed_.push_back(static_cast<uint32_t>(ref));
		} else if (!claimed_.empty()) {
			holders_.lets_go(claimed_.back());
			EXPECT_EQ(w_.free(claimed_.back()), 0);
			claimed_.pop_back();
		}
	}
	void list()
	{
		uint32_t head = XG_NO_REF;
		if (xg_alloc_list(w_.pool(), below(60), &head))
			return;
		for (uint32_t claims = below(8); claims; claims--) {
			int64_t ref = xg_claim(&head, 1);
			if (ref < 0)
				break;
			holders_.got(ref);
			if (below(2)) {
				holders_.lets_go(static_cast<uint32_t>(ref));
				EXPECT_EQ(xg_release(&head, static_cast<uint32_t>(ref), 1), 0);
			} else {
				claimed_.push_back(static_cast<uint32_t>(ref));
			}
		}
		EXPECT_EQ(xg_free_list(&head, 1), 0);
	}
	void sequence()
	{
		uint32_t count = 1 + below(below(4) ? 12 : 120);
		uint32_t first = 0;
		if (xg_alloc_seq(w_.pool(), count, &first))
			return;
		for (uint32_t i = 0; i < count; i++)
			holders_.got(first + i);
		for (uint32_t i = 0; i < count; i++)
			holders_.lets_go(first + i);
		EXPECT_EQ(xg_free_seq(&first, &count, 1), 0);
	}
	void grant()
	{
		Page *page = granted_.size() < 20 ? w_.pages.alloc() : nullptr;
		if (!page)
			return;
		int64_t ref = w_.grant_new(backend, page, below(2));
		if (ref < 0)
			return w_.pages.put(page);
		holders_.got(ref);
		granted_.emplace_back(static_cast<uint32_t>(ref), page);
	}
	void end()
	{
		if (granted_.empty())
			return;
		auto [ref, page] = granted_.back();
		granted_.pop_back();
		holders_.lets_go(ref);
		if (below(2)) {
			EXPECT_EQ(w_.end_and_put(ref, page), 0);
			return;
		}
		int ended = w_.try_end(ref);
		EXPECT_GE(ended, 0);
		if (ended != 1)
			EXPECT_EQ(w_.end_and_put(ref, page), 0);
		else
			w_.pages.put(page);
	}
	void callback()
	{
		callback_.allowed = true;
		xg_request_callback(xg_default_pool(), &callback_.callback, Callback::called,
				    &callback_, static_cast<uint16_t>(below(100)));
		if (below(2))
			return;
		xg_cancel_callback(&callback_.callback);
		callback_.allowed = false;
	}

public:
	Driver(World &w, Holders &holders, unsigned cpu)
	    : w_(w), holders_(holders), random_(cpu + 1)
	{
		run_on(cpu);
	}
	void live(int steps)
	{
		while (steps--) {
			switch (below(16)) {
			case 0:
				list();
				break;
			case 1:
				sequence();
				break;
			case 2 ... 4:
				grant();
				break;
			case 5 ... 7:
				end();
				break;
			case 8:
				callback();
				break;
			default:
				singles();
			}
		}
		xg_cancel_callback(&callback_.callback);
		while (!granted_.empty())
			end();
		for (uint32_t ref : claimed_) {
			holders_.lets_go(ref);
			EXPECT_EQ(w_.free(ref), 0);
		}
	}
};

class Threads : public testing::TestWithParam<unsigned>
{
};

void expect_all_came_back(World &w)
{
	w.clock.advance(10000);
	EXPECT_EQ(w.check(), "");
	xg_stats stats = w.stats();
	EXPECT_EQ(stats.free + stats.cached, stats.leased);
	EXPECT_EQ(w.pages.in_use(), 0u);
	EXPECT_EQ(w.log.size(), 0u);
}

} // namespace

TEST_P(Threads, DoEverythingAtOnce)
{
	unsigned drivers = GetParam();
	Config config;
	config.table_refs = 4096;
	config.lease_limit = 400;
	config.spare_limit = 50;
	config.cpus = drivers + 1;
	World w(config);
	ASSERT_EQ(w.start(), XG_OK);
	Holders holders(config.table_refs);
	{
		Worker worker(w, drivers);
		Peer peer(w);
		std::vector<std::thread> threads;
		for (unsigned cpu = 0; cpu < drivers; cpu++)
			threads.emplace_back([&, cpu] {
				Driver(w, holders, cpu).live(200000 / static_cast<int>(drivers));
			});
		for (std::thread &thread : threads)
			thread.join();
	}
	expect_all_came_back(w);
}

INSTANTIATE_TEST_SUITE_P(Drivers, Threads, testing::Values(2, 4, 8));

// Four drivers that together never want more than there is are never refused.
TEST(ThreadsAlways, DemandWithinCapacityIsMet)
{
	constexpr uint32_t share = 16;
	for (bool leased_before : {true, false}) {
		Config config;
		config.table_refs = 4 * share + Kernel::first_ref;
		World w(config);
		ASSERT_EQ(w.start(), XG_OK);
		if (leased_before) {
			uint32_t head = XG_NO_REF;
			ASSERT_EQ(xg_alloc_list(w.pool(), 4 * share, &head), 0);
			ASSERT_EQ(xg_free_list(&head, 1), 0);
		}
		std::atomic<int> refused{0};
		std::vector<std::thread> threads;
		for (unsigned cpu = 0; cpu < 4; cpu++)
			threads.emplace_back([&, cpu] {
				run_on(cpu);
				std::mt19937 random(cpu);
				for (int i = 0; i < 3000; i++) {
					uint32_t refs[share];
					uint32_t held = 0;
					uint32_t singles = random() % (share + 1);
					for (; held < singles; held++) {
						int64_t ref = w.alloc();
						if (ref < 0)
							break;
						refs[held] = static_cast<uint32_t>(ref);
					}
					uint32_t head = XG_NO_REF;
					if (held < singles ||
					    xg_alloc_list(w.pool(), share - singles, &head))
						refused++;
					EXPECT_EQ(xg_free_list(&head, 1), 0);
					while (held)
						EXPECT_EQ(w.free(refs[--held]), 0);
				}
			});
		for (std::thread &thread : threads)
			thread.join();
		EXPECT_EQ(refused, 0)
		    << (leased_before ? "all was leased" : "the lease grew meanwhile");
		w.clock.advance(10000);
		EXPECT_EQ(w.check(), "");
	}
}

// A waiter is called when others free enough, although nobody frees anything afterwards.
TEST(ThreadsAlways, NoWakeUpIsLost)
{
	constexpr uint32_t refs = 96;
	Config config;
	config.table_refs = refs + Kernel::first_ref;
	World w(config);
	ASSERT_EQ(w.start(), XG_OK);
	std::mt19937 random(5);
	for (int round = 0; round < 1500; round++) {
		std::vector<uint32_t> held;
		for (int64_t ref; (ref = w.alloc()) >= 0;)
			held.push_back(static_cast<uint32_t>(ref));
		ASSERT_EQ(held.size(), refs);
		std::atomic<bool> called{false};
		xg_free_callback callback{};
		auto count = static_cast<uint16_t>(1 + random() % refs);
		unsigned pause = random() % 200;
		auto frees = [&](unsigned cpu) {
			run_on(cpu);
			for (size_t i = cpu; i < held.size(); i += 2)
				EXPECT_EQ(w.free(held[i]), 0);
			// This one may take references out of caches, and fails for a moment.
			uint32_t head = XG_NO_REF;
			(void)xg_alloc_list(w.pool(), refs - 1, &head);
			EXPECT_EQ(xg_free_list(&head, 1), 0);
		};
		std::thread a(frees, 0);
		std::thread b(frees, 1);
		run_on(2);
		for (; pause; pause--)
			std::this_thread::yield();
		xg_request_callback(
		    xg_default_pool(), &callback,
		    [](void *arg) { *static_cast<std::atomic<bool> *>(arg) = true; }, &called,
		    count);
		a.join();
		b.join();
		w.clock.run_due();
		bool was_called = called;
		xg_cancel_callback(&callback);
		ASSERT_TRUE(was_called) << "round " << round << ", for " << count;
	}
	EXPECT_EQ(w.check(), "");
}

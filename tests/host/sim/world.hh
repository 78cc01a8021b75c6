// SPDX-License-Identifier: GPL-2.0
//
// A running core on a simulated host, with the checks that judge it.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "host.hh"
#include "kernel.hh"
#include "pages.hh"
#include "xen.hh"

namespace sim
{

// 1, or what XENGNT_TABLE_VERSION in the environment says: all tests run with both.
unsigned default_table_version();

// False, or true when XENGNT_STRICT in the environment is 1: the tests of grants run with both.
bool default_strict();

struct Config {
	uint32_t table_refs = 4096; // entries that the table can grow to
	uint32_t lease_limit = 0;   // 0: as many as there are
	uint32_t lease_step = 32;
	uint32_t spare_limit = 256;
	uint32_t kernel_reserve = 0;
	bool strict = default_strict();
	unsigned cpus = 4;
	size_t pages = 1024;
	unsigned table_version = default_table_version();
};

class World
{
	bool running_ = false;
	std::function<void()> meddle_;
	long meddle_in_ = 0;
	unsigned meddle_cpu_ = 0;
	std::atomic<uint64_t> locks_taken_{0};

public:
	// A broken rule has been reported: the end of this world need not be clean.
	bool excused = false;
	// Two wrong callers met on one reference, and nothing is strict: it may be freed and
	// granted at once, so what was allocated and freed need not add up.
	bool wrong_callers_raced = false;
	const Config config;
	Verdict verdict;
	Log log;
	// By xg_trace, the last one: the reference above the domain.
	std::atomic<uint64_t> last_trace[2]{};
	Faults faults;
	Memory memory;
	Clock clock{verdict};
	Xen xen;
	Pages pages;
	Kernel kernel;

	// Does not start the core yet.
	explicit World(const Config &wanted);
	// Stops the core if it runs. Nothing may be left behind.
	~World();
	World(const World &) = delete;
	World &operator=(const World &) = delete;

	// Has `what` done when the core takes a lock for the nth time from now on, before it has
	// it: what another CPU could do there, or an interrupt of the same one. For tests with one
	// thread.
	void before_lock(long nth, unsigned cpu, std::function<void()> what);
	// Whether that has happened.
	bool meddled() const { return meddle_in_ <= 0; }
	void lock_is_wanted();
	// How often the core has taken a lock.
	uint64_t locks_taken() const { return locks_taken_; }

	int start();
	void stop();
	bool running() const { return running_; }
	xg_pool *pool() const { return xg_default_pool(); }

	// All checks of the world; empty when all is well. Nothing else may run meanwhile.
	std::string check();
	// The part of it that does not look at every reference.
	std::string check_quickly();
	xg_stats stats() const;

	// What a driver does.
	int64_t alloc();
	int free(uint32_t ref, unsigned long caller = 1);
	int grant(uint32_t ref, uint16_t domid, Page *page, bool readonly = false,
		  unsigned long caller = 1);
	int64_t grant_new(uint16_t domid, Page *page, bool readonly = false,
			  unsigned long caller = 1);
	int end(uint32_t ref, unsigned long caller = 1);
	int try_end(uint32_t ref, unsigned long caller = 1);
	// 0: done or deferred.
	int end_and_put(uint32_t ref, Page *page, unsigned long caller = 1);
};

// The one that the port works on.
World &world();

} // namespace sim

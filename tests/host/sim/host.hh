// SPDX-License-Identifier: GPL-2.0
//
// The parts of a simulated host that are not Xen: who runs where, the clock and its work items, the
// log, memory, and the knob that makes calls fail.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "core/core.h"

namespace sim
{

// One flow of execution: a thread, a fiber, or an interrupt of one. The core asks for its CPU.
struct Context {
	unsigned cpu = 0;
	int pinned = 0;
	int locks = 0;     // of the core
	int in_kernel = 0; // the simulated kernel's lock is held
	int in_call = 0;   // a driver's callback runs
	int irqs_off = 0;  // without a lock of the core
};

// The flow that runs on this thread. Every thread has one of its own; set_context() lends another.
Context &context();
Context *set_context(Context *other);
void run_on(unsigned cpu);

// A lock of the simulated kernel: nobody else comes in while it is held.
class KernelLock
{
	std::lock_guard<std::mutex> guard_;

public:
	explicit KernelLock(std::mutex &mutex) : guard_(mutex) { context().in_kernel++; }
	KernelLock(const KernelLock &) = delete;
	KernelLock &operator=(const KernelLock &) = delete;
	~KernelLock() { context().in_kernel--; }
};

// The first rule that was seen broken. Every test ends by looking here.
class Verdict
{
	std::mutex mutex_;
	std::string first_;

public:
	void broken(const std::string &rule);
	std::string first();
};

struct Report {
	enum xg_report what;
	uint32_t ref;
	uint16_t domid;
	unsigned long caller;
};

class Log
{
	std::mutex mutex_;
	std::vector<Report> reports_;

public:
	void add(const Report &report);
	// What was logged since the last take.
	std::vector<Report> take();
	size_t size();
};

// The calls of the port that may fail.
enum class Call : unsigned { page_alloc, alloc, lease, table_frame, page_of_frame };
inline constexpr unsigned any_call = ~0u;
inline constexpr unsigned only(Call call)
{
	return 1u << static_cast<unsigned>(call);
}

class Faults
{
	std::atomic<long> countdown_{0};
	std::atomic<unsigned> calls_{any_call};
	std::atomic<bool> forever_{false};
	std::atomic<long> seen_{0};

public:
	// The nth of these calls from now on fails (1: the next one), all later ones too if
	// `forever`.
	void fail(long nth, unsigned calls = any_call, bool forever = false);
	void none() { fail(0); }
	bool due(Call call);
	// How many calls that may fail were made.
	long seen() const { return seen_; }
};

class Clock
{
	static constexpr uint64_t never = ~uint64_t{0};

	std::atomic<uint64_t> now_ms_{1000};
	std::atomic<uint64_t> due_ms_[XG_WORKS];
	std::mutex running_[XG_WORKS];
	std::atomic<uint64_t> runs_{0};
	Verdict &verdict_;

public:
	explicit Clock(Verdict &verdict);
	uint64_t now_ms() const { return now_ms_; }
	void schedule(enum xg_work work, unsigned delay_ms);
	bool scheduled(enum xg_work work) const { return due_ms_[work] != never; }
	void cancel_all();
	// Runs what is due now; how many items that were.
	unsigned run_due();
	// Time passes, and work runs when it is due.
	void advance(uint64_t ms);
	// Only the clock moves.
	void tick(uint64_t ms) { now_ms_ += ms; }
	uint64_t runs() const { return runs_; }
};

// Memory handed to the core: all of it must come back.
class Memory
{
	std::atomic<long> pages_{0};
	std::atomic<long> blocks_{0};

public:
	void *page();
	void free_page(void *page);
	void *block(size_t bytes);
	void free_block(void *block);
	long outstanding() const { return pages_ + blocks_; }
	long pages() const { return pages_; }
};

} // namespace sim

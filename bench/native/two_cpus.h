// SPDX-License-Identifier: GPL-2.0
//
// Two threads that work at the same time, really: a round in which the machine gave one of their
// processors to another program, or in which they hardly overlapped, says nothing and is repeated.
#pragma once

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include "lock.h"

class TwoCpus
{
	static constexpr int most_attempts = 300;

	using Clock = std::chrono::steady_clock;
	struct Lap {
		Clock::time_point start, end;
		bool disturbed;
	};

	std::atomic<unsigned> round_{0}, ready_{0}, done_{0};
	std::atomic<bool> stop_{false};
	Lap other_;

	// The calling thread stays on this one of the processors it may use.
	static void settle(int which)
	{
		cpu_set_t all, one;
		sched_getaffinity(0, sizeof(all), &all);
		CPU_ZERO(&one);
		for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
			if (CPU_ISSET(cpu, &all) && !which--)
				CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
	}

	static long switches()
	{
		rusage usage;
		getrusage(RUSAGE_THREAD, &usage);
		return usage.ru_nivcsw;
	}

	template <class Work> Lap lap(unsigned round, Work work)
	{
		Lap lap;
		ready_++;
		while (ready_ < 2 * round)
			__builtin_ia32_pause();
		long before = switches();
		lap.start = Clock::now();
		work();
		lap.end = Clock::now();
		lap.disturbed = switches() != before;
		return lap;
	}

public:
	// Seconds that both took together, `work` being done by each. Negative: never undisturbed.
	template <class Work> double run(Work work)
	{
		double seconds = -1;
		cpu_set_t before;
		sched_getaffinity(0, sizeof(before), &before);
		std::thread other([&] {
			bench_cpu = 1;
			settle(1);
			for (unsigned round = 1;; round++) {
				while (round_ < round && !stop_)
					std::this_thread::yield();
				if (stop_)
					return;
				other_ = lap(round, work);
				done_ = round;
			}
		});
		settle(0);
		for (unsigned round = 1; round <= most_attempts; round++) {
			round_ = round;
			Lap mine = lap(round, work);
			while (done_ < round)
				__builtin_ia32_pause();
			auto all =
			    std::max(mine.end, other_.end) - std::min(mine.start, other_.start);
			auto both =
			    std::min(mine.end, other_.end) - std::max(mine.start, other_.start);
			if (mine.disturbed || other_.disturbed || both < all * 4 / 5)
				continue;
			seconds = std::chrono::duration<double>(all).count();
			break;
		}
		stop_ = true;
		other.join();
		sched_setaffinity(0, sizeof(before), &before);
		return seconds;
	}
};

// What one of the threads hands to the other: references, a batch at a time, so that the queue
// costs little beside what is measured.
class HandOver
{
public:
	static constexpr unsigned batch = 32;

private:
	static constexpr unsigned room = 8; // batches
	uint32_t slots_[room][batch];
	alignas(64) std::atomic<unsigned> put_{0};
	alignas(64) std::atomic<unsigned> taken_{0};

public:
	void put(const uint32_t (&refs)[batch])
	{
		unsigned at = put_.load(std::memory_order_relaxed);
		while (at - taken_.load(std::memory_order_acquire) == room)
			__builtin_ia32_pause();
		std::copy(refs, refs + batch, slots_[at % room]);
		put_.store(at + 1, std::memory_order_release);
	}
	void take(uint32_t (&refs)[batch])
	{
		unsigned at = taken_.load(std::memory_order_relaxed);
		while (put_.load(std::memory_order_acquire) == at)
			__builtin_ia32_pause();
		std::copy(slots_[at % room], slots_[at % room] + batch, refs);
		taken_.store(at + 1, std::memory_order_release);
	}
};

// SPDX-License-Identifier: GPL-2.0
//
// A driver, its backend and the rest of the system, led by a list of numbers: what random tests and
// fuzzers feed. The same numbers always do the same.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sim/world.hh"

namespace sim
{

struct Step {
	uint32_t what;
	uint32_t which;
	uint32_t amount;
};

// Takes one out of many; the order of the others does not matter.
template <class T> T take(std::vector<T> &from, uint32_t which)
{
	size_t at = which % from.size();
	T taken = from[at];
	from[at] = from.back();
	from.pop_back();
	return taken;
}

// A small world, different for each seed: exhaustion is to be met often.
Config random_config(uint64_t seed);

class Driver
{
	struct Granted {
		Page *page;
		uint16_t domid;
	};
	struct List {
		uint32_t head;
		uint32_t count;
	};
	struct Sequence {
		uint32_t first;
		uint32_t count;
	};
	struct Mapping {
		uint32_t ref;
		uint16_t domid;
		bool readonly;
	};
	struct Waiter {
		xg_free_callback callback{};
		uint16_t count = 0;
		bool waiting = false;
		bool again = false;
		Driver *driver = nullptr;
	};

	World w_;
	std::string broken_;
	std::vector<uint32_t> claimed_;
	std::vector<uint32_t> granted_;
	std::map<uint32_t, Granted> grants_;
	std::vector<List> lists_;
	std::vector<Sequence> sequences_;
	std::vector<Mapping> mappings_;
	std::vector<bool> ours_; // by reference: claimed or granted here
	Waiter waiters_[4];
	bool faulty_ = false; // a call was made to fail since the last rest

	void expect(bool holds, const char *rule);
	void got(int64_t ref);
	void lost(uint32_t ref) { ours_[ref] = false; }
	uint64_t obtainable();
	void refused(int64_t result, uint64_t count);

	void alloc_one();
	void free_one(uint32_t which);
	void alloc_list(uint32_t amount);
	void free_list(uint32_t which);
	void claim(uint32_t which);
	void release(uint32_t which, uint32_t amount);
	void alloc_sequence(uint32_t amount);
	void free_sequence(uint32_t which);
	void grant(uint32_t which, uint32_t amount);
	void grant_new(uint32_t amount);
	void end(uint32_t which, uint32_t how);
	void map(uint32_t which, uint32_t amount);
	void unmap(uint32_t which);
	void misuse(uint32_t which, uint32_t how);
	void wait(uint32_t which, uint32_t amount);
	void kernel(uint32_t how, uint32_t amount);
	void rest(uint32_t amount);
	static void called(void *arg);

public:
	explicit Driver(const Config &config);
	~Driver();

	void run(const Step &step);
	// Ends and frees all it has; with `keep_maps` the backend keeps what it has mapped.
	void finish(bool keep_maps);
	// The first rule seen broken, or nothing.
	std::string broken() const { return broken_; }
	void check(bool everything);
};

} // namespace sim

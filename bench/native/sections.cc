// SPDX-License-Identifier: GPL-2.0
//
// The longest section under a lock, in instructions: random operations on a fragmented table, the
// same on both sides. Prints one JSON object. Usage: sections [operations [seed]]
#include <cstdio>

#include "../../src/core/core.h"
#include "count.h"
#include "port_native.h"
#include "workloads.h"

namespace
{

// What a driver may hold, so that frees meet what allocations left behind.
struct Held {
	std::vector<uint32_t> ones, granted, lists;
	std::vector<std::pair<uint32_t, unsigned>> sequences;
};

template <class Item> Item take_any(std::vector<Item> &items, uint32_t random)
{
	std::swap(items[random % items.size()], items.back());
	Item item = items.back();
	items.pop_back();
	return item;
}

template <class Side> class Life
{
	Held held_;
	std::mt19937 random_;
	uint64_t refused_ = 0;

	// Most are small; one in 16 is up to 16 times as large.
	unsigned size(unsigned most)
	{
		uint32_t random = random_();
		return 1 + random % (random >> 28 ? most : 16 * most);
	}

	void list()
	{
		uint32_t head;
		if (Side::alloc_list(static_cast<uint16_t>(size(64)), &head)) {
			refused_++;
			return;
		}
		// Turned around now and then, as rings do.
		if (random_() % 2) {
			uint32_t turned = list_end;
			for (int ref; (ref = Side::claim(&head)) >= 0;)
				Side::release(&turned, static_cast<uint32_t>(ref));
			head = turned;
		}
		held_.lists.push_back(head);
	}

	void allocate(unsigned what)
	{
		uint32_t ref;
		if (what < 7) {
			if (Side::alloc_seq(1, &ref))
				refused_++;
			else
				held_.ones.push_back(ref);
		} else if (what < 11) {
			int granted = Side::grant(1, 0x1234);
			if (granted < 0)
				refused_++;
			else
				held_.granted.push_back(static_cast<uint32_t>(granted));
		} else if (what < 15) {
			list();
		} else {
			unsigned count = size(16) + 1;
			if (Side::alloc_seq(count, &ref))
				refused_++;
			else
				held_.sequences.push_back({ref, count});
		}
	}

	void free(unsigned what, uint32_t which)
	{
		if (what < 7) {
			if (!held_.ones.empty())
				Side::free_one(take_any(held_.ones, which));
		} else if (what < 11) {
			if (!held_.granted.empty())
				must(Side::try_end(take_any(held_.granted, which)) == 1);
		} else if (what < 15) {
			if (!held_.lists.empty())
				Side::free_list(take_any(held_.lists, which));
		} else if (!held_.sequences.empty()) {
			auto [first, count] = take_any(held_.sequences, which);
			Side::free_seq(first, count);
		}
	}

public:
	explicit Life(uint32_t seed) : random_(seed) {}

	void step()
	{
		uint32_t random = random_();
		uint32_t which = random_();
		if (random & 16)
			allocate(random % 16);
		else
			free(random % 16, which);
	}
	uint64_t refused() const { return refused_; }
};

template <class Side> void run(unsigned operations, uint32_t seed, const char *end)
{
	spread<Side>(fragmented_frames, 0.5);
	Life<Side> life(seed);
	count_start();
	for (unsigned i = 0; i < operations; i++) {
		life.step();
		// The worker of the lease, far more often than it comes in a kernel.
		if (i % 1024 == 0 && Side::leases)
			xg_lease_work();
	}
	count_result counted = count_read();
	printf("\"%s\": {\"longest\": %lu, \"sections\": %lu, \"in_sections\": %lu, "
	       "\"instructions\": %lu, \"refused\": %lu}%s",
	       Side::name, counted.longest, counted.sections, counted.in_sections,
	       counted.instructions, life.refused(), end);
}

} // namespace

int main(int argc, char **argv)
{
	auto operations = static_cast<unsigned>(argc > 1 ? atoi(argv[1]) : 1000000);
	auto seed = static_cast<uint32_t>(argc > 2 ? atoi(argv[2]) : 1);
	printf("{\"operations\": %u, \"seed\": %u, ", operations, seed);
	run<Stock>(operations, seed, ", ");
	run<Xengnt>(operations, seed, "}\n");
	// Not by returning: the caller of main() expects its %r15 back.
	exit(0);
}

// SPDX-License-Identifier: GPL-2.0
//
// The sweep: every operation of the core against everything that can come in between two of its
// steps. Here are the operations, each as one driver does it.
#pragma once

#include <vector>

#include "waiting.hh"

namespace sim
{

// One driver, and what it holds.
struct Party {
	static constexpr int most_grants = 3;

	xg_pool *pool = nullptr;    // of its own, if it has one
	std::vector<uint32_t> refs; // claimed
	uint32_t list = XG_NO_REF;  // private
	uint32_t sequence = 0;      // the first of `in_sequence`
	uint32_t in_sequence = 0;
	uint32_t granted[most_grants]{}; // with their pages, while there is one
	Page *pages[most_grants]{};
	xg_end_notice notice{};
	int told = 0;
	Waiting waiting;
	xg_free_callback callback{}; // of a driver that takes what it is called for
	World *world = nullptr;
	bool refused = false; // an allocation failed that its world has enough for
	std::string broken;   // what it saw that must not be
};

struct Operation {
	const char *name;
	// References that it holds at any moment, at most.
	uint32_t most;
	// May be done with interrupts off.
	bool in_interrupts;
	// Sets up what it needs, alone; does it, while others do theirs; gives back the rest,
	// alone.
	void (*prepare)(World &, Party &);
	void (*run)(World &, Party &);
	void (*finish)(World &, Party &);
};

const std::vector<Operation> &operations();

// What every operation ends with: nothing is left in the party's hands.
void give_all_back(World &w, Party &party);

} // namespace sim

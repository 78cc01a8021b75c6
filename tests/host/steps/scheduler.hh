// SPDX-License-Identifier: GPL-2.0
//
// Runs a few short operations on as many simulated CPUs through every interleaving of their atomic
// steps, up to a number of preemptions: depth first, each schedule from the start on a fresh world.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sim/world.hh"

namespace sim
{

struct Task {
	unsigned cpu;
	std::function<void()> run;
	// The task that this one interrupts: it runs on the same CPU, while that one's interrupts
	// are on, and to its end before that one goes on. None: -1.
	int interrupts = -1;
	// As the kernel's stop_machine(): it begins while every other task is where the kernel
	// could put another one in its place, with no lock held, no interrupt off, free to move to
	// another CPU; and runs to its end alone.
	bool stops_all = false;
};

struct Scenario {
	Config config;
	// Makes the tasks for a fresh world.
	std::function<std::vector<Task>(World &)> prepare;
	// After all tasks have ended; empty when all is well.
	std::function<std::string(World &)> judge;
	// Stores stay in their CPU's buffer for as long as they may, instead of being seen at once.
	bool delay_stores = false;
};

struct Explored {
	size_t schedules = 0;
	std::string broken; // the first rule broken, with the schedule that broke it
};

// Explores until done, a rule is broken, or `most` schedules have been tried.
Explored explore(const Scenario &scenario, unsigned preemptions, size_t most = 2000000);

// A point where others may come in, for what tasks do outside the core.
void step_here();

// Has `what` done ahead of each step that the core makes outside explore(); nothing: no more.
void at_every_step(std::function<void()> what);

} // namespace sim

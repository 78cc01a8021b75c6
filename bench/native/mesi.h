// SPDX-License-Identifier: GPL-2.0
//
// Caches of many CPUs, as plain MESI keeps them coherent: caches without limit, so that a line
// leaves one only because another CPU writes to it.
#pragma once

#include <bitset>
#include <cstdint>
#include <unordered_map>

class Mesi
{
public:
	static constexpr unsigned max_cpus = 128;
	static constexpr unsigned line_size = 64;

	enum class Step {
		hit,         // nothing leaves this CPU
		from_memory, // no CPU has it
		transfer,    // another CPU sends it
		upgrade,     // this CPU has it, and tells the others to forget it
	};

	Step read(unsigned cpu, uintptr_t line)
	{
		Holders &holders = lines_[line];
		if (holders[cpu])
			return Step::hit;
		Step step = holders.any() ? Step::transfer : Step::from_memory;
		holders.set(cpu);
		return step;
	}
	// A line that one CPU alone has is exclusive or modified: writing to it tells nobody.
	Step write(unsigned cpu, uintptr_t line)
	{
		Holders &holders = lines_[line];
		bool here = holders[cpu];
		if (here && holders.count() == 1)
			return Step::hit;
		Step step = here            ? Step::upgrade
			    : holders.any() ? Step::transfer
					    : Step::from_memory;
		holders.reset();
		holders.set(cpu);
		return step;
	}
	void clear() { lines_.clear(); }

private:
	using Holders = std::bitset<max_cpus>; // several: shared; one: exclusive or modified
	std::unordered_map<uintptr_t, Holders> lines_;
};

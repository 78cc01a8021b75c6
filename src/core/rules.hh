// SPDX-License-Identifier: GPL-2.0
//
// The rules that xg_check_invariants() holds against the core's data, by number.
#pragma once

namespace xengnt
{

enum Rule : int {
	rule_run_length = 1,      // a run has 1 to run_limit members
	rule_run_members = 2,     // members of runs are free, of no pool, and not in the bitmap
	rule_run_tail = 3,        // a run ends at its tail
	rule_runs_end = 4,        // runs do not form a cycle
	rule_bits_are_free = 5,   // a bit stands for a free reference
	rule_free_count = 6,      // what is counted is there
	rule_deferred_state = 20, // what waits in a queue is deferred
	rule_deferred_tail = 21,  // a queue ends at its tail
	rule_one_state = 30,      // every leased reference is in one state
};

} // namespace xengnt

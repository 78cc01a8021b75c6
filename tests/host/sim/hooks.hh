// SPDX-License-Identifier: GPL-2.0
//
// Where a scheduler of the tests may come in. Threads use the plain ones.
#pragma once

#include <mutex>

namespace sim::hooks
{

void lock_acquire(std::mutex &mutex);
void lock_release(std::mutex &mutex);
// The same for a lock of the simulated host itself: not a point where others may come in.
void host_lock_acquire(std::mutex &mutex);
void host_lock_release(std::mutex &mutex);
void relax();

} // namespace sim::hooks

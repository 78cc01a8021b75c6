// SPDX-License-Identifier: GPL-2.0
#include <thread>

#include "hooks.hh"

namespace sim::hooks
{

void lock_acquire(std::mutex &mutex)
{
	mutex.lock();
}

void lock_release(std::mutex &mutex)
{
	mutex.unlock();
}

void host_lock_acquire(std::mutex &mutex)
{
	mutex.lock();
}

void host_lock_release(std::mutex &mutex)
{
	mutex.unlock();
}

void relax()
{
	std::this_thread::yield();
}

} // namespace sim::hooks

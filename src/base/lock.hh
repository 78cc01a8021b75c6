// SPDX-License-Identifier: GPL-2.0
//
// The host's spinlock as a capability that clang's thread-safety analysis can check.
// Taken with interrupts off; nothing under it may sleep, call out or loop without a bound.
#pragma once

#include "../port/port.h"

#if defined(__clang__)
#define XG_CAPABILITY __attribute__((capability("mutex")))
#define XG_SCOPED __attribute__((scoped_lockable))
#define XG_ACQUIRE(...) __attribute__((acquire_capability(__VA_ARGS__)))
#define XG_RELEASE(...) __attribute__((release_capability(__VA_ARGS__)))
#define GUARDED_BY(x) __attribute__((guarded_by(x)))
#define REQUIRES(...) __attribute__((requires_capability(__VA_ARGS__)))
// For what sets up or takes down, while nobody else can reach it.
#define UNSHARED __attribute__((no_thread_safety_analysis))
#else
#define XG_CAPABILITY
#define XG_SCOPED
#define XG_ACQUIRE(...)
#define XG_RELEASE(...)
#define GUARDED_BY(x)
#define REQUIRES(...)
#define UNSHARED
#endif

namespace xengnt
{

class XG_CAPABILITY SpinLock
{
	xg_port_lock lock_;

public:
	[[gnu::always_inline]] void init(xg_lock_class which) { xg_port_lock_init(&lock_, which); }
	[[gnu::always_inline]] unsigned long acquire() XG_ACQUIRE()
	{
		return xg_port_lock_acquire(&lock_);
	}
	[[gnu::always_inline]] void release(unsigned long flags) XG_RELEASE()
	{
		xg_port_lock_release(&lock_, flags);
	}
};

class XG_SCOPED LockGuard
{
	SpinLock &lock_;
	unsigned long flags_;

public:
	[[gnu::always_inline]] explicit LockGuard(SpinLock &lock) XG_ACQUIRE(lock)
	    : lock_(lock), flags_(lock.acquire())
	{
	}
	[[gnu::always_inline]] ~LockGuard() XG_RELEASE() { lock_.release(flags_); }
	LockGuard(const LockGuard &) = delete;
	LockGuard &operator=(const LockGuard &) = delete;
};

// No interrupt of this CPU between making and leaving it. For what another context of the same CPU
// might wait for: it could wait for ever.
class IrqsOff
{
	unsigned long flags_;

public:
	[[gnu::always_inline]] IrqsOff() : flags_(xg_port_irqs_off()) {}
	[[gnu::always_inline]] ~IrqsOff() { xg_port_irqs_on(flags_); }
	IrqsOff(const IrqsOff &) = delete;
	IrqsOff &operator=(const IrqsOff &) = delete;
};

} // namespace xengnt

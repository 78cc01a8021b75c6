// SPDX-License-Identifier: GPL-2.0
//
// The atomic operations the core uses, each with its ordering in its name. They are written on the
// compiler's builtins rather than std::atomic because the words live in memory that is shared with
// Xen or handed out by the host as raw pages.
//
// Read-modify-write operations (compare_and_swap, fetch_add ...) acquire and release, and no more:
// what comes before stays before the new value, what comes after stays after the old one. On x86
// they order everything; on arm64 a later access may still be done before the new value is seen, so
// where "I have said it, now I look" matters fence_after_swap() stands in between.
#pragma once

#include "types.hh"

namespace xengnt
{

template <class T> [[gnu::always_inline]] inline T load_relaxed(const T *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

template <class T> [[gnu::always_inline]] inline T load_acquire(const T *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

template <class T> [[gnu::always_inline]] inline void store_relaxed(T *p, T value)
{
	__atomic_store_n(p, value, __ATOMIC_RELAXED);
}

template <class T> [[gnu::always_inline]] inline void store_release(T *p, T value)
{
	__atomic_store_n(p, value, __ATOMIC_RELEASE);
}

// One step from `from` to `to`; false when the word was anything else.
template <class T> [[gnu::always_inline]] inline bool compare_and_swap(T *p, T from, T to)
{
	return __atomic_compare_exchange_n(p, &from, to, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

template <class T> [[gnu::always_inline]] inline T fetch_add(T *p, T n)
{
	return __atomic_fetch_add(p, n, __ATOMIC_SEQ_CST);
}

template <class T> [[gnu::always_inline]] inline T fetch_sub(T *p, T n)
{
	return __atomic_fetch_sub(p, n, __ATOMIC_SEQ_CST);
}

template <class T> [[gnu::always_inline]] inline T fetch_and(T *p, T mask)
{
	return __atomic_fetch_and(p, mask, __ATOMIC_SEQ_CST);
}

template <class T> [[gnu::always_inline]] inline T exchange(T *p, T value)
{
	return __atomic_exchange_n(p, value, __ATOMIC_SEQ_CST);
}

// Orders every earlier access before every later one, for Xen and other CPUs alike.
[[gnu::always_inline]] inline void full_barrier()
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

// Orders a read-modify-write operation (a compare-and-swap that succeeded) before every later
// access. The operation itself does so on x86 (a locked instruction); elsewhere a barrier is due.
[[gnu::always_inline]] inline void fence_after_swap()
{
#if defined(__x86_64__) || defined(__i386__)
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

// Keeps the compiler from moving accesses across: enough against an interrupt on the same CPU.
[[gnu::always_inline]] inline void compiler_barrier()
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

} // namespace xengnt

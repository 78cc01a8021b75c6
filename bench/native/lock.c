// SPDX-License-Identifier: GPL-2.0
/*
 * The one spinlock of both sides, out of line as the kernel's is: test and set
 * with an atomic exchange. The kernel's own adds a compare-and-swap queue.
 */
#include "lock.h"

#ifdef COUNT_INSTRUCTIONS
#include "count.h"
#endif

__thread unsigned int bench_cpu;

void bench_lock_acquire(unsigned int *taken)
{
	while (__atomic_exchange_n(taken, 1u, __ATOMIC_ACQUIRE))
		while (__atomic_load_n(taken, __ATOMIC_RELAXED))
			__builtin_ia32_pause();
#ifdef COUNT_INSTRUCTIONS
	count_section_begins();
#endif
}

void bench_lock_release(unsigned int *taken)
{
#ifdef COUNT_INSTRUCTIONS
	count_section_ends();
#endif
	__atomic_store_n(taken, 0u, __ATOMIC_RELEASE);
}

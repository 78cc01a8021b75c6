/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Put in front of the kernel's own drivers/xen/gntdev.c when a debug kernel is
 * built: lockdep does not look at that driver's locks.
 *
 * It copies to user memory with its lock held, and takes that lock in mmap():
 * the two orders are known, and not ours. Lockdep stops for good at its first
 * report, so without this dom0 would be without it from its first guest on; a
 * line in the list of known noise could not give it back.
 */
#include <linux/lockdep.h>
#include <linux/mutex.h>

/* The driver has its own. */
#undef pr_fmt
#undef mutex_init
#define mutex_init(lock) do {					\
	static struct lock_class_key __key;			\
								\
	__mutex_init(lock, #lock, &__key);			\
	lockdep_set_novalidate_class(lock);			\
} while (0)

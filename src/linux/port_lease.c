// SPDX-License-Identifier: GPL-2.0
/*
 * Leasing references from the kernel's own allocator.
 *
 * Only as lists: the kernel's search for sequences can corrupt its free list
 * (seen in 6.1 and 6.12), and lists never reach that code.
 */
#include "internal.h"

#include <linux/instruction_pointer.h>
#include <linux/spinlock.h>
#include <xen/grant_table.h>

#include "../core/core.h"
#include "../port/port.h"
#include "trace.h"
#include "watch.h"

static void set_true(void *flag)
{
	*(bool *)flag = true;
}

/* Whether the kernel has that many free references: then it calls back at once. */
static bool are_free(unsigned int count)
{
	struct gnttab_free_callback probe = {};
	bool free = false;

	gnttab_request_free_callback(&probe, set_true, &free, count);
	gnttab_cancel_free_callback(&probe);
	return free;
}

/*
 * How many references the kernel has free; 65,535 stands for that many or more,
 * since its callbacks count no further. Each question turns the kernel's queue of
 * waiters around, so the number of questions is even, always.
 */
unsigned int xengnt_kernel_free_count(void)
{
	unsigned int least = 0;
	unsigned int bit;

	for (bit = 1 << 15; bit; bit >>= 1)
		if (are_free(least + bit))
			least += bit;
	return least;
}

unsigned int xg_port_lease(unsigned int count, uint32_t *refs)
{
	grant_ref_t head;
	unsigned int i;

	/* Asking for more than is free would make its table grow. */
	if ((unlikely(xengnt_kernel_cannot_grow()) && !are_free(count)) ||
	    gnttab_alloc_grant_references(count, &head)) {
		trace_xengnt_lease(count, 0);
		xengnt_headroom_kick();
		return 0;
	}
	trace_xengnt_lease(count, count);
	xengnt_headroom_kick();
	for (i = 0; i < count; i++)
		refs[i] = gnttab_claim_grant_reference(&head);
	return count;
}

void xg_port_unlease(const uint32_t *refs, unsigned int count)
{
	grant_ref_t head = INVALID_GRANT_REF;

	trace_xengnt_unlease(refs[0], count);
	while (count--)
		gnttab_release_grant_reference(&head, refs[count]);
	gnttab_free_grant_references(head);
}

int xg_port_kernel_claim(uint32_t *head)
{
	if (!xengnt_kernels_own(*head, _RET_IP_))
		return -ENOSPC;
	return gnttab_claim_grant_reference(head);
}

int xg_port_kernel_release(uint32_t *head, uint32_t ref)
{
	if (!xengnt_kernels_own(ref, _RET_IP_))
		return -EINVAL;
	gnttab_release_grant_reference(head, ref);
	return 0;
}

void xg_port_kernel_free_list(uint32_t head)
{
	gnttab_free_grant_references(head);
}

/*
 * The one free callback that we queue with the kernel. Its count cannot be
 * changed while it is queued, so it is taken off the queue first; the lock keeps
 * two CPUs from doing so at once. The callback itself does not take the lock:
 * the kernel calls it under its own, possibly from within our request.
 */
static struct gnttab_free_callback watch;
static DEFINE_SPINLOCK(watch_lock);

static void kernel_has_room(void *unused)
{
	xg_kernel_has_room();
}

void xg_port_watch_kernel(unsigned int count)
{
	unsigned long flags;

	spin_lock_irqsave(&watch_lock, flags);
	gnttab_cancel_free_callback(&watch);
	if (count)
		gnttab_request_free_callback(&watch, kernel_has_room, NULL, count);
	spin_unlock_irqrestore(&watch_lock, flags);
}

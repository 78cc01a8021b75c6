// SPDX-License-Identifier: GPL-2.0
/*
 * Where calls arrive that were taken over and need more than the exported function
 * of that name: those that allocate draw from the caller's pool, which is noted, so
 * that switching off knows whose references it has to wait for; those about free
 * callbacks may concern one that is in the kernel's queue.
 *
 * Each ends in a jump to the exported function, where the compiler makes one of it:
 * the caller that reports name is then the driver.
 */
#include "internal.h"
#include "callers.h"
#include "takeover.h"

#include <linux/instruction_pointer.h>
#include <xengnt/grant_table.h>
#include <xengnt/pool.h>

#include "../core/core.h"

int xengnt_taken_alloc_grant_references(u16 count, grant_ref_t *head)
{
	return xengnt_pool_alloc_grant_references(xengnt_taken_pool_at(_RET_IP_), count, head);
}

int xengnt_taken_alloc_grant_reference_seq(unsigned int count, grant_ref_t *first)
{
	return xengnt_pool_alloc_grant_reference_seq(xengnt_taken_pool_at(_RET_IP_), count, first);
}

/*
 * While takeover drains: a claim takes the first of a list, so what that is tells
 * whether the list is ours. It is counted before it is made, see is_drained().
 */
int xengnt_draining_claim_grant_reference(grant_ref_t *head)
{
	if (xg_is_leased(*head))
		xengnt_count_draining_claim();
	return xengnt_claim_grant_reference(head);
}

int xengnt_taken_grant_foreign_access(domid_t domid, unsigned long frame, int readonly)
{
	return xengnt_pool_grant_foreign_access(xengnt_taken_pool_at(_RET_IP_), domid, frame,
						readonly);
}

/*
 * A callback may be in one queue only: both queues link it through the same member.
 * It may have come into the other one before the switch was turned. As with the
 * kernel's functions, its owner sees to it that no two do this to the same callback
 * at once.
 */
void xengnt_taken_request_free_callback(struct gnttab_free_callback *callback,
					void (*fn)(void *), void *arg, u16 count)
{
	if (READ_ONCE(xengnt_takeover_state) == XENGNT_TAKEOVER_ON) {
		xengnt_kernel_cancel_callback(callback);
		xengnt_pool_request_free_callback(xengnt_taken_pool_at(_RET_IP_), callback, fn,
						  arg, count);
	} else {
		/* References are allocated by the kernel from now on: it serves waiters, too. */
		xengnt_cancel_free_callback(callback);
		xengnt_kernel_request_callback(callback, fn, arg, count);
	}
}

void xengnt_taken_cancel_free_callback(struct gnttab_free_callback *callback)
{
	xengnt_kernel_cancel_callback(callback);
	xengnt_cancel_free_callback(callback);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Sleeping until a pool has references, for callers that may.
 *
 * Those who wait for one pool stand in a queue, and only the first of them asks for a
 * free callback: so one that wants few does not pass one that wants many. Who leaves
 * the queue, for whatever reason, wakes the next.
 *
 * A caller is woken through a completion, which counts: a wake-up that comes while it
 * is still looking makes it look once more. xg_request_callback() fetches what was
 * freed earlier, so nothing that is freed at any moment is missed.
 */
#include "internal.h"
#include "waiting.h"

#include <linux/completion.h>
#include <linux/export.h>
#include <linux/instruction_pointer.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <xen/grant_table.h>
#include <xengnt/grant_table.h>
#include <xengnt/pool.h>

#include "../core/core.h"

struct waiter {
	struct list_head list;
	struct xengnt_pool *pool;
	unsigned int count;
	struct completion woken;
	struct gnttab_free_callback callback;
	bool called; /* by the callback, and not looked at yet */
	bool ended;  /* the pool goes */
};

/* In the order in which they came. */
static LIST_HEAD(waiters);
static DEFINE_RAW_SPINLOCK(lock);
static DECLARE_WAIT_QUEUE_HEAD(left);

static struct waiter *first_of(const struct xengnt_pool *pool)
{
	struct waiter *waiter;

	list_for_each_entry(waiter, &waiters, list)
		if (waiter->pool == pool)
			return waiter;
	return NULL;
}

static void enter(struct waiter *waiter)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&lock, flags);
	list_add_tail(&waiter->list, &waiters);
	raw_spin_unlock_irqrestore(&lock, flags);
}

static bool is_first(const struct waiter *waiter)
{
	unsigned long flags;
	bool first;

	raw_spin_lock_irqsave(&lock, flags);
	first = first_of(waiter->pool) == waiter;
	raw_spin_unlock_irqrestore(&lock, flags);
	return first;
}

static void leave(struct waiter *waiter)
{
	struct waiter *next;
	unsigned long flags;

	raw_spin_lock_irqsave(&lock, flags);
	list_del(&waiter->list);
	next = first_of(waiter->pool);
	if (next)
		complete(&next->woken);
	raw_spin_unlock_irqrestore(&lock, flags);
	wake_up_all(&left);
}

static void wake(void *arg)
{
	struct waiter *waiter = arg;

	WRITE_ONCE(waiter->called, true);
	complete(&waiter->woken);
}

/*
 * For the first of the queue. False: its callback is queued and will wake it. Another
 * caller, which does not wait, may take the references between the callback and here.
 */
static bool is_served(struct waiter *waiter, grant_ref_t *head)
{
	for (;;) {
		if (!READ_ONCE(waiter->called))
			xengnt_pool_request_free_callback(waiter->pool, &waiter->callback, wake,
							  waiter, waiter->count);
		if (!READ_ONCE(waiter->called))
			return false;
		WRITE_ONCE(waiter->called, false);
		if (!head ||
		    !xengnt_pool_alloc_grant_references(waiter->pool, waiter->count, head))
			return true;
		cond_resched();
	}
}

static int wait_in_queue(struct waiter *waiter, long timeout, grant_ref_t *head)
{
	for (;;) {
		if (READ_ONCE(waiter->ended))
			return -ESHUTDOWN;
		if (!xg_can_ever_allocate((struct xg_pool *)waiter->pool, waiter->count))
			return -EINVAL;
		if (is_first(waiter) && is_served(waiter, head))
			return 0;
		if (!timeout)
			return -ETIMEDOUT;
		timeout = wait_for_completion_interruptible_timeout(&waiter->woken, timeout);
		if (timeout < 0)
			return timeout;
	}
}

static int wait_for(struct xengnt_pool *pool, unsigned int count, long timeout, grant_ref_t *head)
{
	struct waiter waiter = { .pool = pool, .count = count };
	int err;

	might_sleep();
	/* The core counts in 16 bits what a callback waits for. */
	if (timeout < 0 || count > U16_MAX)
		return -EINVAL;
	init_completion(&waiter.woken);
	enter(&waiter);
	err = wait_in_queue(&waiter, timeout, head);
	xengnt_cancel_free_callback(&waiter.callback);
	leave(&waiter);
	return err;
}

int xengnt_pool_wait(struct xengnt_pool *pool, unsigned int count, long timeout)
{
	if (unlikely(!pool)) {
		xg_refuse(XG_REPORT_BAD_POINTER, INVALID_GRANT_REF, _RET_IP_);
		return -EINVAL;
	}
	return wait_for(pool, count, timeout, NULL);
}
EXPORT_SYMBOL_GPL(xengnt_pool_wait);

int xengnt_pool_alloc_grant_references_wait(struct xengnt_pool *pool, u16 count,
					    grant_ref_t *head, long timeout)
{
	if (unlikely(!pool || !head)) {
		xg_refuse(XG_REPORT_BAD_POINTER, INVALID_GRANT_REF, _RET_IP_);
		return -EINVAL;
	}
	return wait_for(pool, count, timeout, head);
}
EXPORT_SYMBOL_GPL(xengnt_pool_alloc_grant_references_wait);

/* Has all who wait for the pool look, and tells them whether it goes; whether there are any. */
static bool wake_all(const struct xg_pool *pool, bool ended)
{
	struct waiter *waiter;
	unsigned long flags;
	bool any = false;

	raw_spin_lock_irqsave(&lock, flags);
	list_for_each_entry(waiter, &waiters, list) {
		if ((struct xg_pool *)waiter->pool != pool)
			continue;
		if (ended)
			WRITE_ONCE(waiter->ended, true);
		complete(&waiter->woken);
		any = true;
	}
	raw_spin_unlock_irqrestore(&lock, flags);
	return any;
}

void xengnt_waiters_look(const struct xg_pool *pool)
{
	wake_all(pool, false);
}

void xengnt_waiters_end(const struct xg_pool *pool)
{
	/* The second time only to see whether somebody is still there. */
	if (wake_all(pool, true))
		wait_event(left, !wake_all(pool, true));
}

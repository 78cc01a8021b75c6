// SPDX-License-Identifier: GPL-2.0
/*
 * The core's work items on a workqueue of our own (xg_port_schedule()).
 *
 * An item has one deadline, the earliest that was asked for. Deadline and timer
 * change together, under the item's lock: an interrupt, or another CPU, that came
 * in between the two could otherwise have its earlier deadline replaced by a
 * later one.
 *
 * mod_delayed_work() may be called with a raw spinlock held and interrupts off,
 * on PREEMPT_RT too: the locks it takes, those of the worker pool, the timer base
 * and the run queue, are raw spinlocks. It waits for another CPU only while that
 * CPU queues the same item with interrupts off, which needs no lock of ours.
 *
 * tests/host/shims compiles this file on stubs.
 */
#include "internal.h"

#include <linux/jiffies.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "../core/core.h"
#include "../port/port.h"
#include "compat.h"

struct port_work {
	struct delayed_work work;
	raw_spinlock_t lock;
	/* Guarded by the lock. */
	bool queued;
	bool stopped;
	unsigned long due; /* jiffies, while queued */
	void (*fn)(void);
};

static struct workqueue_struct *queue;
static struct port_work works[XG_WORKS];

static void run_work(struct work_struct *work)
{
	struct port_work *item = container_of(to_delayed_work(work), struct port_work, work);
	unsigned long flags;

	/* First: whatever is asked for while fn runs needs another run. */
	raw_spin_lock_irqsave(&item->lock, flags);
	item->queued = false;
	raw_spin_unlock_irqrestore(&item->lock, flags);
	item->fn();
}

void xg_port_schedule(enum xg_work work, unsigned int delay_ms)
{
	struct port_work *item = &works[work];
	unsigned long delay = msecs_to_jiffies(delay_ms);
	unsigned long due, flags;

	raw_spin_lock_irqsave(&item->lock, flags);
	due = jiffies + delay;
	if (!item->stopped && (!item->queued || time_before(due, item->due))) {
		item->queued = true;
		item->due = due;
		mod_delayed_work(queue, &item->work, delay);
	}
	raw_spin_unlock_irqrestore(&item->lock, flags);
}

static void work_init(enum xg_work which, void (*fn)(void))
{
	struct port_work *item = &works[which];

	INIT_DELAYED_WORK(&item->work, run_work);
	raw_spin_lock_init(&item->lock);
	item->queued = false;
	item->stopped = false;
	item->fn = fn;
}

static void work_stop(struct port_work *item)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&item->lock, flags);
	item->stopped = true;
	raw_spin_unlock_irqrestore(&item->lock, flags);
	cancel_delayed_work_sync(&item->work);
}

int xengnt_port_init(void)
{
	queue = alloc_workqueue("xengnt", WQ_MEM_RECLAIM | XENGNT_WQ_PERCPU, 0);
	if (!queue)
		return -ENOMEM;
	work_init(XG_WORK_DEFERRED, xg_deferred_work);
	work_init(XG_WORK_LEASE, xg_lease_work);
	return 0;
}

void xengnt_port_stop_work(void)
{
	int i;

	for (i = 0; i < XG_WORKS; i++)
		work_stop(&works[i]);
}

void xengnt_port_exit(void)
{
	xengnt_port_stop_work();
	destroy_workqueue(queue);
}

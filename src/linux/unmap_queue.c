// SPDX-License-Identifier: GPL-2.0
/*
 * Unmapping pages that other code may still hold references on. The core decides when
 * to check again (src/core/backend.h); a workqueue of this module waits.
 *
 * Unloading: a waiting item holds a reference on the module. A worker drops it before
 * its last instructions, so unloading destroys the workqueue, which waits for them.
 * That is why this is not one of the kernel's own workqueues.
 *
 * The documentation of these functions is in include/xengnt/backend.h.
 */
#include "internal.h"

#include <linux/completion.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/task_stack.h>
#include <linux/workqueue.h>
#include <xen/grant_table.h>
#include <xengnt/backend.h>

#include "../core/backend.h"
#include "compat.h"

static struct workqueue_struct *queue;

/* Does any code but the driver (the network stack, say) hold one of the pages? */
static bool is_held(const struct gntab_unmap_queue_data *item)
{
	unsigned int i;

	for (i = 0; i < item->count; i++)
		if (page_count(item->pages[i]) > 1)
			return true;
	return false;
}

/* The driver may free the item in done(). */
static void unmap_and_notify(struct gntab_unmap_queue_data *item)
{
	item->done(xengnt_unmap_refs(item->unmap_ops, item->kunmap_ops, item->pages,
				     item->count), item);
}

static void check_later(struct gntab_unmap_queue_data *item, u32 wait_ms)
{
	queue_delayed_work(queue, &item->gnttab_work, msecs_to_jiffies(wait_ms));
}

static void check_again(struct work_struct *work)
{
	struct gntab_unmap_queue_data *item =
		container_of(to_delayed_work(work), struct gntab_unmap_queue_data, gnttab_work);
	u32 wait_ms = xg_unmap_next_look(&item->age, is_held(item));

	if (wait_ms) {
		check_later(item, wait_ms);
		return;
	}
	unmap_and_notify(item);
	module_put(THIS_MODULE);
}

static void check_first(struct gntab_unmap_queue_data *item)
{
	u32 wait_ms = xg_unmap_first_look(&item->age, is_held(item));

	if (!wait_ms) {
		unmap_and_notify(item);
		return;
	}
	/* Cannot fail: the calling driver pins this module. */
	__module_get(THIS_MODULE);
	check_later(item, wait_ms);
}

void xengnt_unmap_refs_async(struct gntab_unmap_queue_data *item)
{
	INIT_DELAYED_WORK(&item->gnttab_work, check_again);
	check_first(item);
}
EXPORT_SYMBOL_GPL(xengnt_unmap_refs_async);

struct waiter {
	struct completion unmapped;
	int result;
};

static void wake(int result, struct gntab_unmap_queue_data *item)
{
	struct waiter *waiter = item->data;

	waiter->result = result;
	complete(&waiter->unmapped);
}

int xengnt_unmap_refs_sync(struct gntab_unmap_queue_data *item)
{
	/* Some drivers, blkback among them, have the item on the stack; debugobjects must know. */
	bool on_stack = object_is_on_stack(item);
	struct waiter waiter;

	init_completion(&waiter.unmapped);
	item->data = &waiter;
	item->done = wake;
	if (on_stack)
		INIT_DELAYED_WORK_ONSTACK(&item->gnttab_work, check_again);
	else
		INIT_DELAYED_WORK(&item->gnttab_work, check_again);
	check_first(item);
	wait_for_completion(&waiter.unmapped);
	if (on_stack)
		destroy_delayed_work_on_stack(&item->gnttab_work);
	return waiter.result;
}
EXPORT_SYMBOL_GPL(xengnt_unmap_refs_sync);

int xengnt_unmap_queue_init(void)
{
	queue = alloc_workqueue("xengnt_unmap", XENGNT_WQ_PERCPU, 0);
	return queue ? 0 : -ENOMEM;
}

void xengnt_unmap_queue_exit(void)
{
	destroy_workqueue(queue);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Grants pages and ends access, many times, while hostile_back in another domain
 * maps whatever it finds. A page is marked as gone the moment its end is known,
 * and the backend looks whether it can still see such a mark.
 */
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <xen/grant_table.h>
#include <xen/page.h>
#include <xengnt/notify.h>

#include "hostile.h"

static unsigned int attempts = 100000;
module_param(attempts, uint, 0444);
MODULE_PARM_DESC(attempts, "ends of access to be tried");
static bool cheat;
module_param(cheat, bool, 0444);
MODULE_PARM_DESC(cheat, "mark pages as gone before access has ended: the backend must notice");

/* The reference of the control page, for the backend. */
static int control_ref = -1;
module_param(control_ref, int, 0444);

static unsigned long ended, busy, deferred, wrong;
module_param(ended, ulong, 0444);
module_param(busy, ulong, 0444);
module_param(deferred, ulong, 0444);
module_param(wrong, ulong, 0444);

/* Writing to it runs the test; it answers when all is over. */
static int run(const char *value, const struct kernel_param *param);
static const struct kernel_param_ops run_ops = { .set = run };
module_param_cb(run, &run_ops, NULL, 0200);

/* Between two attempts: time for the backend, whose hypercalls take longer than an end. */
#define TURN_US 50

struct slot {
	struct page *page;
	grant_ref_t ref;
};

/* An end that somebody waits for. */
struct waiting {
	struct xengnt_end_notice notice;
	struct page *page;
};

static struct slot slots[HOSTILE_SLOTS];
static struct page *control_page;
static atomic_t outstanding;

static struct hostile_control *control(void)
{
	return page_address(control_page);
}

static void mark(struct page *page, u32 what)
{
	u32 *words = page_address(page);

	WRITE_ONCE(words[0], what);
	WRITE_ONCE(words[HOSTILE_WORDS - 1], what);
}

static bool open_slot(unsigned int at)
{
	struct slot *slot = &slots[at];
	int ref;

	if (!slot->page)
		slot->page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!slot->page)
		return false;
	mark(slot->page, HOSTILE_LIVE);
	ref = gnttab_grant_foreign_access(0, xen_page_to_gfn(slot->page), 0);
	if (ref < 0)
		return false;
	slot->ref = ref;
	WRITE_ONCE(control()->refs[at], ref);
	return true;
}

static void told(void *arg)
{
	struct waiting *waiting = arg;

	/* Only what this module took is left of the page's references. */
	if (page_count(waiting->page) != 1)
		wrong++;
	mark(waiting->page, HOSTILE_GONE);
	put_page(waiting->page);
	kfree(waiting);
	atomic_dec(&outstanding);
}

/* Ends now or later; the slot gets another page. */
static void end_whenever(struct slot *slot)
{
	struct waiting *waiting = kmalloc(sizeof(*waiting), GFP_KERNEL);

	if (!waiting)
		return;
	waiting->page = slot->page;
	get_page(slot->page);
	atomic_inc(&outstanding);
	deferred++;
	xengnt_end_foreign_access_notify(&waiting->notice, slot->ref, slot->page, told, waiting);
	slot->page = NULL;
	slot->ref = 0;
}

/* Whether the slot's reference is free again. */
static bool end_now(struct slot *slot, bool in_two_steps)
{
	if (cheat)
		mark(slot->page, HOSTILE_GONE);
	if (!in_two_steps) {
		if (!gnttab_try_end_foreign_access(slot->ref))
			return false;
	} else {
		if (!gnttab_end_foreign_access_ref(slot->ref))
			return false;
		gnttab_free_grant_reference(slot->ref);
	}
	mark(slot->page, HOSTILE_GONE);
	slot->ref = 0;
	return true;
}

static void one_attempt(unsigned int n)
{
	unsigned int at = n % HOSTILE_SLOTS;
	struct slot *slot = &slots[at];
	unsigned int how = n / HOSTILE_SLOTS % 8;

	if (!slot->ref && !open_slot(at)) {
		wrong++;
		return;
	}
	/* In two steps only now and then: a busy one is logged. */
	if (how == 7) {
		/* Few enough that memory lasts: the backend decides when they are released. */
		if (atomic_read(&outstanding) < 256)
			end_whenever(slot);
	} else if (end_now(slot, how == 6 && n % 32 == 0)) {
		ended++;
	} else {
		busy++;
		return;
	}
	if (!slot->ref && !open_slot(at))
		wrong++;
}

static bool all_over(void)
{
	unsigned int at;

	if (atomic_read(&outstanding))
		return false;
	for (at = 0; at < HOSTILE_SLOTS; at++)
		if (slots[at].ref && !end_now(&slots[at], false))
			return false;
	return true;
}

static int run(const char *value, const struct kernel_param *param)
{
	unsigned int n, tries;

	for (tries = 0; tries < 600 && !READ_ONCE(control()->ready); tries++)
		msleep(100);
	if (!control()->ready)
		return -ETIMEDOUT;
	for (n = 0; n < attempts; n++) {
		one_attempt(n);
		udelay(TURN_US);
		cond_resched();
	}
	memset(control()->refs, 0, sizeof(control()->refs));
	WRITE_ONCE(control()->stop, 1);
	for (tries = 0; tries < 600 && !all_over(); tries++)
		msleep(100);
	return all_over() ? 0 : -ETIMEDOUT;
}

static int __init hostile_front_init(void)
{
	control_page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!control_page)
		return -ENOMEM;
	control_ref = gnttab_grant_foreign_access(0, xen_page_to_gfn(control_page), 0);
	if (control_ref >= 0)
		return 0;
	__free_page(control_page);
	return control_ref;
}

static void __exit hostile_front_exit(void)
{
	unsigned int at;

	for (at = 0; at < HOSTILE_SLOTS; at++) {
		if (slots[at].ref)
			gnttab_end_foreign_access(slots[at].ref, slots[at].page);
		else if (slots[at].page)
			__free_page(slots[at].page);
	}
	gnttab_end_foreign_access(control_ref, control_page);
}

module_init(hostile_front_init);
module_exit(hostile_front_exit);
MODULE_DESCRIPTION("xengnt test: a frontend with a hostile backend");
MODULE_LICENSE("GPL");

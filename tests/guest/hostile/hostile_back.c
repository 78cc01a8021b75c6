// SPDX-License-Identifier: GPL-2.0
/*
 * A backend that maps whatever it finds granted, again and again, keeps some of
 * it for as long as it can, and never asks whether it may. What it has mapped
 * must never be a page whose owner believes that access has ended.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <xen/grant_table.h>

#include "hostile.h"

static unsigned int domid;
module_param(domid, uint, 0444);
MODULE_PARM_DESC(domid, "the frontend's domain");
static unsigned int ref;
module_param(ref, uint, 0444);
MODULE_PARM_DESC(ref, "the reference of its control page");

static unsigned long mapped, refused, violations;
module_param(mapped, ulong, 0444);
module_param(refused, ulong, 0444);
module_param(violations, ulong, 0444);
static bool done;
module_param(done, bool, 0444);

/* The first few are kept to the end, the others for some turns. */
#define PLACES 24
#define KEPT 4

struct mapping {
	struct page *page;
	grant_handle_t handle;
	bool used;
};

static struct mapping places[PLACES];
static struct mapping control_place;
static struct task_struct *thread;

static void *address_of(struct mapping *place)
{
	return pfn_to_kaddr(page_to_pfn(place->page));
}

static bool map(struct mapping *place, grant_ref_t which)
{
	struct gnttab_map_grant_ref op;

	gnttab_set_map_op(&op, (unsigned long)address_of(place), GNTMAP_host_map, which, domid);
	if (gnttab_map_refs(&op, NULL, &place->page, 1) || op.status != GNTST_okay)
		return false;
	place->handle = op.handle;
	place->used = true;
	return true;
}

static void unmap(struct mapping *place)
{
	struct gnttab_unmap_grant_ref op;

	if (!place->used)
		return;
	gnttab_set_unmap_op(&op, (unsigned long)address_of(place), GNTMAP_host_map, place->handle);
	if (gnttab_unmap_refs(&op, NULL, &place->page, 1))
		pr_err("hostile_back: cannot unmap\n");
	place->used = false;
}

static void look_at(struct mapping *place)
{
	const u32 *words = address_of(place);

	if (!place->used)
		return;
	if (READ_ONCE(words[0]) == HOSTILE_GONE ||
	    READ_ONCE(words[HOSTILE_WORDS - 1]) == HOSTILE_GONE)
		violations++;
}

static void one_turn(const struct hostile_control *control)
{
	unsigned int at = get_random_u32() % PLACES;
	grant_ref_t which = READ_ONCE(control->refs[get_random_u32() % HOSTILE_SLOTS]);
	unsigned int i;

	if (at >= KEPT || !places[at].used) {
		unmap(&places[at]);
		if (!which)
			return;
		if (map(&places[at], which))
			mapped++;
		else
			refused++;
	}
	for (i = 0; i < PLACES; i++)
		look_at(&places[i]);
}

static int trouble(void *unused)
{
	struct hostile_control *control = address_of(&control_place);
	unsigned int i;

	WRITE_ONCE(control->ready, 1);
	while (!kthread_should_stop() && !READ_ONCE(control->stop)) {
		one_turn(control);
		cond_resched();
	}
	for (i = 0; i < PLACES; i++) {
		look_at(&places[i]);
		unmap(&places[i]);
	}
	WRITE_ONCE(done, true);
	while (!kthread_should_stop())
		msleep(50);
	return 0;
}

static int __init hostile_back_init(void)
{
	struct page *pages[PLACES + 1];
	int err = gnttab_alloc_pages(PLACES + 1, pages);
	unsigned int i;

	if (err)
		return err;
	for (i = 0; i < PLACES; i++)
		places[i].page = pages[i];
	control_place.page = pages[PLACES];
	if (!map(&control_place, ref)) {
		gnttab_free_pages(PLACES + 1, pages);
		return -EINVAL;
	}
	thread = kthread_create(trouble, NULL, "hostile_back");
	if (IS_ERR(thread)) {
		unmap(&control_place);
		gnttab_free_pages(PLACES + 1, pages);
		return PTR_ERR(thread);
	}
	/* Not where the toolstack and the guest's other business are. */
	if (num_online_cpus() > 1)
		kthread_bind(thread, cpumask_last(cpu_online_mask));
	wake_up_process(thread);
	return 0;
}

static void __exit hostile_back_exit(void)
{
	struct page *pages[PLACES + 1];
	unsigned int i;

	kthread_stop(thread);
	unmap(&control_place);
	for (i = 0; i < PLACES; i++)
		pages[i] = places[i].page;
	pages[PLACES] = control_place.page;
	gnttab_free_pages(PLACES + 1, pages);
}

module_init(hostile_back_init);
module_exit(hostile_back_exit);
MODULE_DESCRIPTION("xengnt test: a hostile backend");
MODULE_LICENSE("GPL");

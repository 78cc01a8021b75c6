// SPDX-License-Identifier: GPL-2.0
/*
 * Something to watch. With each=1 it does everything once that a tracepoint is
 * for, and prints the events that must have come. Else a few ends stay deferred
 * until the module goes, and meanwhile a thread grants and ends, or with
 * wait_for= a callback waits.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <xen/grant_table.h>
#include <xen/xen.h>
#include <xen/xenbus.h>
#include <xengnt/batch.h>
#include <xengnt/notify.h>

#include "own_mapping.h"

#define KEPT 3 /* ends that stay deferred */
#define ROUND 20 /* grants at a time */

static bool each;
module_param(each, bool, 0444);
MODULE_PARM_DESC(each, "do each thing once, say what events must have come, and be done");

static ushort wait_for;
module_param(wait_for, ushort, 0444);
MODULE_PARM_DESC(wait_for, "wait for this many references, and do nothing but what stays deferred");

static domid_t self;
static struct gnttab_free_callback waiter;
static struct task_struct *worker;
static struct mapping kept[KEPT];
static unsigned int nr_kept;

/* One event as the trace shows it. */
#define expect(format, ...) \
	do { \
		if (each) \
			pr_info("expect: " format "\n", ##__VA_ARGS__); \
	} while (0)

static noinline void watch_called(void *arg)
{
}

/* Each of these has its own way through the module, and must be seen once. */
static noinline void end_each_way(struct page *page, unsigned long frame)
{
	struct xengnt_end_notice notice;
	struct page *none = NULL;
	grant_ref_t refs[2];
	unsigned long frames[2] = { frame, frame };
	int ref;

	ref = gnttab_grant_foreign_access(self, frame, 1);
	expect("xengnt_grant: ref=%d domid=%u frame=%#lx readonly=1", ref, self, frame);
	gnttab_end_foreign_access_ref(ref);
	expect("xengnt_end: ref=%d ended=1", ref);
	gnttab_grant_foreign_access_ref(ref, self, frame, 0);
	expect("xengnt_grant: ref=%d domid=%u frame=%#lx readonly=0", ref, self, frame);
	gnttab_try_end_foreign_access(ref);
	expect("xengnt_end: ref=%d ended=1", ref);

	ref = gnttab_grant_foreign_access(self, frame, 0);
	expect("xengnt_grant: ref=%d domid=%u frame=%#lx readonly=0", ref, self, frame);
	xengnt_end_foreign_access_notify(&notice, ref, NULL, watch_called, NULL);
	expect("xengnt_end: ref=%d ended=1", ref);

	if (!xengnt_grant_foreign_access_batch(self, frames, 2, 1, refs)) {
		expect("xengnt_grant: ref=%u domid=%u frame=%#lx readonly=1", refs[0], self, frame);
		expect("xengnt_grant: ref=%u domid=%u frame=%#lx readonly=1", refs[1], self, frame);
		xengnt_end_foreign_access_batch(&refs[0], &none, 1);
		xengnt_end_foreign_access_batch(&refs[1], NULL, 1);
		expect("xengnt_end: ref=%u ended=1", refs[0]);
		expect("xengnt_end: ref=%u ended=1", refs[1]);
	}
	put_page(page);
}

/* Not inlined: the trace has these by their names. */
static noinline void take_and_free(void)
{
	struct gnttab_free_callback callback = {};
	grant_ref_t first, one, head;

	if (gnttab_alloc_grant_references(5, &head) || gnttab_alloc_grant_reference_seq(3, &first) ||
	    gnttab_alloc_grant_reference_seq(1, &one))
		return;
	expect("xengnt_alloc_list: ref=%u count=5", head);
	expect("xengnt_alloc: ref=%u count=3", first);
	expect("xengnt_alloc: ref=%u count=1", one);
	expect("xengnt_free_list: ref=%u count=0", head);
	gnttab_free_grant_references(head);
	gnttab_free_grant_reference_seq(first, 3);
	expect("xengnt_free: ref=%u count=3", first);
	gnttab_free_grant_reference(one);
	expect("xengnt_free: ref=%u count=1", one);
	gnttab_free_grant_reference(one);
	expect("xengnt_free: ref=%u count=1", one); /* the call, and why it was refused */
	expect("xengnt_misuse: what=free_of_free ref=%u domid=0 caller=take_and_free+", one);

	gnttab_request_free_callback(&callback, watch_called, NULL, 1);
	gnttab_cancel_free_callback(&callback);
	expect("xengnt_callback: fn=watch_called+");
}

/* Busy when it ends, then unmapped; only where a guest may map its own. */
static void defer_and_reclaim(void)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	struct mapping m;
	int ref, i;

	if (!page)
		return;
	get_page(page);
	ref = gnttab_grant_foreign_access(self, xen_page_to_gfn(page), 0);
	if (ref < 0 || map_own(&m, ref, self))
		return;
	expect("xengnt_grant: ref=%d domid=%u frame=%#lx readonly=0", ref, self,
	       xen_page_to_gfn(page));
	expect("xengnt_map: count=1 result=0");
	gnttab_end_foreign_access(ref, page);
	expect("xengnt_end: ref=%d ended=0", ref);
	expect("xengnt_defer: ref=%d domid=%u", ref, self);
	unmap_own(&m);
	expect("xengnt_unmap: count=1 result=0");
	for (i = 0; i < 150 && page_count(page) > 1; i++)
		msleep(20);
	expect("xengnt_reclaim: ref=%d domid=%u", ref, self);
	put_page(page);
}

/* --- something that goes on ----------------------------------------------- */

static void keep_busy(void)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	int ref;

	if (!page)
		return;
	ref = gnttab_grant_foreign_access(self, xen_page_to_gfn(page), 0);
	if (ref < 0 || map_own(&kept[nr_kept], ref, self)) {
		put_page(page);
		return;
	}
	nr_kept++;
	gnttab_end_foreign_access(ref, page);
}

static noinline int work(void *unused)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	unsigned int rounds;
	int refs[ROUND];
	int i;

	for (rounds = 0; page && !kthread_should_stop(); rounds++) {
		for (i = 0; i < ROUND; i++)
			refs[i] = gnttab_grant_foreign_access(self, xen_page_to_gfn(page), 1);
		msleep(20);
		for (i = 0; i < ROUND; i++)
			if (refs[i] >= 0)
				gnttab_try_end_foreign_access(refs[i]);
		if (rounds % 4 == 0 && maps_own_grants())
			defer_and_reclaim();
	}
	while (!kthread_should_stop())
		msleep(20);
	if (page)
		put_page(page);
	return 0;
}

static int __init selftest_init(void)
{
	struct page *page;

	self = xenbus_read_unsigned("domid", "", 0);
	if (!each) {
		while (maps_own_grants() && nr_kept < KEPT) {
			unsigned int before = nr_kept;

			keep_busy();
			if (nr_kept == before)
				return -ENOMEM;
		}
		if (wait_for) {
			gnttab_request_free_callback(&waiter, watch_called, NULL, wait_for);
			return 0;
		}
		worker = kthread_run(work, NULL, "selftest_watch");
		return PTR_ERR_OR_ZERO(worker);
	}
	page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!page)
		return -ENOMEM;
	take_and_free();
	end_each_way(page, xen_page_to_gfn(page));
	if (maps_own_grants())
		defer_and_reclaim();
	return 0;
}

static void __exit selftest_exit(void)
{
	if (worker)
		kthread_stop(worker);
	if (wait_for)
		gnttab_cancel_free_callback(&waiter);
	while (nr_kept)
		unmap_own(&kept[--nr_kept]);
}

module_init(selftest_init);
module_exit(selftest_exit);
MODULE_DESCRIPTION("xengnt test: something to watch");
MODULE_LICENSE("GPL");

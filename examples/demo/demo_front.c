// SPDX-License-Identifier: GPL-2.0
/*
 * The frontend of the demo: grants 64 pages to dom0, lets it answer in them,
 * and takes them back, one of them while dom0 still has it mapped.
 *
 * Written against <xen/grant_table.h> alone, as any frontend driver is.  What
 * it says to dom0 goes through xenstore, below its domain's data/xengnt-demo.
 *
 * It keeps a page reference of its own on each page, so that page_count()
 * tells exactly which pages the grant table still holds.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <xen/grant_table.h>
#include <xen/page.h>
#include <xen/xen.h>
#include <xen/xenbus.h>

#include "demo.h"

#define WAIT_SECONDS	30

static struct page *pages[DEMO_PAGES];
static grant_ref_t refs[DEMO_PAGES];

/* Pages that nobody but this driver holds. */
static unsigned int pages_back(void)
{
	unsigned int i, back = 0;

	for (i = 0; i < DEMO_PAGES; i++)
		if (page_count(pages[i]) == 1)
			back++;
	return back;
}

static void free_pages_kept(void)
{
	unsigned int i;

	for (i = 0; i < DEMO_PAGES; i++)
		if (pages[i])
			put_page(pages[i]);
}

static int alloc_pages_patterned(void)
{
	unsigned int i;

	for (i = 0; i < DEMO_PAGES; i++) {
		pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!pages[i]) {
			free_pages_kept();
			return -ENOMEM;
		}
		demo_fill(page_address(pages[i]), i, DEMO_QUESTION);
	}
	return 0;
}

static int grant_all(domid_t domid)
{
	grant_ref_t head;
	unsigned int i;
	int ref, err;

	err = gnttab_alloc_grant_references(DEMO_PAGES, &head);
	if (err)
		return err;

	for (i = 0; i < DEMO_PAGES; i++) {
		ref = gnttab_claim_grant_reference(&head);
		if (WARN_ON(ref < 0))
			return ref;
		refs[i] = ref;
		get_page(pages[i]);	/* the grant's, given up when it ends */
		gnttab_page_grant_foreign_access_ref_one(ref, domid, pages[i], 0);
	}
	gnttab_free_grant_references(head);
	return 0;
}

static void end_all(void)
{
	unsigned int i;

	for (i = 0; i < DEMO_PAGES; i++)
		gnttab_end_foreign_access(refs[i], pages[i]);
}

static int publish(void)
{
	char *list = kmalloc(PAGE_SIZE, GFP_KERNEL);
	unsigned int i;
	int used = 0, err;

	if (!list)
		return -ENOMEM;
	for (i = 0; i < DEMO_PAGES; i++)
		used += scnprintf(list + used, PAGE_SIZE - used, "%u ", refs[i]);

	err = xenbus_write(XBT_NIL, DEMO_DIR, "refs", list);
	if (!err)
		err = xenbus_write(XBT_NIL, DEMO_DIR, "state", "granted");
	kfree(list);
	return err;
}

/* Until dom0 says so. */
static int wait_for_answer(void)
{
	unsigned long end = jiffies + WAIT_SECONDS * HZ;
	bool answered;
	char *state;

	do {
		state = xenbus_read(XBT_NIL, DEMO_DIR, "back-state", NULL);
		answered = !IS_ERR(state) && !strcmp(state, "answered");
		if (!IS_ERR(state))
			kfree(state);
		if (answered)
			return 0;
		msleep(20);
	} while (time_before(jiffies, end));

	pr_err("demo_front: dom0 has not answered within %d s\n", WAIT_SECONDS);
	return -ETIMEDOUT;
}

static unsigned int count_answers(void)
{
	unsigned int i, good = 0;

	for (i = 0; i < DEMO_PAGES; i++)
		good += demo_check(page_address(pages[i]), i, DEMO_ANSWER);
	return good;
}

static int __init demo_front_init(void)
{
	int err;

	if (!xen_domain())
		return -ENODEV;

	err = alloc_pages_patterned();
	if (err)
		return err;
	err = grant_all(0);
	if (err)
		goto out_pages;

	err = publish();
	if (!err)
		err = wait_for_answer();
	if (!err)
		pr_info("demo: answers_verified %u\n", count_answers());

	/* dom0 still has the first page mapped: that end is deferred. */
	end_all();
	pr_info("demo: pages %u\n", DEMO_PAGES);
	pr_info("demo: pages_back_at_once %u\n", pages_back());
	if (err)
		goto out_pages;

	xenbus_write(XBT_NIL, DEMO_DIR, "state", "ended");
	return 0;

out_pages:
	free_pages_kept();
	return err;
}

static void __exit demo_front_exit(void)
{
	pr_info("demo: pages_back %u\n", pages_back());
	free_pages_kept();
}

module_init(demo_front_init);
module_exit(demo_front_exit);
MODULE_DESCRIPTION("xengnt demo: a frontend that grants 64 pages to dom0");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0
/*
 * A driver with many pages out: grants them all to one domain when loaded
 * (parameter refs), ends access to all when told to (end), and counts those that
 * have come back (told), with what the other side has written there (answered).
 * When it goes it does not wait for those that have not.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <xen/grant_table.h>
#include <xen/page.h>
#include <xengnt/notify.h>

#include "many.h"

static unsigned int domid;
module_param(domid, uint, 0444);
MODULE_PARM_DESC(domid, "who gets the pages");

static unsigned int count = MANY_MOST;
module_param(count, uint, 0444);
MODULE_PARM_DESC(count, "how many, 64 at most");

static unsigned int refs[MANY_MOST];
static unsigned int granted;
module_param_array(refs, uint, &granted, 0444);
MODULE_PARM_DESC(refs, "read: the references");

static unsigned int told, answered;
module_param(told, uint, 0444);
MODULE_PARM_DESC(told, "read: pages that access has ended to");
module_param(answered, uint, 0444);
MODULE_PARM_DESC(answered, "read: those with the other side's answer in them");

/* A reference to the page is kept here, so that it can be looked at when it is back. */
struct one {
	struct xengnt_end_notice notice;
	struct page *page;
};

static struct one all[MANY_MOST];
static bool end;

static void has_ended(void *arg)
{
	struct one *one = arg;
	const u32 *words = page_address(one->page);
	unsigned int n = one - all;

	told++;
	if (READ_ONCE(words[0]) == MANY_MARK(n) && READ_ONCE(words[1]) == MANY_ANSWER(n))
		answered++;
}

static int end_set(const char *value, const struct kernel_param *param)
{
	bool before = end;
	int err = param_set_bool(value, param);
	unsigned int n;

	if (err || before || !end)
		return err;
	for (n = 0; n < granted; n++)
		xengnt_end_foreign_access_notify(&all[n].notice, refs[n], all[n].page, has_ended,
						 &all[n]);
	return 0;
}

static const struct kernel_param_ops end_ops = {
	.set = end_set,
	.get = param_get_bool,
};
module_param_cb(end, &end_ops, &end, 0644);
MODULE_PARM_DESC(end, "write 1: end access to all of them");

static int grant_one(unsigned int n)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	int ref;

	if (!page)
		return -ENOMEM;
	*(u32 *)page_address(page) = MANY_MARK(n);
	ref = gnttab_grant_foreign_access(domid, xen_page_to_gfn(page), 0);
	if (ref < 0) {
		put_page(page);
		return ref;
	}
	refs[n] = ref;
	get_page(page);
	all[n].page = page;
	return 0;
}

static void give_up(void)
{
	unsigned int n;

	for (n = 0; n < granted; n++) {
		if (end)
			xengnt_cancel_end_notice(&all[n].notice);
		else
			gnttab_end_foreign_access(refs[n], all[n].page);
		put_page(all[n].page);
	}
}

static int __init grants_many_init(void)
{
	int err;

	if (!count || count > MANY_MOST)
		return -EINVAL;
	for (granted = 0; granted < count; granted++) {
		err = grant_one(granted);
		if (err) {
			give_up();
			return err;
		}
	}
	return 0;
}

module_init(grants_many_init);
module_exit(give_up);
MODULE_DESCRIPTION("xengnt test: a driver with many pages out");
MODULE_LICENSE("GPL");

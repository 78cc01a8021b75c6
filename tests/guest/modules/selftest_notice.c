// SPDX-License-Identifier: GPL-2.0
/*
 * A driver that waits for the other side to let go, through whatever happens
 * meanwhile: grants a page when loaded (parameter ref), ends access when told to
 * (end), is told (told), and takes its notice back when it goes.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <xen/grant_table.h>
#include <xen/page.h>
#include <xengnt/notify.h>

static struct xengnt_end_notice notice;
static struct page *page;

static unsigned int domid;
module_param(domid, uint, 0444);
MODULE_PARM_DESC(domid, "who gets the page");

static int ref;
module_param(ref, int, 0444);
MODULE_PARM_DESC(ref, "read: the reference");

static unsigned int told;
module_param(told, uint, 0444);
MODULE_PARM_DESC(told, "read: how often it was told that access has ended");

static bool end;

static void has_ended(void *arg)
{
	told++;
}

static int end_set(const char *value, const struct kernel_param *param)
{
	bool before = end;
	int err = param_set_bool(value, param);

	if (!err && !before && end && ref)
		xengnt_end_foreign_access_notify(&notice, ref, page, has_ended, NULL);
	return err;
}

static const struct kernel_param_ops end_ops = {
	.set = end_set,
	.get = param_get_bool,
};
module_param_cb(end, &end_ops, &end, 0644);
MODULE_PARM_DESC(end, "write 1: end access and wait to be told");

static int __init notice_init(void)
{
	page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!page)
		return -ENOMEM;
	ref = gnttab_grant_foreign_access(domid, xen_page_to_gfn(page), 0);
	if (ref < 0)
		put_page(page);
	return ref < 0 ? ref : 0;
}

static void __exit notice_exit(void)
{
	if (end)
		xengnt_cancel_end_notice(&notice);
	else
		gnttab_end_foreign_access(ref, page);
}

module_init(notice_init);
module_exit(notice_exit);
MODULE_DESCRIPTION("xengnt test: a notice that outlives much");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0
/*
 * A driver with many references out: grants one page to domain 0 through each of
 * them when loaded, and when told to (end) ends access through all that are still
 * out and counts those that ended (ended). The highest of them is "last".
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <xen/grant_table.h>
#include <xen/page.h>

static unsigned int count = 1;
module_param(count, uint, 0444);
MODULE_PARM_DESC(count, "how many references");

static unsigned int begin = UINT_MAX;
module_param(begin, uint, 0444);
MODULE_PARM_DESC(begin, "how many of them when loaded (all); the others when told to (more)");

static unsigned int last;
module_param(last, uint, 0444);
MODULE_PARM_DESC(last, "read: the highest of the references");

static unsigned int ended;
module_param(ended, uint, 0444);
MODULE_PARM_DESC(ended, "read: references through which access has ended");

static struct page *page;
static grant_ref_t *refs;
static unsigned int granted;
static bool end;
static bool more;

static void end_all(void)
{
	unsigned int out = 0;
	unsigned int n;

	for (n = 0; n < granted; n++)
		if (gnttab_try_end_foreign_access(refs[n]))
			ended++;
		else
			refs[out++] = refs[n];
	granted = out;
}

static int end_set(const char *value, const struct kernel_param *param)
{
	int err = param_set_bool(value, param);

	if (!err && end)
		end_all();
	return err;
}

static const struct kernel_param_ops end_ops = {
	.set = end_set,
	.get = param_get_bool,
};
module_param_cb(end, &end_ops, &end, 0644);
MODULE_PARM_DESC(end, "write 1: end access through all of them");

static int grant_up_to(unsigned int wanted)
{
	while (granted < wanted) {
		int ref = gnttab_grant_foreign_access(0, xen_page_to_gfn(page), 0);

		if (ref < 0)
			return ref;
		refs[granted++] = ref;
		last = max_t(unsigned int, last, ref);
	}
	return 0;
}

static int more_set(const char *value, const struct kernel_param *param)
{
	int err = param_set_bool(value, param);

	return err ?: more ? grant_up_to(count) : 0;
}

static const struct kernel_param_ops more_ops = {
	.set = more_set,
	.get = param_get_bool,
};
module_param_cb(more, &more_ops, &more, 0644);
MODULE_PARM_DESC(more, "write 1: grant through the others too");

/* The page stays when somebody has it mapped after all. */
static void give_back(void)
{
	end_all();
	if (!granted)
		put_page(page);
	kvfree(refs);
}

static int __init hold_refs_init(void)
{
	int err;

	refs = kvcalloc(count, sizeof(*refs), GFP_KERNEL);
	if (!refs)
		return -ENOMEM;
	page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!page) {
		kvfree(refs);
		return -ENOMEM;
	}
	err = grant_up_to(min(begin, count));
	if (err)
		give_back();
	return err;
}

module_init(hold_refs_init);
module_exit(give_back);
MODULE_DESCRIPTION("xengnt test: a driver with many references out");
MODULE_LICENSE("GPL");

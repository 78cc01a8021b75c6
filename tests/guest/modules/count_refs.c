// SPDX-License-Identifier: GPL-2.0
/*
 * Counts, while it loads, how many references the kernel can give: those that are
 * free, each of them really taken for a moment, and those that its table can
 * still grow by. It does not grow meanwhile, and the order of the free ones stays
 * what it is, so the count disturbs nothing that comes after it.
 */
#include <linux/module.h>
#include <xen/grant_table.h>
#include <xen/interface/grant_table.h>
#include <xen/interface/xen.h>
#include <asm/xen/hypercall.h>

#undef gnttab_alloc_grant_references
#undef gnttab_free_grant_references
#undef gnttab_request_free_callback
#undef gnttab_cancel_free_callback
#undef gnttab_max_grant_frames
extern int gnttab_alloc_grant_references(u16 count, grant_ref_t *head);
extern void gnttab_free_grant_references(grant_ref_t head);
extern void gnttab_request_free_callback(struct gnttab_free_callback *callback,
					 void (*fn)(void *), void *arg, u16 count);
extern void gnttab_cancel_free_callback(struct gnttab_free_callback *callback);
extern unsigned int gnttab_max_grant_frames(void);

#define LISTS 2200 /* tables of up to 4,096 frames */

static unsigned int refs;
module_param(refs, uint, 0444);
MODULE_PARM_DESC(refs, "read: how many references there are to have");

static void set_true(void *flag)
{
	*(bool *)flag = true;
}

/* Whether that many are free without growing: then the kernel calls back at once. */
static bool are_free(u16 count)
{
	struct gnttab_free_callback probe = {};
	bool free = false;

	gnttab_request_free_callback(&probe, set_true, &free, count);
	gnttab_cancel_free_callback(&probe);
	return free;
}

/* How many the frames will hold that the kernel may still ask Xen for. */
static int still_to_come(unsigned int *nr)
{
	struct gnttab_query_size size = { .dom = DOMID_SELF };
	struct gnttab_get_version version = { .dom = DOMID_SELF };
	unsigned int frame_refs = XEN_PAGE_SIZE / sizeof(struct grant_entry_v1);
	unsigned int max = gnttab_max_grant_frames();

	if (HYPERVISOR_grant_table_op(GNTTABOP_query_size, &size, 1) ||
	    size.status != GNTST_okay ||
	    HYPERVISOR_grant_table_op(GNTTABOP_get_version, &version, 1))
		return -EIO;
	if (version.version == 2)
		frame_refs = XEN_PAGE_SIZE / sizeof(union grant_entry_v2);
	*nr = max > size.nr_frames ? (max - size.nr_frames) * frame_refs : 0;
	return 0;
}

static int __init count_refs_init(void)
{
	static grant_ref_t heads[LISTS];
	unsigned int lists = 0, free = 0, more;
	u16 count = 1024;
	int err = still_to_come(&more);

	while (!err && count && lists < LISTS) {
		if (!are_free(count)) {
			count /= 2;
			continue;
		}
		err = gnttab_alloc_grant_references(count, &heads[lists]);
		if (!err) {
			lists++;
			free += count;
		}
	}
	/* The last one first: so the kernel's list is as it was. */
	while (lists)
		gnttab_free_grant_references(heads[--lists]);
	if (err) {
		pr_err("count_refs: error %d after %u references\n", err, free);
		return err;
	}
	refs = free + more;
	pr_info("count_refs: %u\n", refs);
	return count ? -ENOSPC : 0;
}

static void __exit count_refs_exit(void)
{
}

module_init(count_refs_init);
module_exit(count_refs_exit);
MODULE_DESCRIPTION("xengnt test: counts the kernel's free references");
MODULE_LICENSE("GPL");

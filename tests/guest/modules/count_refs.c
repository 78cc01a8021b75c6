// SPDX-License-Identifier: GPL-2.0
/*
 * Counts, while it loads, how many references the kernel has to give, by taking
 * all of them for a moment: its table is as large as it can be from then on.
 */
#include <linux/module.h>
#include <xen/grant_table.h>

#undef gnttab_alloc_grant_references
#undef gnttab_free_grant_references
extern int gnttab_alloc_grant_references(u16 count, grant_ref_t *head);
extern void gnttab_free_grant_references(grant_ref_t head);

#define LISTS 256

static int __init count_refs_init(void)
{
	static grant_ref_t heads[LISTS];
	unsigned int lists = 0, refs = 0;
	u16 count = 1024;

	while (count && lists < LISTS) {
		if (gnttab_alloc_grant_references(count, &heads[lists])) {
			count /= 2;
			continue;
		}
		lists++;
		refs += count;
	}
	while (lists)
		gnttab_free_grant_references(heads[--lists]);
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

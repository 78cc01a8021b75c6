/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The oracle: one test of the whole interface, built once against the kernel's
 * header and once against ours. What both print must be equal, line by line,
 * but for the differences listed in tests/guest/lib/oracle-differences.
 *
 * A line says what was done and what came of it; it never holds a number that
 * may be another one next time (a reference, a handle, an address).
 */
#ifndef XENGNT_TEST_ORACLE_H
#define XENGNT_TEST_ORACLE_H

#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <xen/grant_table.h>
#include <xen/page.h>
#include <xen/xen.h>

#include "side.h"

/* One compared line: "label = what came of it". */
#define SHOW(label, ...) pr_info("oracle: " label " = " __VA_ARGS__)

/*
 * A check of what the stock module cannot be asked, because the kernel does not
 * export the function or goes wrong: ours alone must have the value.
 */
#define ALONE(label, got, wanted) \
	pr_info("oracle-alone: %s %s = %lld\n", (long long)(got) == (long long)(wanted) ? "ok" : \
		"not ok", label, (long long)(got))

/* This domain. */
extern domid_t oracle_self;
/* The one that maps what we grant, and grants what we map: dom0 (side.h). */
extern domid_t oracle_other;
/* Whether it is there. */
extern bool oracle_maps;

/*
 * What the other side is asked to do: to grant us its pages, filled with @fill,
 * @fill + 1 and so on; to free them (how many it could end). With one page: to
 * end access (1 or 0), to grant it anew under its reference; a byte of it.
 */
int other_grant(u8 fill, bool readonly, struct side_granted granted[SIDE_PAGES]);
int other_free(void);
int other_end(u32 page);
int other_regrant(u32 page, domid_t to, bool readonly);
u8 other_read(u32 page, u32 offset);
void other_write(u32 page, u32 offset, u8 byte);
/* Maps what we have granted; the number of its map, or an errno. */
int other_map(grant_ref_t ref);
int other_unmap(int map);

/* Whether there is another side. */
bool other_start(void);
void other_stop(void);

/*
 * Waits until the condition holds, or some seconds have passed; whether it holds.
 * It is not looked at again once it has held.
 */
#define SOON(condition) \
({ \
	unsigned long end = jiffies + 8 * HZ; \
	bool holds; \
	while (!(holds = (condition)) && time_before(jiffies, end)) \
		msleep(20); \
	holds; \
})

static inline struct page *fresh_page(u8 fill)
{
	struct page *page = alloc_page(GFP_KERNEL);

	if (page)
		memset(page_address(page), fill, PAGE_SIZE);
	return page;
}

/* A page granted to this domain itself, for copies and for what nobody maps. */
static inline int grant_self(struct page *page, int readonly)
{
	return gnttab_grant_foreign_access(oracle_self, xen_page_to_gfn(page), readonly);
}

void oracle_refs(void);
void oracle_grants(void);
void oracle_busy(void);
void oracle_pages(void);
void oracle_ranges(void);
void oracle_copies(void);
void oracle_maps_good(void);
void oracle_maps_bad(void);
void oracle_kmaps(void);
void oracle_queue(void);
void oracle_callbacks(void);
void oracle_table(void);

#endif /* XENGNT_TEST_ORACLE_H */

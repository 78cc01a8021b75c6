// SPDX-License-Identifier: GPL-2.0
/*
 * Grants whose end comes while they are mapped: from the unmap to the last page
 * that is free. The other side is this guest itself, which only a PV guest may
 * be: elsewhere mapping one's own page takes it away.
 *
 * The kernel's own side ends ten a second, so it gets fewer.
 */
#define pr_fmt(fmt) "bench: " fmt

#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <xen/xen.h>

#include "bench.h"

#define STOCK_GRANTS 100
#define XENGNT_GRANTS 10000
#define PER_CALL 256 /* slots of one hypercall */

struct grants {
	unsigned int nr;
	struct page **page;   /* granted */
	struct page **window; /* where they are mapped */
	struct gnttab_map_grant_ref *map;
	struct gnttab_unmap_grant_ref *unmap;
};

static int map_all(struct grants *g)
{
	unsigned int i, nr;
	int err;

	for (i = 0; i < g->nr; i += nr) {
		nr = min_t(unsigned int, PER_CALL, g->nr - i);
		err = gnttab_map_refs(&g->map[i], NULL, &g->window[i], nr);
		if (err)
			return err;
	}
	for (i = 0; i < g->nr; i++) {
		if (g->map[i].status)
			return -EIO;
		gnttab_set_unmap_op(&g->unmap[i], (unsigned long)page_address(g->window[i]),
				    GNTMAP_host_map, g->map[i].handle);
	}
	return 0;
}

static int unmap_all(struct grants *g)
{
	unsigned int i, nr;
	int err;

	for (i = 0; i < g->nr; i += nr) {
		nr = min_t(unsigned int, PER_CALL, g->nr - i);
		err = gnttab_unmap_refs(&g->unmap[i], NULL, &g->window[i], nr);
		if (err)
			return err;
	}
	return 0;
}

/* Milliseconds until nobody but us has any of the pages; 0 after a minute. */
static u64 wait_for_pages(struct grants *g)
{
	u64 start = ktime_get_ns();
	unsigned int i = 0;

	while (ktime_get_ns() - start < 60 * NSEC_PER_SEC) {
		while (i < g->nr && page_count(g->page[i]) == 1)
			i++;
		if (i == g->nr)
			return (ktime_get_ns() - start) / NSEC_PER_MSEC + 1;
		msleep(10);
	}
	return 0;
}

static int reclaim(const char *name, const struct works *works, unsigned int nr)
{
	struct grants g = { .nr = nr };
	unsigned int i;
	u64 ms = 0;
	int ref, err = -ENOMEM;

	g.page = kvcalloc(nr, sizeof(*g.page), GFP_KERNEL);
	g.window = kvcalloc(nr, sizeof(*g.window), GFP_KERNEL);
	g.map = kvcalloc(nr, sizeof(*g.map), GFP_KERNEL);
	g.unmap = kvcalloc(nr, sizeof(*g.unmap), GFP_KERNEL);
	if (!g.page || !g.window || !g.map || !g.unmap)
		return err; /* a failed run ends with its machine */
	err = gnttab_alloc_pages(nr, g.window);
	if (err)
		return err;
	for (i = 0; i < nr; i++) {
		g.page[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!g.page[i])
			return -ENOMEM;
		get_page(g.page[i]);
		ref = works->grant(0, xen_page_to_gfn(g.page[i]), 0);
		if (ref < 0)
			return ref;
		gnttab_set_map_op(&g.map[i], (unsigned long)page_address(g.window[i]),
				  GNTMAP_host_map, ref, 0);
	}
	err = map_all(&g);
	if (err)
		return err;
	for (i = 0; i < nr; i++)
		works->end(g.map[i].ref, g.page[i]);
	/* As long as it takes a backend to notice; every one is deferred by now. */
	msleep(3000);
	for (i = 0; i < nr; i++)
		if (page_count(g.page[i]) != 2)
			return -EIO;
	err = unmap_all(&g);
	if (err)
		return err;
	ms = wait_for_pages(&g);
	pr_info("%s %u grants %llu ms\n", name, nr, ms);
	for (i = 0; i < nr; i++)
		put_page(g.page[i]);
	gnttab_free_pages(nr, g.window);
	kvfree(g.page);
	kvfree(g.window);
	kvfree(g.map);
	kvfree(g.unmap);
	return ms ? 0 : -ETIMEDOUT;
}

int bench_deferred(void)
{
	if (!xen_initial_domain() || !xen_pv_domain()) {
		pr_info("# deferred skipped: not a PV dom0\n");
		return 0;
	}
	return reclaim("deferred_xengnt", &xengnt_works, XENGNT_GRANTS) ?:
	       reclaim("deferred_stock", &stock_works, STOCK_GRANTS);
}

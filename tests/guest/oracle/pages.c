// SPDX-License-Identifier: GPL-2.0
/* Pages to map into, caches of them, and the pieces of pages. */
#include <linux/irqflags.h>

#include "oracle.h"

static void show_pages(int nr)
{
	struct page *pages[16];
	int i, j, private = 0, same = 0, alone = 0;
	int err = gnttab_alloc_pages(nr, pages);

	SHOW("%d pages", "%d\n", nr, err);
	if (err)
		return;
	for (i = 0; i < nr; i++) {
		private += PagePrivate(pages[i]);
		alone += page_count(pages[i]) == 1;
		for (j = 0; j < i; j++)
			same += pages[i] == pages[j];
	}
	SHOW("%d pages, private", "%d, held once %d, twice there %d\n", nr, private, alone, same);
	gnttab_pages_clear_private(nr, pages);
	for (private = i = 0; i < nr; i++)
		private += PagePrivate(pages[i]);
	SHOW("%d pages, private cleared", "%d\n", nr, private);
	gnttab_pages_clear_private(nr, pages);
	err = gnttab_pages_set_private(nr, pages);
	for (private = i = 0; i < nr; i++)
		private += PagePrivate(pages[i]);
	SHOW("%d pages, private set", "%d, %d\n", nr, err, private);
	gnttab_free_pages(nr, pages);
	for (private = i = 0; i < nr; i++)
		private += PagePrivate(pages[i]);
	SHOW("%d pages, private once freed", "%d\n", nr, private);
}

static void show_cache(void)
{
	static struct gnttab_page_cache cache;
	struct page *pages[12], *got;
	unsigned long flags;
	int i, nr = 0, in_order = 0;

	gnttab_page_cache_init(&cache);
	SHOW("new cache", "%u\n", cache.num_pages);
	gnttab_page_cache_shrink(&cache, 0);
	SHOW("new cache shrunk to 0", "%u\n", cache.num_pages);
	for (i = 0; i < ARRAY_SIZE(pages); i++)
		nr += !gnttab_page_cache_get(&cache, &pages[i]);
	SHOW("got from an empty cache", "%d, left %u\n", nr, cache.num_pages);
	if (nr != ARRAY_SIZE(pages))
		return;
	SHOW("a page from the cache is private", "%d\n", !!PagePrivate(pages[0]));
	gnttab_page_cache_put(&cache, pages, 0);
	SHOW("put none", "%u\n", cache.num_pages);
	local_irq_save(flags);
	gnttab_page_cache_put(&cache, pages, 1);
	gnttab_page_cache_put(&cache, pages + 1, 11);
	local_irq_restore(flags);
	SHOW("put 1 and 11, interrupts off", "%u\n", cache.num_pages);
	for (i = ARRAY_SIZE(pages); i > 0; i--)
		in_order += !gnttab_page_cache_get(&cache, &got) && got == pages[i - 1];
	SHOW("got in reverse", "%d, left %u\n", in_order, cache.num_pages);
	gnttab_page_cache_put(&cache, pages, ARRAY_SIZE(pages));
	gnttab_page_cache_shrink(&cache, 100);
	SHOW("shrunk to 100", "%u\n", cache.num_pages);
	gnttab_page_cache_shrink(&cache, 12);
	SHOW("shrunk to 12", "%u\n", cache.num_pages);
	gnttab_page_cache_shrink(&cache, 11);
	SHOW("shrunk to 11", "%u\n", cache.num_pages);
	nr = gnttab_page_cache_get(&cache, &got);
	SHOW("got after shrinking", "%d, the next: %d\n", nr, got == pages[10]);
	gnttab_page_cache_put(&cache, &got, 1);
	gnttab_page_cache_shrink(&cache, 1);
	SHOW("shrunk to 1", "%u\n", cache.num_pages);
	gnttab_page_cache_shrink(&cache, 0);
	SHOW("shrunk to 0", "%u\n", cache.num_pages);
	gnttab_page_cache_shrink(&cache, 0);
	SHOW("shrunk to 0 again", "%u\n", cache.num_pages);
}

void oracle_pages(void)
{
	show_pages(0);
	show_pages(1);
	show_pages(2);
	show_pages(16);
	show_cache();
}

/* --- pieces -------------------------------------------------------------------- */

struct pieces {
	unsigned long gfn;	/* of the page */
	int calls, strangers;	/* how many calls, how many for another frame */
	unsigned int offset, len, sum;
};

static void note_piece(unsigned long gfn, unsigned int offset, unsigned int len, void *data)
{
	struct pieces *pieces = data;

	pieces->strangers += gfn != pieces->gfn;
	if (!pieces->calls++) {
		pieces->offset = offset;
		pieces->len = len;
	}
	pieces->sum += len;
}

void oracle_ranges(void)
{
	static const unsigned int ranges[][2] = {
		{ 0, 0 }, { 0, 1 }, { 0, 4095 }, { 0, 4096 }, { 0, 4097 }, { 0, 8192 },
		{ 1, 0 }, { 1, 4095 }, { 1, 4096 }, { 100, 200 }, { 2048, 2048 }, { 2048, 2049 },
		{ 4000, 5000 }, { 4095, 0 }, { 4095, 1 }, { 4095, 2 }, { 4096, 0 }, { 4096, 1 },
		{ 4097, 1 }, { 0, 0xffffffff }, { 4095, 0xffffffff },
	};
	static const unsigned int counts[][2] = {
		{ 0, 0 }, { 0, 1 }, { 0, 4096 }, { 0, 4097 }, { 4095, 1 }, { 4095, 2 },
		{ 4095, 4098 }, { 4096, 1 }, { 8191, 2 }, { 100, 65536 },
	};
	struct page *page = fresh_page(5);
	int i;

	if (!page)
		return;
	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		struct pieces p = { .gfn = xen_page_to_gfn(page) };

		gnttab_foreach_grant_in_range(page, ranges[i][0], ranges[i][1], note_piece, &p);
		SHOW("pieces of %u+%u", "%d, other frames %d, first %u+%u, bytes %u\n",
		     ranges[i][0], ranges[i][1], p.calls, p.strangers, p.offset, p.len, p.sum);
	}
	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		struct pieces p = { .gfn = xen_page_to_gfn(page) };

		if (ranges[i][0] >= PAGE_SIZE)
			continue;
		gnttab_for_one_grant(page, ranges[i][0], ranges[i][1], note_piece, &p);
		SHOW("one piece of %u+%u", "%d, first %u+%u\n", ranges[i][0], ranges[i][1],
		     p.calls, p.offset, p.len);
	}
	for (i = 0; i < ARRAY_SIZE(counts); i++)
		SHOW("grants for %u+%u", "%u\n", counts[i][0], counts[i][1],
		     gnttab_count_grant(counts[i][0], counts[i][1]));
#ifndef ORACLE_STOCK
	{
		struct page *pages[3] = { page, page, page };
		struct pieces p = { .gfn = xen_page_to_gfn(page) };

		/* The kernel declares this one and does not export it. */
		gnttab_foreach_grant(pages, 0, note_piece, &p);
		ALONE("frames of 0 pages", p.calls, 0);
		gnttab_foreach_grant(pages, 3, note_piece, &p);
		ALONE("frames of 3 pages", p.calls, 3);
		ALONE("bytes of 3 pages", p.sum, 3 * XEN_PAGE_SIZE);
		/* Larger pages hold three of Xen's, each with a frame of its own. */
		ALONE("other frames of 3 pages", p.strangers, PAGE_SIZE == XEN_PAGE_SIZE ? 0 : 2);
		ALONE("first frame's offset", p.offset, 0);
	}
#endif
	put_page(page);
}

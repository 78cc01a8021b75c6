// SPDX-License-Identifier: GPL-2.0
/*
 * Pages to map grants into, which have a frame number but no memory, and caches of such
 * pages. Also the functions that split pages into 4 KiB pieces.
 *
 * The documentation of these functions is in include/xengnt/backend.h.
 */
#include "internal.h"

#include <linux/export.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <xen/grant_table.h>
#include <xen/page.h>
#include <xen/xen.h>
#include <xengnt/backend.h>

#include "../core/backend.h"

static_assert(XG_FRAME_SIZE == XEN_PAGE_SIZE);

/* --- pages ------------------------------------------------------------- */

#if BITS_PER_LONG < 64
/* page->private is too small for domain and reference, so it points to them. */
static int foreign_create(struct page *page)
{
	struct xen_page_foreign *foreign = kzalloc(sizeof(*foreign), GFP_KERNEL);

	if (!foreign)
		return -ENOMEM;
	set_page_private(page, (unsigned long)foreign);
	return 0;
}

static void foreign_destroy(struct page *page)
{
	kfree((void *)page_private(page));
}
#else
static int foreign_create(struct page *page)
{
	return 0;
}

static void foreign_destroy(struct page *page)
{
}
#endif

int xengnt_pages_set_private(int nr_pages, struct page **pages)
{
	int i;

	for (i = 0; i < nr_pages; i++) {
		int err = foreign_create(pages[i]);

		if (err) {
			xengnt_pages_clear_private(i, pages);
			return err;
		}
		SetPagePrivate(pages[i]);
	}
	return 0;
}
EXPORT_SYMBOL_GPL(xengnt_pages_set_private);

void xengnt_pages_clear_private(int nr_pages, struct page **pages)
{
	int i;

	for (i = 0; i < nr_pages; i++) {
		if (!PagePrivate(pages[i]))
			continue;
		foreign_destroy(pages[i]);
		ClearPagePrivate(pages[i]);
	}
}
EXPORT_SYMBOL_GPL(xengnt_pages_clear_private);

int xengnt_alloc_pages(int nr_pages, struct page **pages)
{
	int err;

	/* The kernel takes an unsigned number, so a negative one would become huge. */
	if (nr_pages < 0)
		return -EINVAL;
	err = xen_alloc_unpopulated_pages(nr_pages, pages);
	if (err < 0)
		return err;
	err = xengnt_pages_set_private(nr_pages, pages);
	if (err)
		xen_free_unpopulated_pages(nr_pages, pages);
	return err;
}
EXPORT_SYMBOL_GPL(xengnt_alloc_pages);

void xengnt_free_pages(int nr_pages, struct page **pages)
{
	if (nr_pages <= 0)
		return;
	xengnt_pages_clear_private(nr_pages, pages);
	xen_free_unpopulated_pages(nr_pages, pages);
}
EXPORT_SYMBOL_GPL(xengnt_free_pages);

/* --- caches of pages ------------------------------------------------------ */

/*
 * With CONFIG_XEN_UNPOPULATED_ALLOC the pages are device memory, whose lru field the
 * device uses: link them through zone_device_data. Ballooned pages are ordinary pages.
 */
#ifdef CONFIG_XEN_UNPOPULATED_ALLOC
static void stack_init(struct gnttab_page_cache *cache)
{
	cache->pages = NULL;
}

static void stack_push(struct gnttab_page_cache *cache, struct page *page)
{
	page->zone_device_data = cache->pages;
	cache->pages = page;
}

static struct page *stack_pop(struct gnttab_page_cache *cache)
{
	struct page *page = cache->pages;

	if (page)
		cache->pages = page->zone_device_data;
	return page;
}
#else
static void stack_init(struct gnttab_page_cache *cache)
{
	INIT_LIST_HEAD(&cache->pages);
}

static void stack_push(struct gnttab_page_cache *cache, struct page *page)
{
	list_add(&page->lru, &cache->pages);
}

static struct page *stack_pop(struct gnttab_page_cache *cache)
{
	struct page *page = list_first_entry_or_null(&cache->pages, struct page, lru);

	if (page)
		list_del(&page->lru);
	return page;
}
#endif

void xengnt_page_cache_init(struct gnttab_page_cache *cache)
{
	spin_lock_init(&cache->lock);
	stack_init(cache);
	cache->num_pages = 0;
}
EXPORT_SYMBOL_GPL(xengnt_page_cache_init);

int xengnt_page_cache_get(struct gnttab_page_cache *cache, struct page **page)
{
	struct page *cached;
	unsigned long flags;

	spin_lock_irqsave(&cache->lock, flags);
	cached = stack_pop(cache);
	if (cached)
		cache->num_pages--;
	spin_unlock_irqrestore(&cache->lock, flags);
	if (!cached)
		return xengnt_alloc_pages(1, page);
	*page = cached;
	return 0;
}
EXPORT_SYMBOL_GPL(xengnt_page_cache_get);

void xengnt_page_cache_put(struct gnttab_page_cache *cache, struct page **page,
			   unsigned int num)
{
	unsigned long flags;
	unsigned int i;

	spin_lock_irqsave(&cache->lock, flags);
	for (i = 0; i < num; i++)
		stack_push(cache, page[i]);
	cache->num_pages += num;
	spin_unlock_irqrestore(&cache->lock, flags);
}
EXPORT_SYMBOL_GPL(xengnt_page_cache_put);

/* Removes at most @most pages, and none below @keep; returns the number removed. */
static unsigned int take_out(struct gnttab_page_cache *cache, unsigned int keep,
			     struct page **pages, unsigned int most)
{
	unsigned long flags;
	unsigned int nr = 0;

	spin_lock_irqsave(&cache->lock, flags);
	while (nr < most && cache->num_pages > keep) {
		pages[nr++] = stack_pop(cache);
		cache->num_pages--;
	}
	spin_unlock_irqrestore(&cache->lock, flags);
	return nr;
}

void xengnt_page_cache_shrink(struct gnttab_page_cache *cache, unsigned int num)
{
	/* Freeing may sleep, so drop the lock between batches. */
	struct page *pages[16];
	unsigned int nr;

	while ((nr = take_out(cache, num, pages, ARRAY_SIZE(pages))))
		xengnt_free_pages(nr, pages);
}
EXPORT_SYMBOL_GPL(xengnt_page_cache_shrink);

/* --- pieces of pages ------------------------------------------------------- */

/*
 * Consecutive frames of a page have consecutive gfns: a page has more than one frame
 * only on arm64, where guests are auto-translated.
 */
static unsigned long gfn_of(struct page *page, unsigned int frame)
{
	return pfn_to_gfn(page_to_xen_pfn(page) + frame);
}

void xengnt_foreach_grant_in_range(struct page *page, unsigned int offset, unsigned int len,
				   xen_grant_fn_t fn, void *data)
{
	struct xg_piece piece = { };

	while (xg_next_piece(PAGE_SIZE, offset, len, &piece))
		fn(gfn_of(page, piece.frame), piece.offset, piece.length, data);
}
EXPORT_SYMBOL_GPL(xengnt_foreach_grant_in_range);

void xengnt_foreach_grant(struct page **pages, unsigned int nr_grefs, xen_grant_fn_t fn,
			  void *data)
{
	unsigned int i;

	for (i = 0; i < nr_grefs; i++) {
		u32 offset;
		u32 page = xg_frame_page(PAGE_SIZE, i, &offset);

		fn(gfn_of(pages[page], XEN_PFN_DOWN(offset)), offset, XEN_PAGE_SIZE, data);
	}
}
EXPORT_SYMBOL_GPL(xengnt_foreach_grant);

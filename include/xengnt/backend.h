/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages, mapping, copying, and the table itself: the functions behind the rest
 * of the names of <xen/grant_table.h>.
 *
 * Unless a comment says otherwise a function may be called in any context,
 * interrupts off included, does not sleep, and takes no lock. What the
 * operations hold, and the statuses GNTST_*, are described in Xen's public
 * grant_table.h (<xen/interface/grant_table.h>).
 */
#ifndef XENGNT_BACKEND_H
#define XENGNT_BACKEND_H

#include <linux/types.h>
#include <xen/grant_table.h>

/* --- pages to map grants into --------------------------------------------- */

/**
 * xengnt_alloc_pages() - allocate pages that grants can be mapped into
 * @nr_pages: how many, 0 or more.
 * @pages: room for that many pointers.
 *
 * The pages have addresses but no memory behind them until a grant is mapped:
 * nothing may touch them before. PG_private is set on each. May sleep.
 *
 * Return: 0; -ENOMEM or what else the kernel's allocator says; -EINVAL when
 * @nr_pages is negative. On failure nothing stays allocated.
 */
int xengnt_alloc_pages(int nr_pages, struct page **pages);

/**
 * xengnt_free_pages() - free pages of xengnt_alloc_pages()
 * @nr_pages: how many, 0 or more.
 * @pages: the pages; no grant is mapped into them any more.
 *
 * May sleep.
 */
void xengnt_free_pages(int nr_pages, struct page **pages);

/**
 * xengnt_pages_set_private() - prepare pages for the marks of foreign pages
 * @nr_pages: how many, 0 or more.
 * @pages: the pages; their private field is not in use.
 *
 * Sets PG_private, and on 32-bit kernels allocates what xen_page_foreign()
 * returns. May sleep.
 *
 * Return: 0, or -ENOMEM (32-bit kernels only) and no page is changed.
 */
int xengnt_pages_set_private(int nr_pages, struct page **pages);

/**
 * xengnt_pages_clear_private() - undo xengnt_pages_set_private()
 * @nr_pages: how many, 0 or more.
 * @pages: the pages; those without PG_private are passed over.
 */
void xengnt_pages_clear_private(int nr_pages, struct page **pages);

/**
 * xengnt_page_cache_init() - make an empty cache of pages
 * @cache: the cache.
 *
 * A cache is a stack of pages of xengnt_alloc_pages() with a lock of its own. It
 * has no limit: its owner shrinks it, and to 0 before the cache goes. Its field
 * num_pages may be read without the lock.
 */
void xengnt_page_cache_init(struct gnttab_page_cache *cache);

/**
 * xengnt_page_cache_get() - take a page out of a cache
 * @cache: the cache.
 * @page: where the page goes: the one put last, or when there is none a new one.
 *
 * May sleep, but only when the cache is empty. Takes the cache's lock.
 *
 * Return: 0, or what xengnt_alloc_pages() returns.
 */
int xengnt_page_cache_get(struct gnttab_page_cache *cache, struct page **page);

/**
 * xengnt_page_cache_put() - put pages into a cache
 * @cache: the cache.
 * @page: the pages, of which the last is got first.
 * @num: how many.
 *
 * Takes the cache's lock, with interrupts off.
 */
void xengnt_page_cache_put(struct gnttab_page_cache *cache, struct page **page,
			   unsigned int num);

/**
 * xengnt_page_cache_shrink() - free pages of a cache
 * @cache: the cache.
 * @num: how many pages it may keep. A cache with fewer stays as it is.
 *
 * May sleep; takes the cache's lock, but not while pages are freed.
 */
void xengnt_page_cache_shrink(struct gnttab_page_cache *cache, unsigned int num);

#ifdef CONFIG_XEN_GRANT_DMA_ALLOC
/**
 * xengnt_dma_alloc_pages() - allocate a buffer that a device reaches, for mapping into
 * @args: dev, coherent, nr_pages, and room for nr_pages entries in pages and
 *        frames are set; vaddr, dev_bus_addr, pages and frames are filled in.
 *
 * The memory of the buffer is scrubbed and goes back to Xen. May sleep.
 *
 * Return: 0; -ENOMEM when there is no such buffer, or nr_pages is negative or
 * more than INT_MAX bytes; -EFAULT when Xen does not take the memory. On failure
 * nothing stays allocated, unless Xen cannot give back memory that it has just
 * taken: that is logged, and the buffer is lost.
 */
int xengnt_dma_alloc_pages(struct gnttab_dma_alloc_args *args);

/**
 * xengnt_dma_free_pages() - free a buffer of xengnt_dma_alloc_pages()
 * @args: as that function left it; no grant is mapped into it any more.
 *
 * May sleep.
 *
 * Return: 0, or -EFAULT when Xen has no memory for the buffer: then it is lost.
 */
int xengnt_dma_free_pages(struct gnttab_dma_alloc_args *args);
#endif

/**
 * xengnt_foreach_grant_in_range() - call a function for each 4 KiB piece of a range
 * @page: the page.
 * @offset: where the range begins, in bytes from the page's start.
 * @len: its length in bytes; what lies beyond the page is left out.
 * @fn: gets the frame's number for granting, the offset in that frame (0 to
 *      4,095), the length there (1 to 4,096) and @data.
 * @data: for @fn.
 *
 * Does what @fn does to its context; 0 bytes, or an offset beyond the page, give
 * no call.
 */
void xengnt_foreach_grant_in_range(struct page *page, unsigned int offset, unsigned int len,
				   xen_grant_fn_t fn, void *data);

/**
 * xengnt_foreach_grant() - call a function for each 4 KiB frame of some pages
 * @pages: the pages.
 * @nr_grefs: how many frames, from the first page's start on.
 * @fn: gets the frame's number for granting, the frame's offset in its page in
 *      bytes, 4,096, and @data.
 * @data: for @fn.
 */
void xengnt_foreach_grant(struct page **pages, unsigned int nr_grefs, xen_grant_fn_t fn,
			  void *data);

/* --- mapping and copying -------------------------------------------------------- */

/**
 * xengnt_batch_map() - map grants, without any books of the kernel's
 * @batch: the operations; each has its own status afterwards.
 * @count: how many.
 *
 * One hypercall for all. An operation whose frame is paged out (GNTST_eagain) is
 * tried again alone after 1, 2, 3 ... 255 ms, 32.6 seconds in all, and has
 * GNTST_bad_page in the end. One that Xen did not get to has
 * GNTST_general_error. May sleep.
 */
void xengnt_batch_map(struct gnttab_map_grant_ref *batch, unsigned int count);

/**
 * xengnt_batch_copy() - copy from or to granted frames
 * @batch: the operations; each has its own status afterwards.
 * @count: how many.
 *
 * As xengnt_batch_map(). May sleep.
 */
void xengnt_batch_copy(struct gnttab_copy *batch, unsigned int count);

/**
 * xengnt_map_refs() - map grants into pages
 * @map_ops: the operations; each has its own status and handle afterwards.
 * @kmap_ops: PV guests: second mappings of the same grants, in the kernel's
 *            address space; or NULL. Elsewhere not looked at.
 * @pages: a page of xengnt_alloc_pages() for each.
 * @count: how many.
 *
 * Waits for frames that are paged out as xengnt_batch_map() does. A page whose
 * operation in @map_ops succeeded is marked: xen_page_foreign() gives domain and
 * reference. In a PV guest a page of which every mapping succeeded stands for
 * the other domain's frame in the kernel's p2m table; when that takes memory
 * that is not there the mappings are undone and both statuses are
 * GNTST_general_error.
 *
 * The statuses of @map_ops and of @kmap_ops are independent: each mapping that
 * succeeded must be unmapped, whatever became of the other. May sleep. The
 * caller sees to it that nobody else uses the pages meanwhile.
 *
 * Return: 0, also when operations failed; or the hypercall's error, -EFAULT say:
 * mappings that succeeded before it are marked and have status GNTST_okay.
 */
int xengnt_map_refs(struct gnttab_map_grant_ref *map_ops, struct gnttab_map_grant_ref *kmap_ops,
		    struct page **pages, unsigned int count);

/**
 * xengnt_unmap_refs() - undo xengnt_map_refs()
 * @unmap_ops: the operations; each has its own status afterwards.
 * @kunmap_ops: PV guests: those for the second mappings, or NULL. Elsewhere not
 *              looked at.
 * @pages: the pages that the grants are mapped into.
 * @count: how many.
 *
 * Marks and p2m entries of all pages go, whatever the statuses, unless the
 * hypercall fails as a whole: then only those of pages that were unmapped.
 *
 * Return: 0; the hypercall's error; -EINVAL when (in a PV guest) a page was in no
 * p2m entry as a foreign frame, all others being done.
 */
int xengnt_unmap_refs(struct gnttab_unmap_grant_ref *unmap_ops,
		      struct gnttab_unmap_grant_ref *kunmap_ops,
		      struct page **pages, unsigned int count);

/**
 * xengnt_unmap_refs_async() - unmap once nobody else holds the pages
 * @item: unmap_ops, kunmap_ops, pages, count and done are set, and data for
 *        done's use. Kept, untouched, until done is called; then the caller's.
 *
 * While a page of the item has a reference count above 1 the item waits: 5 ms,
 * then 10, 15 ... (field age counts the looks). Then it is unmapped as by
 * xengnt_unmap_refs() and done gets that result. When nothing is held, done is
 * called before this function returns, in the caller's context; else by a
 * worker that may sleep. Waiting items keep this module loaded.
 */
void xengnt_unmap_refs_async(struct gntab_unmap_queue_data *item);

/**
 * xengnt_unmap_refs_sync() - unmap once nobody else holds the pages, and wait for it
 * @item: unmap_ops, kunmap_ops, pages and count are set; data and done are used.
 *
 * Sleeps for as long as somebody holds one of the pages.
 *
 * Return: what xengnt_unmap_refs() returned.
 */
int xengnt_unmap_refs_sync(struct gntab_unmap_queue_data *item);

/* --- the table ---------------------------------------------------------------------- */

/**
 * xengnt_init() - is there a table?
 *
 * The kernel has set it up before this module loads.
 *
 * Return: 0, or -ENODEV outside Xen.
 */
int xengnt_init(void);

/**
 * xengnt_suspend() - nothing to be done
 *
 * This module follows a suspend by itself: the kernel calls it at the right
 * moment, with everything else stopped.
 *
 * Return: 0.
 */
int xengnt_suspend(void);

/**
 * xengnt_resume() - nothing to be done
 *
 * As xengnt_suspend().
 *
 * Return: 0.
 */
int xengnt_resume(void);

/**
 * xengnt_max_grant_frames() - how large the table can get
 *
 * A hypercall.
 *
 * Return: the number of 4 KiB frames that Xen allows now, at most what it allowed
 * when the kernel booted; 4 when Xen cannot tell.
 */
unsigned int xengnt_max_grant_frames(void);

/* The frames of the table in an auto-translated guest (PVH, HVM, ARM): as many as
 * the kernel had when this module loaded, with no address. Elsewhere empty. The
 * kernel's own variable is not exported.
 */
extern struct grant_frames xengnt_auto_xlat_grant_frames;

/**
 * xengnt_setup_auto_xlat_frames() - name the place for the table's frames
 * @addr: the guest physical address of xengnt_max_grant_frames() frames.
 *
 * Fills in xengnt_auto_xlat_grant_frames; Xen is told nothing. May sleep.
 *
 * Return: 0; -EINVAL when it is filled in already, as it is in auto-translated
 * guests; -ENOMEM.
 */
int xengnt_setup_auto_xlat_frames(phys_addr_t addr);

/**
 * xengnt_free_auto_xlat_frames() - empty xengnt_auto_xlat_grant_frames
 *
 * The kernel's table is not touched. May be called again and again. May sleep.
 */
void xengnt_free_auto_xlat_frames(void);

#endif /* XENGNT_BACKEND_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The drop-in: a driver whose compiler sees this directory before the kernel's
 * is rebuilt onto xengnt unchanged. Types and inline helpers are the kernel's
 * own, of whatever version it is built for; each function below is ours, and is
 * declared and documented in <xengnt/grant_table.h> and <xengnt/backend.h>.
 *
 * Both <xen/grant_table.h>, this one and the kernel's, have the same name; the
 * order of the include path decides which of them a source file gets:
 *
 *   A driver gets this one. It is built with NOSTDINC_FLAGS="-nostdinc -I.../include",
 *   and Kbuild puts these flags before the kernel's own include directories. The
 *   #include_next below then finds the kernel's.
 *
 *   xengnt's own sources, src/linux/, get the kernel's, since they call the kernel's
 *   functions. Kbuild adds this directory with ccflags-y, which it puts behind the
 *   kernel's own include directories; only <xengnt/...> is found here.
 */
#ifndef XENGNT_XEN_GRANT_TABLE_H
#define XENGNT_XEN_GRANT_TABLE_H

#define gnttab_alloc_grant_references xengnt_alloc_grant_references
#define gnttab_alloc_grant_reference_seq xengnt_alloc_grant_reference_seq
#define gnttab_free_grant_reference xengnt_free_grant_reference
#define gnttab_free_grant_references xengnt_free_grant_references
#define gnttab_free_grant_reference_seq xengnt_free_grant_reference_seq
#define gnttab_empty_grant_references xengnt_empty_grant_references
#define gnttab_claim_grant_reference xengnt_claim_grant_reference
#define gnttab_release_grant_reference xengnt_release_grant_reference
#define gnttab_request_free_callback xengnt_request_free_callback
#define gnttab_cancel_free_callback xengnt_cancel_free_callback
#define gnttab_grant_foreign_access xengnt_grant_foreign_access
#define gnttab_grant_foreign_access_ref xengnt_grant_foreign_access_ref
#define gnttab_end_foreign_access_ref xengnt_end_foreign_access_ref
#define gnttab_try_end_foreign_access xengnt_try_end_foreign_access
#define gnttab_end_foreign_access xengnt_end_foreign_access

#define gnttab_init xengnt_init
#define gnttab_max_grant_frames xengnt_max_grant_frames
#define gnttab_setup_auto_xlat_frames xengnt_setup_auto_xlat_frames
#define gnttab_free_auto_xlat_frames xengnt_free_auto_xlat_frames
#define gnttab_alloc_pages xengnt_alloc_pages
#define gnttab_free_pages xengnt_free_pages
#define gnttab_pages_set_private xengnt_pages_set_private
#define gnttab_pages_clear_private xengnt_pages_clear_private
#define gnttab_page_cache_init xengnt_page_cache_init
#define gnttab_page_cache_get xengnt_page_cache_get
#define gnttab_page_cache_put xengnt_page_cache_put
#define gnttab_page_cache_shrink xengnt_page_cache_shrink
#define gnttab_dma_alloc_pages xengnt_dma_alloc_pages
#define gnttab_dma_free_pages xengnt_dma_free_pages
#define gnttab_foreach_grant_in_range xengnt_foreach_grant_in_range
#define gnttab_foreach_grant xengnt_foreach_grant
#define gnttab_batch_map xengnt_batch_map
#define gnttab_batch_copy xengnt_batch_copy
#define gnttab_map_refs xengnt_map_refs
#define gnttab_unmap_refs xengnt_unmap_refs
#define gnttab_unmap_refs_async xengnt_unmap_refs_async
#define gnttab_unmap_refs_sync xengnt_unmap_refs_sync
#define xen_auto_xlat_grant_frames xengnt_auto_xlat_grant_frames

/* Without hibernation some kernels have these inline: then they stay theirs. */
#ifdef CONFIG_HIBERNATE_CALLBACKS
#define gnttab_suspend xengnt_suspend
#define gnttab_resume xengnt_resume
#endif

#include_next <xen/grant_table.h>

/*
 * Functions that allocate draw on a pool named after the calling module, so that
 * one driver's leak or flood has a name and can be bounded.
 */
#include <linux/module.h>
#include <xengnt/pool.h>

static inline struct xengnt_pool *xengnt_pool_of_caller(void)
{
	static struct xengnt_pool *pool;
	struct xengnt_pool *mine = READ_ONCE(pool);

	if (unlikely(!mine)) {
		mine = xengnt_pool_of_module(THIS_MODULE);
		WRITE_ONCE(pool, mine);
	}
	return mine;
}

static inline int xengnt_caller_alloc_grant_references(u16 count, grant_ref_t *head)
{
	return xengnt_pool_alloc_grant_references(xengnt_pool_of_caller(), count, head);
}

static inline int xengnt_caller_alloc_grant_reference_seq(unsigned int count, grant_ref_t *first)
{
	return xengnt_pool_alloc_grant_reference_seq(xengnt_pool_of_caller(), count, first);
}

static inline int xengnt_caller_grant_foreign_access(domid_t domid, unsigned long frame,
						     int readonly)
{
	return xengnt_pool_grant_foreign_access(xengnt_pool_of_caller(), domid, frame, readonly);
}

static inline void xengnt_caller_request_free_callback(struct gnttab_free_callback *callback,
						       void (*fn)(void *), void *arg, u16 count)
{
	xengnt_pool_request_free_callback(xengnt_pool_of_caller(), callback, fn, arg, count);
}

#undef gnttab_request_free_callback
#define gnttab_request_free_callback xengnt_caller_request_free_callback
#undef gnttab_alloc_grant_references
#define gnttab_alloc_grant_references xengnt_caller_alloc_grant_references
#undef gnttab_alloc_grant_reference_seq
#define gnttab_alloc_grant_reference_seq xengnt_caller_alloc_grant_reference_seq
#undef gnttab_grant_foreign_access
#define gnttab_grant_foreign_access xengnt_caller_grant_foreign_access

#endif /* XENGNT_XEN_GRANT_TABLE_H */

// SPDX-License-Identifier: GPL-2.0
/*
 * The functions that drivers call: references, granting and ending, free callbacks. Each
 * function asks the core first; a reference that is not leased (granted by
 * xenbus on a driver's behalf, say) is the kernel's, and so is the call.
 *
 * The documentation of these functions is in include/xengnt/grant_table.h.
 */
#include "internal.h"

#include <linux/errno.h>
#include <linux/export.h>
#include <linux/instruction_pointer.h>
#include <linux/mm.h>
#include <linux/smp.h>
#include <xen/grant_table.h>
#include <xengnt/batch.h>
#include <xengnt/grant_table.h>
#include <xengnt/pool.h>

#include "../core/core.h"
#include "../core/fast_paths.h"
#include "callers.h"
#include "trace.h"
#include "tracking.h"

static_assert(XG_NO_MEMORY == -ENOMEM && XG_INVALID == -EINVAL && XG_NO_SPACE == -ENOSPC);
static_assert(XG_NO_REF == INVALID_GRANT_REF);
static_assert(sizeof(struct xg_free_callback) == sizeof(struct gnttab_free_callback));
static_assert(offsetof(struct xg_free_callback, fn) == offsetof(struct gnttab_free_callback, fn));
static_assert(offsetof(struct xg_free_callback, arg) == offsetof(struct gnttab_free_callback, arg));
static_assert(offsetof(struct xg_free_callback, count) ==
	      offsetof(struct gnttab_free_callback, count));

static void null_pointer(unsigned long caller)
{
	xg_refuse(XG_REPORT_BAD_POINTER, INVALID_GRANT_REF, caller);
}

/* --- references ------------------------------------------------------ */

static struct xg_pool *core_pool(struct xengnt_pool *pool)
{
	return (struct xg_pool *)pool;
}

static struct xengnt_pool *default_pool(void)
{
	return (struct xengnt_pool *)xg_default_pool();
}

int xengnt_pool_alloc_grant_references(struct xengnt_pool *pool, u16 count, grant_ref_t *head)
{
	if (unlikely(!pool || !head)) {
		null_pointer(_RET_IP_);
		return -ENOSPC;
	}
	if (xg_alloc_list(core_pool(pool), count, head))
		return -ENOSPC;
	trace_xengnt_alloc_list(*head, count);
	xengnt_track_list(*head);
	return 0;
}
EXPORT_SYMBOL_GPL(xengnt_pool_alloc_grant_references);

int xengnt_alloc_grant_references(u16 count, grant_ref_t *head)
{
	return xengnt_pool_alloc_grant_references(xengnt_pool_at(_RET_IP_), count, head);
}
EXPORT_SYMBOL_GPL(xengnt_alloc_grant_references);

int xengnt_pool_alloc_grant_reference_seq(struct xengnt_pool *pool, unsigned int count,
					  grant_ref_t *first)
{
	int64_t ref;

	if (unlikely(!pool || !first)) {
		null_pointer(_RET_IP_);
		return -ENOSPC;
	}
	if (count != 1) {
		if (xg_alloc_seq(core_pool(pool), count, first))
			return -ENOSPC;
		trace_xengnt_alloc(*first, count);
		xengnt_track_taken(*first, count);
		return 0;
	}

	ref = xg_alloc_one_fast(core_pool(pool));
	if (unlikely(ref < 0))
		return -ENOSPC;
	trace_xengnt_alloc(ref, 1);
	xengnt_track_taken(ref, 1);
	*first = ref;
	return 0;
}
EXPORT_SYMBOL_GPL(xengnt_pool_alloc_grant_reference_seq);

int xengnt_alloc_grant_reference_seq(unsigned int count, grant_ref_t *first)
{
	return xengnt_pool_alloc_grant_reference_seq(xengnt_pool_at(_RET_IP_), count, first);
}
EXPORT_SYMBOL_GPL(xengnt_alloc_grant_reference_seq);

/*
 * The usual case of each function below is inline; the rest is a function of its
 * own, so that the usual case saves no registers.
 */
static noinline void free_slowly(grant_ref_t ref, unsigned long caller)
{
	if (xg_free_one_slow(ref, caller) == XG_NOT_LEASED && xengnt_kernels_own(ref, caller))
		xengnt_kernel_free(ref);
}

void xengnt_free_grant_reference(grant_ref_t ref)
{
	trace_xengnt_free(ref, 1);
	if (unlikely(!xg_quick_free_one(ref)))
		free_slowly(ref, _RET_IP_);
}
EXPORT_SYMBOL_GPL(xengnt_free_grant_reference);

void xengnt_free_grant_references(grant_ref_t head)
{
	trace_xengnt_free_list(head, 0);
	xg_free_list(&head, _RET_IP_);
}
EXPORT_SYMBOL_GPL(xengnt_free_grant_references);

void xengnt_free_grant_reference_seq(grant_ref_t first, unsigned int count)
{
	trace_xengnt_free(first, count);
	while (xg_free_seq(&first, &count, _RET_IP_) == XG_NOT_LEASED) {
		if (!xengnt_kernels_own(first, _RET_IP_))
			return;
		xengnt_kernel_free(first++);
		count--;
	}
}
EXPORT_SYMBOL_GPL(xengnt_free_grant_reference_seq);

int xengnt_empty_grant_references(const grant_ref_t *head)
{
	return *head == INVALID_GRANT_REF;
}
EXPORT_SYMBOL_GPL(xengnt_empty_grant_references);

static noinline int claim_slowly(grant_ref_t *head, unsigned long caller)
{
	int ref = xg_claim(head, caller);

	if (ref >= 0)
		xengnt_track_taken(ref, 1);
	return ref;
}

int xengnt_claim_grant_reference(grant_ref_t *head)
{
	u32 ref = XG_NO_REF;

	if (!static_branch_unlikely(&xengnt_tracking))
		ref = xg_quick_claim(head);
	return likely(ref != XG_NO_REF) ? ref : claim_slowly(head, _RET_IP_);
}
EXPORT_SYMBOL_GPL(xengnt_claim_grant_reference);

void xengnt_release_grant_reference(grant_ref_t *head, grant_ref_t ref)
{
	if (unlikely(!xg_quick_release(head, ref)))
		xg_release_slow(head, ref, _RET_IP_);
}
EXPORT_SYMBOL_GPL(xengnt_release_grant_reference);

/* --- granting and ending --------------------------------------------- */

int xengnt_pool_grant_foreign_access(struct xengnt_pool *pool, domid_t domid, unsigned long frame,
				     int readonly)
{
	int64_t ref;

	if (unlikely(!pool)) {
		null_pointer(_RET_IP_);
		return -ENOSPC;
	}
	ref = xg_grant_new_fast(core_pool(pool), domid, frame, readonly, _RET_IP_);
	if (unlikely(ref < 0))
		return -ENOSPC;
	trace_xengnt_grant(ref, domid, frame, readonly);
	xengnt_track_taken(ref, 1);
	return ref;
}
EXPORT_SYMBOL_GPL(xengnt_pool_grant_foreign_access);

int xengnt_grant_foreign_access(domid_t domid, unsigned long frame, int readonly)
{
	return xengnt_pool_grant_foreign_access(xengnt_pool_at(_RET_IP_), domid, frame, readonly);
}
EXPORT_SYMBOL_GPL(xengnt_grant_foreign_access);

static noinline void grant_slowly(grant_ref_t ref, domid_t domid, unsigned long frame,
				  int readonly, unsigned long caller)
{
	int err = xg_grant_slow(ref, domid, frame, readonly, caller);

	if (!err)
		trace_xengnt_grant(ref, domid, frame, readonly);
	else if (err == XG_NOT_LEASED && xengnt_kernels_own(ref, caller))
		xengnt_kernel_grant(ref, domid, frame, readonly);
}

void xengnt_grant_foreign_access_ref(grant_ref_t ref, domid_t domid, unsigned long frame,
				     int readonly)
{
	if (likely(xg_quick_grant(ref, domid, frame, readonly)))
		trace_xengnt_grant(ref, domid, frame, readonly);
	else
		grant_slowly(ref, domid, frame, readonly, _RET_IP_);
}
EXPORT_SYMBOL_GPL(xengnt_grant_foreign_access_ref);

/* An end by the kernel itself, and one that was refused, are no ends of ours. */
static void trace_end(grant_ref_t ref, int ended)
{
	if (trace_xengnt_end_enabled() && ended >= 0)
		trace_xengnt_end(ref, ended);
}

static noinline int end_slowly(grant_ref_t ref, unsigned long caller)
{
	int ended = xg_end_slow(ref, caller);

	trace_end(ref, ended);
	if (ended == XG_NOT_LEASED)
		return xengnt_kernel_end_ref(ref, caller);
	/* The kernel says so too: it is how people learn of such drivers. */
	if (ended == XG_BUSY)
		xengnt_say_busy(ref, caller);
	return ended == XG_ENDED;
}

int xengnt_end_foreign_access_ref(grant_ref_t ref)
{
	if (unlikely(!xg_quick_end(ref)))
		return end_slowly(ref, _RET_IP_);
	trace_xengnt_end(ref, XG_ENDED);
	return 1;
}
EXPORT_SYMBOL_GPL(xengnt_end_foreign_access_ref);

static noinline int try_end_slowly(grant_ref_t ref, unsigned long caller)
{
	int ended = xg_try_end_slow(ref, caller);

	trace_end(ref, ended);
	if (ended == XG_NOT_LEASED)
		return xengnt_kernel_try_end(ref, caller);
	return ended == XG_ENDED;
}

int xengnt_try_end_foreign_access(grant_ref_t ref)
{
	if (unlikely(!xg_quick_end_and_free(ref)))
		return try_end_slowly(ref, _RET_IP_);
	trace_xengnt_end(ref, XG_ENDED);
	return 1;
}
EXPORT_SYMBOL_GPL(xengnt_try_end_foreign_access);

static noinline void end_and_put_slowly(grant_ref_t ref, struct page *page, unsigned long caller)
{
	int ended = xg_end_and_put_slow(ref, page, caller);

	trace_end(ref, ended);
	if (ended == XG_NOT_LEASED)
		xengnt_kernel_end(ref, page, caller);
}

static __always_inline void end_and_put(grant_ref_t ref, struct page *page, unsigned long caller)
{
	if (unlikely(!xg_quick_end_and_free(ref))) {
		end_and_put_slowly(ref, page, caller);
		return;
	}
	trace_xengnt_end(ref, XG_ENDED);
	if (page)
		put_page(page);
}

void xengnt_end_foreign_access(grant_ref_t ref, struct page *page)
{
	end_and_put(ref, page, _RET_IP_);
}
EXPORT_SYMBOL_GPL(xengnt_end_foreign_access);

int xengnt_pool_grant_foreign_access_batch(struct xengnt_pool *pool, domid_t domid,
					   const unsigned long *frames, unsigned int count,
					   int readonly, grant_ref_t *refs)
{
	unsigned int i;
	int err;

	if (unlikely(!pool || (count && (!frames || !refs)))) {
		null_pointer(_RET_IP_);
		return -EINVAL;
	}
	err = xg_grant_batch(core_pool(pool), domid, frames, count, readonly, refs, _RET_IP_);
	if (unlikely(err))
		return err;
	for (i = 0; trace_xengnt_grant_enabled() && i < count; i++)
		trace_xengnt_grant(refs[i], domid, frames[i], readonly);
	for (i = 0; static_branch_unlikely(&xengnt_tracking) && i < count; i++)
		xengnt_track_taken(refs[i], 1);
	return 0;
}
EXPORT_SYMBOL_GPL(xengnt_pool_grant_foreign_access_batch);

int xengnt_grant_foreign_access_batch(domid_t domid, const unsigned long *frames,
				      unsigned int count, int readonly, grant_ref_t *refs)
{
	return xengnt_pool_grant_foreign_access_batch(default_pool(), domid, frames, count,
						      readonly, refs);
}
EXPORT_SYMBOL_GPL(xengnt_grant_foreign_access_batch);

void xengnt_end_foreign_access_batch(grant_ref_t *refs, struct page **pages, unsigned int count)
{
	unsigned int foreign;
	unsigned int i;

	/* Somebody wants to see each. */
	if (trace_xengnt_end_enabled()) {
		for (i = 0; i < count; i++)
			end_and_put(refs[i], pages ? pages[i] : NULL, _RET_IP_);
		return;
	}
	foreign = xg_end_batch(refs, (void **)pages, count, _RET_IP_);
	while (foreign--)
		xengnt_kernel_end(refs[foreign], pages ? pages[foreign] : NULL, _RET_IP_);
}
EXPORT_SYMBOL_GPL(xengnt_end_foreign_access_batch);

/* --- free callbacks --------------------------------------------------- */

void xengnt_pool_request_free_callback(struct xengnt_pool *pool,
				       struct gnttab_free_callback *callback,
				       void (*fn)(void *), void *arg, u16 count)
{
	if (unlikely(!pool || !callback || !fn)) {
		null_pointer(_RET_IP_);
		return;
	}
	xg_request_callback(core_pool(pool), (struct xg_free_callback *)callback, fn, arg, count);
}
EXPORT_SYMBOL_GPL(xengnt_pool_request_free_callback);

void xengnt_request_free_callback(struct gnttab_free_callback *callback, void (*fn)(void *),
				  void *arg, u16 count)
{
	xengnt_pool_request_free_callback(xengnt_pool_at(_RET_IP_), callback, fn, arg, count);
}
EXPORT_SYMBOL_GPL(xengnt_request_free_callback);

void xengnt_cancel_free_callback(struct gnttab_free_callback *callback)
{
	xg_cancel_callback((struct xg_free_callback *)callback);
}
EXPORT_SYMBOL_GPL(xengnt_cancel_free_callback);

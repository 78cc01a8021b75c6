/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Beyond the stock interface: pools of references, one per client.
 *
 * A pool has a reserve that no other pool can take and a limit that it cannot
 * exceed. Whatever is allocated from a pool is freed with the ordinary
 * functions, and returns to it on its own. The functions of
 * <xen/grant_table.h>, as the drop-in has them, use a pool named after the
 * calling module, made when it first allocates. Those of <xengnt/grant_table.h>
 * that are called directly find that pool by their return address.
 */
#ifndef XENGNT_POOL_H
#define XENGNT_POOL_H

#include <linux/types.h>
#include <xen/grant_table.h>

struct module;
struct xengnt_pool;

/* The limit of a pool that has none. */
#define XENGNT_POOL_NO_LIMIT (~0u)

/**
 * xengnt_pool_create() - make a pool
 * @name: shown in reports and debugfs, 1 to 31 characters; need not be unique.
 * @reserve: references that are always this pool's to take, leased at once;
 *           0 to @limit.
 * @limit: references that may be out at once, or XENGNT_POOL_NO_LIMIT.
 *
 * Context: may sleep.
 *
 * Return: the pool, or an ERR_PTR: -EINVAL (name, reserve), -ENOMEM, -ENOSPC
 * (the reserve is not free, or there are 255 pools).
 */
struct xengnt_pool *xengnt_pool_create(const char *name, unsigned int reserve, unsigned int limit);

/**
 * xengnt_pool_destroy() - give a pool up
 * @pool: the pool; nothing may allocate from it any more. NULL is fine.
 *
 * Those who wait in xengnt_pool_wait() return -ESHUTDOWN, and this returns after them.
 *
 * References that are still out are reported, stay usable, and are freed as
 * before; the pool is removed when the last one is free. Deferred ends complete
 * by themselves and are not reported.
 *
 * Context: may sleep.
 *
 * Return: how many references nobody had freed or ended.
 */
unsigned int xengnt_pool_destroy(struct xengnt_pool *pool);

/**
 * xengnt_pool_of_module() - the pool that the drop-in uses for a module
 * @module: the module, or NULL for what is built in.
 *
 * Made when it is first asked for, with no reserve and no limit; goes with the
 * module, which is reported when references of it are still out then.
 *
 * Context: any, interrupts off included; does not sleep.
 *
 * Return: the pool; "default" for NULL, and when there is no memory for another.
 */
struct xengnt_pool *xengnt_pool_of_module(struct module *module);

/**
 * xengnt_pool_alloc_grant_references() - xengnt_alloc_grant_references() from a pool
 * @pool: whose references.
 * @count: how many, 0 to 65,535.
 * @head: where the private list goes; untouched on failure.
 *
 * Context: any, interrupts off included; does not sleep.
 *
 * Return: 0, or -ENOSPC: too few are free, or the pool's limit is reached.
 */
int xengnt_pool_alloc_grant_references(struct xengnt_pool *pool, u16 count, grant_ref_t *head);

/**
 * xengnt_pool_alloc_grant_reference_seq() - consecutive references from a pool
 * @pool: whose references.
 * @count: how many, 1 to the size of the table.
 * @first: where the first goes; untouched on failure.
 *
 * Context: any, interrupts off included; does not sleep.
 *
 * Return: 0, or -ENOSPC.
 */
int xengnt_pool_alloc_grant_reference_seq(struct xengnt_pool *pool, unsigned int count,
					  grant_ref_t *first);

/**
 * xengnt_pool_grant_foreign_access() - xengnt_grant_foreign_access() from a pool
 * @pool: whose reference.
 * @domid: who may map or copy the frame.
 * @frame: the frame as xen_page_to_gfn() names it.
 * @readonly: not 0: for reading only.
 *
 * Context: any, interrupts off included; does not sleep.
 *
 * Return: the reference, or -ENOSPC.
 */
int xengnt_pool_grant_foreign_access(struct xengnt_pool *pool, domid_t domid, unsigned long frame,
				     int readonly);

/**
 * xengnt_pool_request_free_callback() - call back when a pool has references
 * @pool: whose references are counted, its limit and reserve included.
 * @callback: the caller's memory; nothing changes when it is queued already.
 * @fn: is called once, in the order of the requests; must not sleep. It may ask again.
 * @arg: for @fn.
 * @count: how many references the pool must be able to allocate, 0 to 65,535.
 *
 * @fn may run before this returns. Cancel the callback with
 * xengnt_cancel_free_callback() before the pool is destroyed or @callback freed.
 *
 * Context: any, interrupts off included; does not sleep.
 */
void xengnt_pool_request_free_callback(struct xengnt_pool *pool,
				       struct gnttab_free_callback *callback,
				       void (*fn)(void *), void *arg, u16 count);

/**
 * xengnt_pool_wait() - sleep until a pool has references
 * @pool: whose references are counted, its limit and reserve included.
 * @count: how many references the pool must be able to allocate, 0 to 65,535.
 * @timeout: in jiffies: 0 to look once, MAX_SCHEDULE_TIMEOUT to wait without an end.
 *
 * Those who wait for one pool are served in the order in which they came, whatever
 * their counts. An allocation that does not wait may still come first, so what was
 * there may be gone once this returns: xengnt_pool_alloc_grant_references_wait()
 * allocates in the caller's turn.
 *
 * Context: may sleep; interruptible. Not in a work item on which the freeing of
 * references depends.
 *
 * Return: 0; -ETIMEDOUT; -ERESTARTSYS, a signal has come; -ESHUTDOWN, the pool is
 * being destroyed; -EINVAL, @pool is NULL, @timeout is negative, or @count can
 * never be met: it is more than the pool's limit, 65,535, or all that may be
 * leased. A limit that is lowered to less than @count ends the wait with -EINVAL.
 */
int xengnt_pool_wait(struct xengnt_pool *pool, unsigned int count, long timeout);

/**
 * xengnt_pool_alloc_grant_references_wait() - allocate, sleeping until there are enough
 * @pool: whose references.
 * @count: how many, 0 to 65,535.
 * @head: where the private list goes; untouched on failure.
 * @timeout: as for xengnt_pool_wait(), with which this shares the queue.
 *
 * Context: may sleep; interruptible.
 *
 * Return: 0, or an error of xengnt_pool_wait().
 */
int xengnt_pool_alloc_grant_references_wait(struct xengnt_pool *pool, u16 count,
					    grant_ref_t *head, long timeout);

/**
 * xengnt_pool_grant_foreign_access_batch() - a batch from a pool
 * @pool: whose references.
 * @domid: who may map or copy the frames.
 * @frames: the frames, @count of them.
 * @count: how many.
 * @readonly: not 0: for reading only.
 * @refs: where the references go; undefined on failure.
 *
 * Context: any, interrupts off included; does not sleep.
 *
 * Return: 0, -ENOSPC, -EINVAL; see xengnt_grant_foreign_access_batch().
 */
int xengnt_pool_grant_foreign_access_batch(struct xengnt_pool *pool, domid_t domid,
					   const unsigned long *frames, unsigned int count,
					   int readonly, grant_ref_t *refs);

/**
 * xengnt_pool_grant_foreign_access_subpage() - grant a part of a page from a pool
 * @pool: whose reference.
 * @domid: who may copy from, or to, that part.
 * @frame: the page's frame as xen_page_to_gfn() names it.
 * @readonly: not 0: for copying from it only.
 * @page_off: where the part begins, in bytes, 0 to 4,095.
 * @length: its length in bytes, at least 1; must end within the 4,096 of a frame.
 *
 * Context: any, interrupts off included; does not sleep.
 *
 * Return: the reference, -EOPNOTSUPP, -EINVAL, -ENOSPC; see
 * xengnt_grant_foreign_access_subpage().
 */
int xengnt_pool_grant_foreign_access_subpage(struct xengnt_pool *pool, domid_t domid,
					     unsigned long frame, int readonly, u16 page_off,
					     u16 length);

/**
 * xengnt_pool_grant_foreign_access_trans() - pass on a grant with a reference from a pool
 * @pool: whose reference.
 * @domid: who may copy.
 * @readonly: not 0: for copying from it only.
 * @trans_domid: the domain whose page it is; not this one.
 * @trans_gref: the reference with which that domain grants the page to this one.
 *
 * Context: any, interrupts off included; does not sleep.
 *
 * Return: the reference, -EOPNOTSUPP, -ENOSPC; see xengnt_grant_foreign_access_trans().
 */
int xengnt_pool_grant_foreign_access_trans(struct xengnt_pool *pool, domid_t domid, int readonly,
					   domid_t trans_domid, grant_ref_t trans_gref);

#endif /* XENGNT_POOL_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * References, granting and ending, free callbacks: the functions behind the
 * names of <xen/grant_table.h>.
 *
 * Common to all of them: they may be called in any context, interrupts off
 * included, and do not sleep. They take no lock that a caller could hold, and
 * hold none while calling back. A call that breaks the contract is refused with
 * one rate-limited line in the log that names the reference and the caller, and
 * is counted in debugfs (xengnt/errors); nothing else is harmed.
 */
#ifndef XENGNT_GRANT_TABLE_H
#define XENGNT_GRANT_TABLE_H

#include <linux/types.h>
#include <xen/grant_table.h>

/**
 * xengnt_alloc_grant_references() - allocate a private list of references
 * @count: how many, 0 to 65,535. 0 gives an empty list.
 * @head: where the list goes; untouched on failure.
 *
 * The list belongs to its caller, who sees to it that no two use it at once.
 * Grows the lease when needed, which may take hypercalls.
 *
 * Return: 0, or -ENOSPC when fewer than @count references are free anywhere and
 * the kernel has no more to lease.
 */
int xengnt_alloc_grant_references(u16 count, grant_ref_t *head);

/**
 * xengnt_alloc_grant_reference_seq() - allocate consecutive references
 * @count: how many, 1 to the size of the table.
 * @first: where the first of them goes; untouched on failure.
 *
 * Return: 0, or -ENOSPC when there is no such sequence.
 */
int xengnt_alloc_grant_reference_seq(unsigned int count, grant_ref_t *first);

/**
 * xengnt_free_grant_reference() - free one reference
 * @ref: a claimed reference whose access has ended, from whatever allocation.
 *       One below 8 is ignored: those are Xen's own.
 *
 * Refused: a reference that is free, on a private list, granted or deferred.
 */
void xengnt_free_grant_reference(grant_ref_t ref);

/**
 * xengnt_free_grant_references() - free a private list
 * @head: its head; an empty list is fine.
 *
 * Walks the list once; what was freed before a broken member stays freed.
 */
void xengnt_free_grant_references(grant_ref_t head);

/**
 * xengnt_free_grant_reference_seq() - free consecutive references
 * @first: the first of them.
 * @count: how many.
 */
void xengnt_free_grant_reference_seq(grant_ref_t first, unsigned int count);

/**
 * xengnt_empty_grant_references() - is a private list empty?
 * @head: the list.
 *
 * Return: 1 when it is, else 0.
 */
int xengnt_empty_grant_references(const grant_ref_t *head);

/**
 * xengnt_claim_grant_reference() - take the first reference off a private list
 * @head: the list.
 *
 * Takes no lock: the list is its caller's.
 *
 * Return: the reference, or -ENOSPC when the list is empty or broken.
 */
int xengnt_claim_grant_reference(grant_ref_t *head);

/**
 * xengnt_release_grant_reference() - put a reference onto a private list
 * @head: the list; the next claim returns this reference.
 * @ref: a claimed reference whose access has ended.
 */
void xengnt_release_grant_reference(grant_ref_t *head, grant_ref_t ref);

/**
 * xengnt_request_free_callback() - be called when references are free
 * @callback: the caller's, kept until @fn was called or the request cancelled.
 * @fn: called once, outside every lock, with interrupts off; must not sleep; may
 *      request again. May be called before this function returns.
 * @arg: what @fn gets.
 * @count: how many references must be free.
 *
 * A callback that is queued already stays as it is. Those who wait are looked at
 * in the order in which they came.
 */
void xengnt_request_free_callback(struct gnttab_free_callback *callback, void (*fn)(void *),
				  void *arg, u16 count);

/**
 * xengnt_cancel_free_callback() - do not be called any more
 * @callback: queued or not.
 *
 * Waits for a call that is being made on another CPU: once this returns the
 * callback may be freed. It does not wait for itself when called from @fn.
 */
void xengnt_cancel_free_callback(struct gnttab_free_callback *callback);

/**
 * xengnt_grant_foreign_access() - allocate a reference and grant access
 * @domid: who may map or copy the frame.
 * @frame: the frame as xen_page_to_gfn() names it; below 2^32 in a version 1
 *         table (Xen's public grant_table.h).
 * @readonly: not 0: for reading only.
 *
 * Return: the reference, or -ENOSPC.
 */
int xengnt_grant_foreign_access(domid_t domid, unsigned long frame, int readonly);

/**
 * xengnt_grant_foreign_access_ref() - grant access through a claimed reference
 * @ref: a claimed reference that is not granted.
 * @domid: who may map or copy the frame.
 * @frame: as for xengnt_grant_foreign_access().
 * @readonly: not 0: for reading only.
 */
void xengnt_grant_foreign_access_ref(grant_ref_t ref, domid_t domid, unsigned long frame,
				     int readonly);

/**
 * xengnt_end_foreign_access_ref() - end access, if the other side lets us
 * @ref: a claimed reference, granted or not.
 *
 * The reference stays claimed. While this returns 0 the page must not be reused.
 *
 * Return: 1 when access has ended (or was not granted), 0 when the other domain
 * has the frame mapped; that is logged.
 */
int xengnt_end_foreign_access_ref(grant_ref_t ref);

/**
 * xengnt_try_end_foreign_access() - end access and free the reference
 * @ref: a claimed reference, granted or not.
 *
 * Return: 1, or 0 when the other domain has the frame mapped: then nothing has
 * changed, and nothing is logged.
 */
int xengnt_try_end_foreign_access(grant_ref_t ref);

/**
 * xengnt_end_foreign_access() - end access now or later, free reference and page
 * @ref: a claimed reference, granted or not.
 * @page: the granted page, of which one reference of the caller's is dropped
 *        when access has ended; or NULL, then a busy page is kept from reuse by
 *        a reference of its own.
 *
 * While the other domain has the frame mapped the reference and the page are
 * kept, without needing memory; a worker ends access within two seconds after
 * the other side has let go, and sooner when it lets go of many.
 */
void xengnt_end_foreign_access(grant_ref_t ref, struct page *page);

#endif /* XENGNT_GRANT_TABLE_H */

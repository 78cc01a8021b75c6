/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Beyond the stock interface: granting and ending many at once.
 *
 * One pass over the references, one trip to the shared store for each thirty of
 * them, one barrier for each thirty entries.
 */
#ifndef XENGNT_BATCH_H
#define XENGNT_BATCH_H

#include <linux/types.h>
#include <xen/grant_table.h>

/**
 * xengnt_grant_foreign_access_batch() - allocate references and grant access
 * @domid: who may map or copy the frames.
 * @frames: the frames as xen_page_to_gfn() names them; each below 2^32 in a
 *          version 1 table.
 * @count: how many, 0 to the size of the table.
 * @readonly: not 0: for reading only.
 * @refs: where the references go, @count of them; undefined on failure.
 *
 * All or none. Context: any, interrupts off included; does not sleep.
 *
 * Return: 0, -ENOSPC when fewer references are free, -EINVAL when a
 * frame does not fit.
 */
int xengnt_grant_foreign_access_batch(domid_t domid, const unsigned long *frames,
				      unsigned int count, int readonly, grant_ref_t *refs);

/**
 * xengnt_end_foreign_access_batch() - end access now or later, free references and pages
 * @refs: claimed references, granted or not, @count of them; overwritten.
 * @pages: the granted pages, as for xengnt_end_foreign_access(), each may be
 *         NULL; or NULL for none; overwritten.
 * @count: how many.
 *
 * Does for each reference what xengnt_end_foreign_access() does for one.
 * Context: any, interrupts off included; does not sleep. With many references
 * interrupts are off only for some of them at a time.
 */
void xengnt_end_foreign_access_batch(grant_ref_t *refs, struct page **pages, unsigned int count);

#endif /* XENGNT_BATCH_H */

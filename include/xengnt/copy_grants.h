/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Beyond the stock interface: what a version 2 grant table offers for copying
 * (GNTTABOP_copy). Such grants cannot be mapped. Access ends with the stock
 * functions, as for any other grant; a reference of either version does.
 *
 * A guest has a version 2 table when its kernel was booted with
 * grant_table.version=2 and Xen allows it (gnttab=max-ver:2).
 */
#ifndef XENGNT_COPY_GRANTS_H
#define XENGNT_COPY_GRANTS_H

#include <linux/types.h>
#include <xen/grant_table.h>

/**
 * xengnt_table_version() - the version of this domain's grant table
 *
 * It can change when a guest is restored or migrated. Context: any.
 *
 * Return: 1 or 2; 0 after a restore into a version that is not known, when no
 * entry can be reached.
 */
int xengnt_table_version(void);

/**
 * xengnt_grant_foreign_access_subpage() - allocate a reference and grant a part of a page
 * @domid: who may copy from, or to, that part.
 * @frame: the page's frame as xen_page_to_gfn() names it.
 * @readonly: not 0: for copying from it only.
 * @page_off: where the part begins, in bytes, 0 to 4,095.
 * @length: its length in bytes, at least 1; must end within the 4,096 of a frame.
 *
 * The other domain cannot reach the rest of the page, so small buffers need no
 * page each. Context: any, interrupts off included;
 * does not sleep.
 *
 * Return: the reference (8 or more), -EOPNOTSUPP when the table has version 1,
 * -EINVAL when the part is not one or the frame does not fit, -ENOSPC when no
 * reference is free.
 */
int xengnt_grant_foreign_access_subpage(domid_t domid, unsigned long frame, int readonly,
					u16 page_off, u16 length);

/**
 * xengnt_grant_foreign_access_subpage_ref() - grant a part of a page through a claimed reference
 * @ref: a claimed reference that came from xengnt.
 * @domid: see xengnt_grant_foreign_access_subpage().
 * @frame: see there.
 * @readonly: see there.
 * @page_off: see there.
 * @length: see there.
 *
 * Context: any, interrupts off included; does not sleep.
 *
 * Return: 0, -EOPNOTSUPP or -EINVAL; -EINVAL also for a reference that is not
 * claimed, which is reported.
 */
int xengnt_grant_foreign_access_subpage_ref(grant_ref_t ref, domid_t domid, unsigned long frame,
					    int readonly, u16 page_off, u16 length);

/**
 * xengnt_grant_foreign_access_trans() - allocate a reference and pass on a grant of another domain
 * @domid: who may copy.
 * @readonly: not 0: for copying from it only.
 * @trans_domid: the domain whose page it is; not this one.
 * @trans_gref: the reference with which that domain grants the page to this one.
 *
 * Xen follows the chain at each copy: what @trans_domid no longer grants cannot
 * be copied. Context: any, interrupts off included; does not sleep.
 *
 * Return: the reference (8 or more), -EOPNOTSUPP when the table has version 1,
 * -ENOSPC when no reference is free.
 */
int xengnt_grant_foreign_access_trans(domid_t domid, int readonly, domid_t trans_domid,
				      grant_ref_t trans_gref);

/**
 * xengnt_grant_foreign_access_trans_ref() - pass on a grant through a claimed reference
 * @ref: a claimed reference that came from xengnt.
 * @domid: see xengnt_grant_foreign_access_trans().
 * @readonly: see there.
 * @trans_domid: see there.
 * @trans_gref: see there.
 *
 * Context: any, interrupts off included; does not sleep.
 *
 * Return: 0, -EOPNOTSUPP, or -EINVAL for a reference that is not claimed, which
 * is reported.
 */
int xengnt_grant_foreign_access_trans_ref(grant_ref_t ref, domid_t domid, int readonly,
					  domid_t trans_domid, grant_ref_t trans_gref);

#endif /* XENGNT_COPY_GRANTS_H */

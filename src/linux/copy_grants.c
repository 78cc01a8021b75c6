// SPDX-License-Identifier: GPL-2.0
/*
 * Version 2 grants for copying only: a part of a page, or another domain's grant.
 *
 * The documentation of these functions is in include/xengnt/copy_grants.h.
 */
#include "internal.h"

#include <linux/errno.h>
#include <linux/export.h>
#include <linux/instruction_pointer.h>
#include <linux/smp.h>
#include <xengnt/copy_grants.h>
#include <xengnt/grant_table.h>
#include <xengnt/pool.h>

#include "../core/core.h"
#include "trace.h"

EXPORT_SYMBOL_GPL(xengnt_table_version);

static_assert(XG_UNSUPPORTED == -EOPNOTSUPP);

static int to_errno(grant_ref_t ref, int result, unsigned long caller)
{
	if (result == XG_NOT_LEASED) {
		xg_refuse(XG_REPORT_GRANT_UNCLAIMED, ref, caller);
		return -EINVAL;
	}
	return result == XG_MISUSE ? -EINVAL : result;
}

static int grant_subpage(grant_ref_t ref, domid_t domid, unsigned long frame, int readonly,
			 u16 page_off, u16 length, unsigned long caller)
{
	int result = xg_grant_part(ref, domid, frame, readonly, page_off, length, caller);
	if (!result)
		trace_xengnt_grant(ref, domid, frame, readonly);
	return to_errno(ref, result, caller);
}

static int grant_trans(grant_ref_t ref, domid_t domid, int readonly, domid_t trans_domid,
		       grant_ref_t trans_gref, unsigned long caller)
{
	int result = xg_grant_transitive(ref, domid, readonly, trans_domid, trans_gref,
					 caller);

	/* A transitive grant names no frame of this domain. */
	if (!result)
		trace_xengnt_grant(ref, domid, 0, readonly);
	return to_errno(ref, result, caller);
}

int xengnt_grant_foreign_access_subpage_ref(grant_ref_t ref, domid_t domid, unsigned long frame,
					    int readonly, u16 page_off, u16 length)
{
	return grant_subpage(ref, domid, frame, readonly, page_off, length, _RET_IP_);
}
EXPORT_SYMBOL_GPL(xengnt_grant_foreign_access_subpage_ref);

int xengnt_grant_foreign_access_trans_ref(grant_ref_t ref, domid_t domid, int readonly,
					  domid_t trans_domid, grant_ref_t trans_gref)
{
	return grant_trans(ref, domid, readonly, trans_domid, trans_gref, _RET_IP_);
}
EXPORT_SYMBOL_GPL(xengnt_grant_foreign_access_trans_ref);

/* Allocates one reference; 0 or an errno. */
static int alloc_ref(struct xengnt_pool *pool, grant_ref_t *ref, unsigned long caller)
{
	if (xengnt_table_version() != 2)
		return -EOPNOTSUPP;
	if (unlikely(!pool)) {
		xg_refuse(XG_REPORT_BAD_POINTER, INVALID_GRANT_REF, caller);
		return -ENOSPC;
	}
	return xengnt_pool_alloc_grant_reference_seq(pool, 1, ref);
}

/* Returns the granted reference; on an error frees it and returns the error. */
static int granted_or_freed(grant_ref_t ref, int err)
{
	if (!err)
		return ref;
	xengnt_free_grant_reference(ref);
	return err;
}

int xengnt_pool_grant_foreign_access_subpage(struct xengnt_pool *pool, domid_t domid,
					     unsigned long frame, int readonly, u16 page_off,
					     u16 length)
{
	grant_ref_t ref;
	int err = alloc_ref(pool, &ref, _RET_IP_);

	if (err)
		return err;
	return granted_or_freed(ref, grant_subpage(ref, domid, frame, readonly, page_off, length,
						   _RET_IP_));
}
EXPORT_SYMBOL_GPL(xengnt_pool_grant_foreign_access_subpage);

int xengnt_grant_foreign_access_subpage(domid_t domid, unsigned long frame, int readonly,
					u16 page_off, u16 length)
{
	return xengnt_pool_grant_foreign_access_subpage((struct xengnt_pool *)xg_default_pool(),
							domid, frame, readonly, page_off, length);
}
EXPORT_SYMBOL_GPL(xengnt_grant_foreign_access_subpage);

int xengnt_pool_grant_foreign_access_trans(struct xengnt_pool *pool, domid_t domid, int readonly,
					   domid_t trans_domid, grant_ref_t trans_gref)
{
	grant_ref_t ref;
	int err = alloc_ref(pool, &ref, _RET_IP_);

	if (err)
		return err;
	return granted_or_freed(ref, grant_trans(ref, domid, readonly, trans_domid, trans_gref,
						 _RET_IP_));
}
EXPORT_SYMBOL_GPL(xengnt_pool_grant_foreign_access_trans);

int xengnt_grant_foreign_access_trans(domid_t domid, int readonly, domid_t trans_domid,
				      grant_ref_t trans_gref)
{
	return xengnt_pool_grant_foreign_access_trans((struct xengnt_pool *)xg_default_pool(),
						      domid, readonly, trans_domid, trans_gref);
}
EXPORT_SYMBOL_GPL(xengnt_grant_foreign_access_trans);

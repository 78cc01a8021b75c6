/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The drop-in: a driver whose compiler sees this directory before the kernel's
 * is rebuilt onto xengnt unchanged. Types and inline helpers are the kernel's
 * own, of whatever version it is built for; each function below is ours, and is
 * declared and documented in <xengnt/grant_table.h> and <xengnt/backend.h>.
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

#include_next <xen/grant_table.h>

#endif /* XENGNT_XEN_GRANT_TABLE_H */

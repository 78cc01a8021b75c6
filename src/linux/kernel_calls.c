// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's own functions, called from the ends of ours. When these functions are
 * taken over, what tells our calls from a driver's is the return address: so each
 * must be a call and never a jump, which Kbuild sees to (xengnt_own_calls there).
 */
#include "internal.h"

#include <xen/grant_table.h>

void xengnt_kernel_free(grant_ref_t ref)
{
	gnttab_free_grant_reference(ref);
}

void xengnt_kernel_free_list(grant_ref_t head)
{
	gnttab_free_grant_references(head);
}

void xengnt_kernel_grant(grant_ref_t ref, domid_t domid, unsigned long frame, int readonly)
{
	gnttab_grant_foreign_access_ref(ref, domid, frame, readonly);
}

void xengnt_kernel_request_callback(struct gnttab_free_callback *callback, void (*fn)(void *),
				    void *arg, u16 count)
{
	gnttab_request_free_callback(callback, fn, arg, count);
}

void xengnt_kernel_cancel_callback(struct gnttab_free_callback *callback)
{
	gnttab_cancel_free_callback(callback);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Mapping and copying pages that other domains have granted. The core decides what to
 * do with each slot (src/core/backend.h); this file makes the hypercalls, waits, and
 * updates the kernel's foreign-page and p2m state.
 *
 * Another domain can cause errors here but not crash the guest: each error is the status
 * of its slot or the function's result.
 *
 * The documentation of these functions is in include/xengnt/backend.h.
 */
#include "internal.h"

#include <linux/delay.h>
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/ratelimit.h>
#include <xen/grant_table.h>
#include <xen/interface/grant_table.h>
#include <asm/xen/hypercall.h>
#include <xengnt/backend.h>

#include "../core/backend.h"
#include "p2m.h"
#include "trace.h"

static_assert(GNTST_okay == XG_STATUS_OKAY);
static_assert(GNTST_general_error == XG_STATUS_ERROR);
static_assert(GNTST_bad_page == XG_STATUS_BAD_PAGE);
static_assert(GNTST_eagain == XG_STATUS_EAGAIN);

/* While the frame of a slot is paged out: waits, then retries this slot alone. */
static void settle(unsigned int cmd, void *op, s16 *status)
{
	struct xg_retry retry = { };
	u32 wait_ms;

	while ((wait_ms = xg_retry_after(&retry, status))) {
		msleep(wait_ms);
		*status = XG_STATUS_PRESET;
		if (HYPERVISOR_grant_table_op(cmd, op, 1))
			return;
	}
	if (*status == GNTST_bad_page && retry.waited_ms == XG_RETRY_LONGEST_MS)
		pr_err_ratelimited("a granted frame is still paged out after all retries: the slot gets GNTST_bad_page\n");
}

/* Maps the batch with one hypercall and settles each slot. Returns the hypercall's error. */
static int map_batch(struct gnttab_map_grant_ref *ops, unsigned int count)
{
	unsigned int i;
	int err;

	for (i = 0; i < count; i++)
		ops[i].status = XG_STATUS_PRESET;
	err = HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, ops, count);
	for (i = 0; i < count; i++) {
		settle(GNTTABOP_map_grant_ref, &ops[i], &ops[i].status);
		if (ops[i].status == GNTST_no_device_space)
			pr_warn_ratelimited("Xen maps no more grants for this domain: raise max_maptrack_frames\n");
	}
	return err;
}

static int unmap_batch(struct gnttab_unmap_grant_ref *ops, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		ops[i].status = XG_STATUS_PRESET;
	return HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, ops, count);
}

void xengnt_batch_map(struct gnttab_map_grant_ref *batch, unsigned int count)
{
	int err = map_batch(batch, count);

	if (err)
		pr_err_ratelimited("mapping %u grants: error %d\n", count, err);
}
EXPORT_SYMBOL_GPL(xengnt_batch_map);

void xengnt_batch_copy(struct gnttab_copy *batch, unsigned int count)
{
	unsigned int i;
	int err;

	for (i = 0; i < count; i++)
		batch[i].status = XG_STATUS_PRESET;
	err = HYPERVISOR_grant_table_op(GNTTABOP_copy, batch, count);
	if (err)
		pr_err_ratelimited("copying %u grants: error %d\n", count, err);
	for (i = 0; i < count; i++)
		settle(GNTTABOP_copy, &batch[i], &batch[i].status);
}
EXPORT_SYMBOL_GPL(xengnt_batch_copy);

static void mark(struct page *page, const struct gnttab_map_grant_ref *op)
{
	struct xen_page_foreign *foreign;

	SetPageForeign(page);
	foreign = xen_page_foreign(page);
	foreign->domid = op->dom;
	foreign->gref = op->ref;
}

/* Fills in the operation that undoes a mapping, and marks the slot as failed. */
static void revoke(struct gnttab_map_grant_ref *op, struct gnttab_unmap_grant_ref *undo)
{
	undo->host_addr = op->host_addr;
	undo->dev_bus_addr = op->flags & GNTMAP_device_map ? op->dev_bus_addr : 0;
	undo->handle = op->handle;
	op->handle = INVALID_GRANT_HANDLE;
	op->status = GNTST_general_error;
}

/* Unmaps a slot whose p2m entry could not be written, and its second mapping if any. */
static void undo_slot(struct gnttab_map_grant_ref *op, struct gnttab_map_grant_ref *kop,
		      struct page *page)
{
	struct gnttab_unmap_grant_ref undo[2];
	unsigned int i, nr = 0;
	int err;

	ClearPageForeign(page);
	revoke(op, &undo[nr++]);
	if (kop)
		revoke(kop, &undo[nr++]);
	err = unmap_batch(undo, nr);
	for (i = 0; i < nr; i++)
		if (undo[i].status != GNTST_okay)
			pr_err_ratelimited("cannot undo a mapping, it stays: error %d, status %d\n",
					   err, undo[i].status);
}

int xengnt_map_refs(struct gnttab_map_grant_ref *map_ops, struct gnttab_map_grant_ref *kmap_ops,
		    struct page **pages, unsigned int count)
{
	int err, kerr = 0;
	unsigned int i;

	if (!xengnt_p2m_has_kmaps())
		kmap_ops = NULL;
	err = map_batch(map_ops, count);
	if (kmap_ops && !err) {
		kerr = map_batch(kmap_ops, count);
	} else if (kmap_ops) {
		for (i = 0; i < count; i++)
			kmap_ops[i].status = XG_STATUS_PRESET;
	}
	for (i = 0; i < count; i++) {
		struct gnttab_map_grant_ref *kop = kmap_ops ? &kmap_ops[i] : NULL;
		unsigned int what = xg_map_slot(map_ops[i].status, kop ? &kop->status : NULL);

		if (what & XG_SLOT_MARKED)
			mark(pages[i], &map_ops[i]);
		if ((what & XG_SLOT_ENTERED) && xengnt_p2m_enter(&map_ops[i], pages[i]))
			undo_slot(&map_ops[i], kop, pages[i]);
	}
	err = xg_map_result(err, kerr);
	trace_xengnt_map(count, err);
	return err;
}
EXPORT_SYMBOL_GPL(xengnt_map_refs);

int xengnt_unmap_refs(struct gnttab_unmap_grant_ref *unmap_ops,
		      struct gnttab_unmap_grant_ref *kunmap_ops,
		      struct page **pages, unsigned int count)
{
	unsigned int i, strays = 0;
	int err, kerr = 0;

	if (!xengnt_p2m_has_kmaps())
		kunmap_ops = NULL;
	err = unmap_batch(unmap_ops, count);
	for (i = 0; i < count; i++) {
		if (!xg_unmap_slot(err, unmap_ops[i].status))
			continue;
		ClearPageForeign(pages[i]);
		if (!xengnt_p2m_clear(&unmap_ops[i], pages[i]))
			strays++;
	}
	if (kunmap_ops && !err)
		kerr = unmap_batch(kunmap_ops, count);
	err = xg_unmap_result(err, kerr, strays);
	trace_xengnt_unmap(count, err);
	return err;
}
EXPORT_SYMBOL_GPL(xengnt_unmap_refs);

// SPDX-License-Identifier: GPL-2.0
/* Ending access with a notice, or waiting for the end: include/xengnt/notify.h. */
#include "internal.h"

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/instruction_pointer.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <xen/grant_table.h>
#include <xengnt/notify.h>

#include "../core/core.h"
#include "trace.h"

static_assert(sizeof(struct xg_end_notice) == sizeof(struct xengnt_end_notice));
static_assert(offsetof(struct xg_end_notice, page) == offsetof(struct xengnt_end_notice, page));
static_assert(offsetof(struct xg_end_notice, ref) == offsetof(struct xengnt_end_notice, ref));

/* The results of xg_end_notify(). */
static int end_leased(struct xengnt_end_notice *notice, grant_ref_t ref, struct page *page,
		      void (*fn)(void *arg), void *arg, unsigned long caller)
{
	int ended = xg_end_notify((struct xg_end_notice *)notice, ref, page, fn, arg, caller);

	if (ended >= 0)
		trace_xengnt_end(ref, ended);
	return ended;
}

static bool kernel_ended(grant_ref_t ref, struct page *page, unsigned long caller)
{
	if (!xengnt_kernel_try_end(ref, caller))
		return false;
	if (page)
		put_page(page);
	return true;
}

static void end_notify(struct xengnt_end_notice *notice, grant_ref_t ref, struct page *page,
		       void (*fn)(void *arg), void *arg, unsigned long caller)
{
	if (end_leased(notice, ref, page, fn, arg, caller) != XG_NOT_LEASED)
		return;
	/* The kernel's deferred end gives no notice, so only an end at once can be told. */
	if (kernel_ended(ref, page, caller))
		fn(arg);
	else
		xg_refuse(XG_REPORT_END_UNCLAIMED, ref, caller);
}

void xengnt_end_foreign_access_notify(struct xengnt_end_notice *notice, grant_ref_t ref,
				      struct page *page, void (*fn)(void *arg), void *arg)
{
	if (unlikely(!notice || !fn)) {
		xg_refuse(XG_REPORT_BAD_POINTER, ref, _RET_IP_);
		return;
	}
	end_notify(notice, ref, page, fn, arg, _RET_IP_);
}
EXPORT_SYMBOL_GPL(xengnt_end_foreign_access_notify);

void xengnt_cancel_end_notice(struct xengnt_end_notice *notice)
{
	xg_cancel_notice((struct xg_end_notice *)notice);
}
EXPORT_SYMBOL_GPL(xengnt_cancel_end_notice);

static void end_seen(void *arg)
{
	complete(arg);
}

/* How often a busy reference of the kernel's own is tried again. */
#define KERNEL_REF_POLL_MS 10

/*
 * The kernel's deferred end gives no notice: try again until the time is over, then
 * leave reference and page to it.
 */
static int wait_for_kernel_ref(grant_ref_t ref, struct page *page, unsigned int timeout_ms,
			       unsigned long caller)
{
	unsigned long end = jiffies + msecs_to_jiffies(timeout_ms);

	if (!xengnt_kernels_own(ref, caller))
		return -ETIMEDOUT;
	while (!kernel_ended(ref, page, caller)) {
		if (time_after_eq(jiffies, end)) {
			xengnt_kernel_end(ref, page, caller);
			return -ETIMEDOUT;
		}
		msleep(KERNEL_REF_POLL_MS);
	}
	return 0;
}

int xengnt_end_foreign_access_wait(grant_ref_t ref, struct page *page, unsigned int timeout_ms)
{
	DECLARE_COMPLETION_ONSTACK(done);
	struct xengnt_end_notice notice;

	if (end_leased(&notice, ref, page, end_seen, &done, _RET_IP_) == XG_NOT_LEASED)
		return wait_for_kernel_ref(ref, page, timeout_ms, _RET_IP_);
	if (wait_for_completion_timeout(&done, msecs_to_jiffies(timeout_ms)))
		return 0;
	xengnt_cancel_end_notice(&notice);
	return completion_done(&done) ? 0 : -ETIMEDOUT;
}
EXPORT_SYMBOL_GPL(xengnt_end_foreign_access_wait);

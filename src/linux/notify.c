// SPDX-License-Identifier: GPL-2.0
/* Ends of access that somebody waits for. */
#include "internal.h"

#include <linux/completion.h>
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

static void end_notify(struct xengnt_end_notice *notice, grant_ref_t ref, struct page *page,
		       void (*fn)(void *arg), void *arg, unsigned long caller)
{
	int ended = xg_end_notify((struct xg_end_notice *)notice, ref, page, fn, arg, caller);

	if (ended >= 0)
		trace_xengnt_end(ref, ended);
	if (ended != XG_NOT_LEASED)
		return;
	/* The kernel tells nobody: only what ends at once can be told. */
	if (xengnt_kernel_try_end(ref, caller)) {
		if (page)
			put_page(page);
		fn(arg);
		return;
	}
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

int xengnt_end_foreign_access_wait(grant_ref_t ref, struct page *page, unsigned int timeout_ms)
{
	DECLARE_COMPLETION_ONSTACK(done);
	struct xengnt_end_notice notice;

	end_notify(&notice, ref, page, end_seen, &done, _RET_IP_);
	if (wait_for_completion_timeout(&done, msecs_to_jiffies(timeout_ms)))
		return 0;
	xengnt_cancel_end_notice(&notice);
	return completion_done(&done) ? 0 : -ETIMEDOUT;
}
EXPORT_SYMBOL_GPL(xengnt_end_foreign_access_wait);

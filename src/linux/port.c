// SPDX-License-Identifier: GPL-2.0
/* The core's port on kernel primitives: memory, locks, processors, pages, reports. */
#include "internal.h"

#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <xen/grant_table.h>
#include <xen/page.h>

#include "../core/core.h"
#include "../port/port.h"
#include "tracking.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static_assert(sizeof(raw_spinlock_t) <= sizeof(struct xg_port_lock));
static_assert(XG_PORT_PAGE_SIZE <= PAGE_SIZE);

/* --- memory --------------------------------------------------------- */

void *xg_port_page_alloc(void)
{
	return (void *)get_zeroed_page(GFP_ATOMIC | __GFP_NOWARN);
}

void xg_port_page_free(void *page)
{
	free_page((unsigned long)page);
}

void *xg_port_alloc(size_t bytes)
{
	/* Round up to whole cache lines: per-CPU data must not share one. */
	return kvzalloc(ALIGN(bytes, SMP_CACHE_BYTES), GFP_KERNEL);
}

void *xg_port_alloc_atomic(size_t bytes)
{
	return kzalloc(ALIGN(bytes, SMP_CACHE_BYTES), GFP_ATOMIC | __GFP_NOWARN);
}

void xg_port_free(void *memory)
{
	kvfree(memory);
}

/* --- locks ---------------------------------------------------------- */

static struct lock_class_key lock_keys[XG_LOCK_CLASSES];
static const char *const lock_names[XG_LOCK_CLASSES] = {
	[XG_LOCK_STORE] = "xengnt:store",
	[XG_LOCK_DEFERRED] = "xengnt:deferred",
	[XG_LOCK_CALLBACKS] = "xengnt:callbacks",
	[XG_LOCK_POOLS] = "xengnt:pools",
};

static raw_spinlock_t *spinlock_of(struct xg_port_lock *lock)
{
	return (raw_spinlock_t *)lock->opaque;
}

void xg_port_lock_init(struct xg_port_lock *lock, enum xg_lock_class which)
{
	raw_spin_lock_init(spinlock_of(lock));
	lockdep_set_class_and_name(spinlock_of(lock), &lock_keys[which], lock_names[which]);
}

unsigned long xg_port_lock_acquire(struct xg_port_lock *lock) __acquires(lock)
{
	unsigned long flags;

	raw_spin_lock_irqsave(spinlock_of(lock), flags);
	return flags;
}

void xg_port_lock_release(struct xg_port_lock *lock, unsigned long flags) __releases(lock)
{
	raw_spin_unlock_irqrestore(spinlock_of(lock), flags);
}

unsigned long xg_port_irqs_off(void)
{
	unsigned long flags;

	local_irq_save(flags);
	return flags;
}

void xg_port_irqs_on(unsigned long flags)
{
	local_irq_restore(flags);
}

/* --- processors and time -------------------------------------------- */

unsigned int xg_port_cpus(void)
{
	return nr_cpu_ids;
}

unsigned int xg_port_pin(void)
{
	return get_cpu();
}

void xg_port_unpin(void)
{
	put_cpu();
}

/* An interrupt handler shares `current` with the task it interrupted; the low bits differ. */
unsigned long xg_port_self(void)
{
	return (unsigned long)current | (in_hardirq() ? 2 : in_serving_softirq() ? 1 : 0);
}

void xg_port_relax(void)
{
	cpu_relax();
}

uint64_t xg_port_now_ms(void)
{
	return ktime_get_ns() / NSEC_PER_MSEC;
}

/* --- pages ----------------------------------------------------------- */

void *xg_port_page_of_frame(uint64_t frame)
{
	/* gfn_to_pfn() counts in Xen's 4 KiB frames; convert to a kernel PFN. */
	unsigned long pfn = xengnt_pfn_of(gfn_to_pfn(frame));
	struct folio *folio;

	if (!pfn_valid(pfn))
		return NULL;
	/* A page without references is free, or not counted: putting it would free it. */
	folio = page_folio(pfn_to_page(pfn));
	return folio_try_get(folio) ? pfn_to_page(pfn) : NULL;
}

void xg_port_page_put(void *page)
{
	put_page(page);
}

void xg_port_hand_over(uint32_t ref, void *page)
{
	if (xengnt_kernel_cannot_end())
		xengnt_kernel_end(ref, page, _RET_IP_);
	else
		/* The core has looked: without a page the entry grants none of this domain's. */
		xengnt_kernel_defer_end(ref, page);
}

/* --- callbacks -------------------------------------------------------- */

void xg_port_call(void (*fn)(void *arg), void *arg)
{
	unsigned long flags;

	trace_xengnt_callback(fn);
	local_irq_save(flags);
	fn(arg);
	local_irq_restore(flags);
}

/* --- tracing --------------------------------------------------------- */

void xg_port_trace(enum xg_trace what, uint32_t ref, uint16_t domid)
{
	if (what == XG_TRACE_DEFER)
		trace_xengnt_defer(ref, domid);
	else
		trace_xengnt_reclaim(ref, domid);
}

/* --- reports --------------------------------------------------------- */

static const struct {
	const char *name;
	const char *text;
} reports[XG_REPORTS] = {
	[XG_REPORT_FREE_OF_FREE] = { "free_of_free",
		"freed, but it is already free or on a private list" },
	[XG_REPORT_FREE_OF_GRANTED] = { "free_of_granted",
		"freed while access is granted: end access first" },
	[XG_REPORT_FREE_OF_DEFERRED] = { "free_of_deferred",
		"freed while its end is deferred: it is freed when the other domain lets go" },
	[XG_REPORT_GRANT_UNCLAIMED] = { "grant_unclaimed",
		"granted without having been claimed: claim it first" },
	[XG_REPORT_GRANT_TWICE] = { "grant_twice",
		"granted while granted: end access first" },
	[XG_REPORT_GRANT_BAD_FRAME] = { "grant_bad_frame",
		"granted a frame beyond the range of an entry" },
	[XG_REPORT_END_UNCLAIMED] = { "end_unclaimed",
		"access ended, but no driver holds it" },
	[XG_REPORT_CLAIM_BAD_LIST] = { "claim_bad_list",
		"claimed from a list that it is not on" },
	[XG_REPORT_RELEASE_UNCLAIMED] = { "release_unclaimed",
		"released to a list without having been claimed" },
	[XG_REPORT_LIST_BROKEN] = { "list_broken",
		"named as the next member of a freed list, but not on one" },
	[XG_REPORT_BAD_RANGE] = { "bad_range", "beyond the table" },
	[XG_REPORT_BAD_POINTER] = { "bad_pointer", "NULL where a pointer is needed" },
	[XG_REPORT_LEAKED] = { "leaked", "never freed by its driver" },
	[XG_REPORT_POOL_NOT_EMPTY] = { "pool_not_empty", "still held when its pool was destroyed" },
	[XG_REPORT_UNREACHABLE] = { "unreachable",
		"not granted: the table has lost the frame of its entry" },
	[XG_REPORT_STILL_BUSY] = { "still_busy", "still in use by the other domain" },
};
static atomic_long_t report_counts[XG_REPORTS];

void xg_port_report(enum xg_report what, uint32_t ref, uint16_t domid, unsigned long caller)
{
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 20);

	atomic_long_inc(&report_counts[what]);
	trace_xengnt_misuse(reports[what].name, ref, domid, caller);
	if (__ratelimit(&limit)) {
		pr_err("reference %#x (domain %u): %s; caller %pS\n", ref, domid,
		       reports[what].text, (void *)caller);
		if (what == XG_REPORT_LEAKED)
			xengnt_owner_log(ref);
	}
}

unsigned long xengnt_reports(unsigned int what)
{
	return atomic_long_read(&report_counts[what]);
}

const char *xengnt_report_name(unsigned int what)
{
	return what < XG_REPORTS ? reports[what].name : NULL;
}

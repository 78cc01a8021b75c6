/* SPDX-License-Identifier: GPL-2.0 */
/* Declarations that shims share, in one section for each file that implements them. */
#ifndef XENGNT_INTERNAL_H
#define XENGNT_INTERNAL_H

#undef pr_fmt
#define pr_fmt(fmt) "xengnt: " fmt

#include <linux/types.h>
#include <xen/grant_table.h>
#include <xen/page.h>

struct page;

/*
 * Converts the number of a 4 KiB Xen frame to the PFN of the kernel page that holds it:
 * some arm64 kernels have larger pages. Not for PV, where frames are machine frames.
 */
static inline unsigned long xengnt_pfn_of(xen_pfn_t frame)
{
	return frame >> (PAGE_SHIFT - XEN_PAGE_SHIFT);
}

/* --- table_frames.c: the second mapping of the shared table ------------- */

/* May sleep. Frames can be reached, and suspends are followed, from init to exit. */
int xengnt_frames_init(unsigned int max_frames);
void xengnt_frames_exit(void);
/* References in one frame of the table. */
unsigned int xengnt_frame_refs(void);
/* Is @ref within the table that the kernel has set up? */
bool xengnt_kernel_has(unsigned int ref);
/* Would the kernel crash at its first end of access? */
bool xengnt_kernel_cannot_end(void);
/* Would the kernel corrupt its free list when its table grows? After a change of version. */
bool xengnt_kernel_cannot_grow(void);
/* Table frames that are mapped now. */
unsigned int xengnt_frames_mapped(void);

/* --- port.c: reports of misuse ------------------------------------------ */

/* The number of reports of a kind so far. */
unsigned long xengnt_reports(unsigned int what);
/* The kind's name in debugfs; NULL beyond the last kind. */
const char *xengnt_report_name(unsigned int what);

/* --- port_work.c: the core's work items --------------------------------- */

int xengnt_port_init(void);
/* May sleep. Once it returns no work of the core runs or is queued. */
void xengnt_port_stop_work(void);
void xengnt_port_exit(void);

/* --- unmap_queue.c: the workqueue of deferred unmaps --------------------- */

int xengnt_unmap_queue_init(void);
/* May sleep: waits for workers that are about to end. */
void xengnt_unmap_queue_exit(void);

/* --- auto_xlat.c: the list of frames of auto-translated guests ----------- */

int xengnt_table_init(void);
void xengnt_table_exit(void);

/* --- pools.c: the pools of modules, by the module notifier --------------- */

int xengnt_pools_init(void);
void xengnt_pools_exit(void);

/* --- debugfs.c ------------------------------------------------------------ */

void xengnt_debugfs_init(void);
void xengnt_debugfs_exit(void);

/* --- busy.c ---------------------------------------------------------------- */

/* Reports that an end of access found the page in use: a line each minute. Any context. */
void xengnt_say_busy(grant_ref_t ref, unsigned long caller);

/* --- port_lease.c ---------------------------------------------------------- */

/* How many references the kernel has free, 65,535 at most. */
unsigned int xengnt_kernel_free_count(void);

/* --- kernel_refs.c: references that are not leased ------------------------ */

/* False, and reported, for a reference beyond the kernel's table. */
bool xengnt_kernels_own(grant_ref_t ref, unsigned long caller);
/* As the kernel's functions of these names; false for a reference beyond its table. */
bool xengnt_kernel_end_ref(grant_ref_t ref, unsigned long caller);
bool xengnt_kernel_try_end(grant_ref_t ref, unsigned long caller);
/* Consumes the caller's reference on @page, which may be NULL. */
void xengnt_kernel_end(grant_ref_t ref, struct page *page, unsigned long caller);
/* The same, when @page is NULL because the entry grants no page of this domain. */
void xengnt_kernel_defer_end(grant_ref_t ref, struct page *page);

/* The stock functions themselves, not through a hook; see kernel_calls.c. */
void xengnt_kernel_free(grant_ref_t ref);
void xengnt_kernel_free_list(grant_ref_t head);
void xengnt_kernel_grant(grant_ref_t ref, domid_t domid, unsigned long frame, int readonly);
void xengnt_kernel_request_callback(struct gnttab_free_callback *callback, void (*fn)(void *),
				    void *arg, u16 count);
void xengnt_kernel_cancel_callback(struct gnttab_free_callback *callback);

#endif /* XENGNT_INTERNAL_H */

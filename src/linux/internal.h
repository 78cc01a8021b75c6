/* SPDX-License-Identifier: GPL-2.0 */
/* What the shims share among themselves. */
#ifndef XENGNT_INTERNAL_H
#define XENGNT_INTERNAL_H

#undef pr_fmt
#define pr_fmt(fmt) "xengnt: " fmt

#include <linux/types.h>
#include <xen/grant_table.h>
#include <xen/page.h>

struct page;

/*
 * The kernel's number of the page that a frame of Xen's is in. Frames have 4 KiB;
 * the kernel's pages have more on some arm64 kernels. Not for PV: those are machine frames.
 */
static inline unsigned long xengnt_pfn_of(xen_pfn_t frame)
{
	return frame >> (PAGE_SHIFT - XEN_PAGE_SHIFT);
}

/* The second mapping of the shared table; see table_frames.c. */
int xengnt_frames_init(unsigned int max_frames);
void xengnt_frames_exit(void);

/* Work items and lease watching; see port.c and port_lease.c. */
int xengnt_port_init(void);
/* No work of ours runs, or is queued, once this returns. */
void xengnt_port_stop_work(void);
void xengnt_port_exit(void);

/* The workqueue of the deferred unmaps; see unmap_queue.c. */
int xengnt_unmap_queue_init(void);
/* Waits for workers that are about to end. */
void xengnt_unmap_queue_exit(void);

/* The list of frames of auto-translated guests; see table.c. */
int xengnt_table_init(void);
void xengnt_table_exit(void);

/* Watches modules come and go; see pools.c. */
int xengnt_pools_init(void);
void xengnt_pools_exit(void);

void xengnt_debugfs_init(void);
void xengnt_debugfs_exit(void);

/* How many reports of each kind there were; see port.c. */
unsigned long xengnt_reports(unsigned int what);
const char *xengnt_report_name(unsigned int what);

/* How many references a frame of the table holds; see table_frames.c. */
unsigned int xengnt_frame_refs(void);
/* Whether the kernel's table reaches so far: what is beyond is nobody's reference. */
bool xengnt_kernel_has(unsigned int ref);
/* Whether the kernel would crash at the end of an access. */
bool xengnt_kernel_cannot_end(void);
/* Whether the kernel would crash when its table grows: the version has changed. */
bool xengnt_kernel_cannot_grow(void);
/* How many table frames are mapped by us now. */
unsigned int xengnt_frames_mapped(void);

/*
 * References that are not leased, as the stock functions of these names treat
 * them; those beyond the kernel's table are refused. See kernel_refs.c.
 */
bool xengnt_kernels_own(grant_ref_t ref, unsigned long caller);
bool xengnt_kernel_end_ref(grant_ref_t ref, unsigned long caller);
bool xengnt_kernel_try_end(grant_ref_t ref, unsigned long caller);
void xengnt_kernel_end(grant_ref_t ref, struct page *page, unsigned long caller);

#endif /* XENGNT_INTERNAL_H */

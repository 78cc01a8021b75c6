/* SPDX-License-Identifier: GPL-2.0 */
/* How table_frames.c maps single frames: table_window.c, status_frames.c. */
#ifndef XENGNT_TABLE_FRAMES_H
#define XENGNT_TABLE_FRAMES_H

#include <linux/errno.h>
#include <linux/types.h>
#include <xen/interface/xen.h>

#ifdef CONFIG_XEN_PV
/* table_window.c, PV guests: slots of virtual addresses, each mapped onto one machine frame. */
int xengnt_window_create(unsigned int slots);
/* Every slot must be unmapped. */
void xengnt_window_destroy(void);
/* The slot's address, now mapped onto @frame; or NULL. Any context. */
void *xengnt_window_map(unsigned int slot, xen_pfn_t frame);
void xengnt_window_unmap(unsigned int slot);
#else
static inline int xengnt_window_create(unsigned int slots) { return -ENODEV; }
static inline void xengnt_window_destroy(void) { }
static inline void *xengnt_window_map(unsigned int slot, xen_pfn_t frame) { return NULL; }
static inline void xengnt_window_unmap(unsigned int slot) { }
#endif

/*
 * status_frames.c, auto-translated guests: status frames at unpopulated pages of this
 * module. Create takes the pages for @count frames; it may sleep.
 */
int xengnt_status_create(unsigned int count);
void xengnt_status_destroy(void);
/* Places status frame @index, if it is not, and returns its address; or NULL. Any context. */
void *xengnt_status_place(unsigned int index);
/* After a resume no frame is placed. */
void xengnt_status_forget(void);

#endif /* XENGNT_TABLE_FRAMES_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* What the files that reach the table's frames share: table_frames.c uses the others. */
#ifndef XENGNT_TABLE_FRAMES_H
#define XENGNT_TABLE_FRAMES_H

#include <linux/errno.h>
#include <linux/types.h>
#include <xen/interface/xen.h>

#ifdef CONFIG_XEN_PV
/* Slots of virtual addresses, each onto one machine frame; see table_window.c. */
int xengnt_window_create(unsigned int slots);
/* All slots are unmapped. */
void xengnt_window_destroy(void);
/* Where the frame is seen now, or NULL. Any context. */
void *xengnt_window_map(unsigned int slot, xen_pfn_t frame);
void xengnt_window_unmap(unsigned int slot);
#else
static inline int xengnt_window_create(unsigned int slots) { return -ENODEV; }
static inline void xengnt_window_destroy(void) { }
static inline void *xengnt_window_map(unsigned int slot, xen_pfn_t frame) { return NULL; }
static inline void xengnt_window_unmap(unsigned int slot) { }
#endif

/*
 * Auto-translated guests: status frames on pages of our own; see status_frames.c.
 * The pages for @count frames are taken now, the frames placed when asked for.
 */
int xengnt_status_create(unsigned int count);
void xengnt_status_destroy(void);
/* Where status frame @index, which the table has, is seen; or NULL. Any context. */
void *xengnt_status_place(unsigned int index);
/* After a suspend none is placed any more. */
void xengnt_status_forget(void);

#endif /* XENGNT_TABLE_FRAMES_H */

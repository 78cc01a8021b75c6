/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Decisions of the backend's side: when a mapping or a copy is tried again,
 * which slots of a batch count as mapped, when a mapping that is still in use
 * is looked at again. The shims of src/linux/ make the hypercalls, wait and
 * keep the kernel's books; nothing here knows a page, a clock or a hypercall.
 * Read by C and by C++.
 *
 * Every function may be called in any context and touches only what it is
 * given: two calls exclude each other only where they share that.
 */
#ifndef XENGNT_CORE_BACKEND_H
#define XENGNT_CORE_BACKEND_H

#include "../port/port.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Statuses as Xen writes them; values from Xen's public grant_table.h. */
enum xg_status {
	XG_STATUS_OKAY = 0,
	XG_STATUS_ERROR = -1,
	XG_STATUS_BAD_PAGE = -9,
	XG_STATUS_EAGAIN = -12,
};

/*
 * Every status holds this before Xen is called. A slot that Xen did not reach
 * keeps it, so a call that ends early is not taken for success (XSA-318).
 */
#define XG_STATUS_PRESET XG_STATUS_ERROR

/* --- slots whose frame is paged out ------------------------------------ */

/* The longest wait before a retry. */
#define XG_RETRY_LONGEST_MS 255

/* One slot's retries; all zero before the first. */
struct xg_retry {
	uint32_t waited_ms; /* the latest wait */
};

/*
 * Milliseconds (1, 2, 3 ... 255) after which this slot alone is tried again, or
 * 0: *@status is final. After the longest wait a slot that is still paged out
 * is given up: *@status becomes XG_STATUS_BAD_PAGE.
 */
uint32_t xg_retry_after(struct xg_retry *retry, int16_t *status);

/* --- slots of a batch --------------------------------------------------- */

enum xg_slot {
	XG_SLOT_MARKED = 1,   /* the page is marked foreign, with domid and reference */
	XG_SLOT_ENTERED = 2,  /* PV: the page's p2m entry becomes the mapped frame */
};

/*
 * The XG_SLOT_ bits of a slot once Xen has answered. @kmap_status is NULL
 * when the batch has no second mapping. Each mapping stands on its own: one
 * that worked stays the caller's to unmap, whatever became of the other
 * (CVE-2022-50257), but a p2m entry needs both.
 */
unsigned int xg_map_slot(int16_t map_status, const int16_t *kmap_status);

/* The result of mapping a batch: the first call's error, else the second's. */
int xg_map_result(int map_error, int kmap_error);

/*
 * Whether a slot's mark and p2m entry go after an unmap call that returned
 * @error. When Xen did not get through the batch only those that it says it
 * unmapped do; the others are still mapped.
 */
bool xg_unmap_slot(int error, int16_t status);

/*
 * The result of unmapping a batch: the error of the first call, else of the
 * second (@kunmap_error), else XG_INVALID (-22) when @strays pages had no foreign
 * p2m entry, else 0.
 */
int xg_unmap_result(int unmap_error, int kunmap_error, unsigned int strays);

/* --- pieces of pages ------------------------------------------------------ */

/*
 * A page of the kernel's is one or more of Xen's frames of 4 KiB: 4 or 16 where
 * it has pages of 16 or 64 KiB.
 */
#define XG_FRAME_SIZE 4096u

/* The part of a range that one grant shows. */
struct xg_piece {
	uint32_t frame;  /* counted from the page's (or the first page's) first */
	uint32_t offset; /* in the frame */
	uint32_t length; /* 1 to XG_FRAME_SIZE */
};

/*
 * The next piece of the range of @length bytes from @offset of a page of
 * @page_size bytes. The first of a range has @piece all zero, every later one the
 * piece before. False: there is none. What lies beyond the page is left out.
 */
bool xg_next_piece(uint32_t page_size, uint32_t offset, uint32_t length, struct xg_piece *piece);

/* The page that frame @number of consecutive pages is in, and where it begins there, in bytes. */
uint32_t xg_frame_page(uint32_t page_size, uint32_t number, uint32_t *offset);

/* --- the deferred unmap queue ------------------------------------------- */

/* The wait grows by this much with every look. */
#define XG_UNMAP_STEP_MS 5
/* More than any host's timer takes as a number of milliseconds is never asked for. */
#define XG_UNMAP_LONGEST_MS 0x7fffffffu

/*
 * The first look at an item: @held says whether somebody else still holds one
 * of its pages. 0: unmap now, and give `done` that result; else the number of
 * milliseconds after which to look again, 5 x (*@age + 1). *@age becomes 0.
 */
uint32_t xg_unmap_first_look(uint32_t *age, bool held);
/* Every later look: *@age grows by one first, and stays at its largest value. */
uint32_t xg_unmap_next_look(uint32_t *age, bool held);

#ifdef __cplusplus
}
#endif

#endif /* XENGNT_CORE_BACKEND_H */

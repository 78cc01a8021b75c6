/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All that the core needs from its host. Implemented once on the kernel
 * (src/linux/port.c and its neighbours) and once as a simulated hypervisor
 * (tests/host/); the core's objects are the same under both.
 *
 * Unless a comment says otherwise every function may be called in any
 * context, interrupts off included, does not sleep, and takes no lock of the
 * core.
 */
#ifndef XENGNT_PORT_H
#define XENGNT_PORT_H

#if defined(__cplusplus)
#include <cstddef>
#include <cstdint>
#elif defined(__KERNEL__)
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* --- memory --------------------------------------------------------- */

/* The size of the pages below: one per 512 references of metadata. */
#define XG_PORT_PAGE_SIZE 4096

/* A zeroed page, or NULL. */
void *xg_port_page_alloc(void);
void xg_port_page_free(void *page);

/* Zeroed memory of any size, or NULL. May sleep: only from setting up. */
void *xg_port_alloc(size_t bytes);
/* The same without sleeping: more likely to be refused. */
void *xg_port_alloc_atomic(size_t bytes);
/* Frees what xg_port_alloc() gave; NULL is fine. May sleep. */
void xg_port_free(void *memory);

/* --- locks ---------------------------------------------------------- */

/* Room for the host's spinlock, debugging kernels included. */
struct xg_port_lock {
	unsigned long opaque[16];
};

/* Classes of locks, so that the host's lock checker can tell them apart. */
enum xg_lock_class {
	XG_LOCK_STORE,
	XG_LOCK_DEFERRED,
	XG_LOCK_CALLBACKS,
	XG_LOCK_POOLS,
	XG_LOCK_CLASSES
};

void xg_port_lock_init(struct xg_port_lock *lock, enum xg_lock_class which);
/* Interrupts are off from acquire to release; the value goes back in. */
unsigned long xg_port_lock_acquire(struct xg_port_lock *lock);
void xg_port_lock_release(struct xg_port_lock *lock, unsigned long flags);

/* The same without a lock: no interrupt of this processor comes in between. */
unsigned long xg_port_irqs_off(void);
void xg_port_irqs_on(unsigned long flags);

/* --- processors and time -------------------------------------------- */

/* How many processor numbers there are: each one below this. */
unsigned int xg_port_cpus(void);
/* Stay on this processor; its number. Interrupts may still come. */
unsigned int xg_port_pin(void);
void xg_port_unpin(void);
/* A value that tells running threads (and interrupts of them) apart. */
unsigned long xg_port_self(void);
/* One turn of a short busy wait. */
void xg_port_relax(void);
/* Milliseconds of a clock that never goes back. */
uint64_t xg_port_now_ms(void);

/* --- the grant table and the kernel's own allocator ------------------ */

/*
 * Takes up to @count (at most XG_LEASE_BATCH) references from the kernel's
 * allocator into @refs. All of them or none: returns @count or 0.
 * Outside every lock of the core.
 */
#define XG_LEASE_BATCH 128
unsigned int xg_port_lease(unsigned int count, uint32_t *refs);
/* Gives references back; cannot fail. Outside every lock of the core. */
void xg_port_unlease(const uint32_t *refs, unsigned int count);
/*
 * The kernel's own functions on private lists, for references that are not
 * leased: the first one off a list (negative: the kernel has no such reference),
 * one onto a list (0, or negative), and a list of nothing else freed.
 */
int xg_port_kernel_claim(uint32_t *head);
int xg_port_kernel_release(uint32_t *head, uint32_t ref);
void xg_port_kernel_free_list(uint32_t head);
/*
 * Has xg_kernel_has_room() called once the kernel's allocator has at least
 * @count references free; replaces an earlier watch. 0 stops watching and
 * returns only when no such call is running.
 * Outside every lock of the core.
 */
void xg_port_watch_kernel(unsigned int count);

/* Frames of the shared table have Xen's size, whatever the host's pages have. */
#define XG_PORT_FRAME_SIZE 4096
/* Where frame @index of the shared table is mapped, or NULL if it is not. */
void *xg_port_table_frame(unsigned int index);
/* The same for the status words that version 2 keeps apart. */
void *xg_port_status_frame(unsigned int index);
/*
 * Whether Xen's table has no frame @index any more, as after a restore with a
 * smaller table: then no grant in it can be mapped. False when the frame only
 * cannot be reached from here. The caller is pinned.
 */
bool xg_port_table_frame_gone(unsigned int index);

/* --- pages ----------------------------------------------------------- */

/* Takes a reference on the page behind a frame of this domain, or NULL. */
void *xg_port_page_of_frame(uint64_t frame);
/* Drops one reference on a page. */
void xg_port_page_put(void *page);

/*
 * Gives a reference that the other domain still uses, and its page, to the
 * kernel's own deferred end. Only when the core shuts down.
 */
void xg_port_hand_over(uint32_t ref, void *page);

/* --- work ------------------------------------------------------------ */

enum xg_work {
	XG_WORK_DEFERRED, /* runs xg_deferred_work() */
	XG_WORK_LEASE,    /* runs xg_lease_work() */
	XG_WORKS
};

/* Runs the work in a context that may sleep, @delay_ms from now; earlier if
 * it was due earlier already.
 */
void xg_port_schedule(enum xg_work work, unsigned int delay_ms);

/* Runs a driver's callback with interrupts off, as the kernel does. */
void xg_port_call(void (*fn)(void *arg), void *arg);

/* --- tracing --------------------------------------------------------- */

enum xg_trace {
	XG_TRACE_DEFER,
	XG_TRACE_RECLAIM,
};

/* Something happened that only the core knows. Costs nothing while nobody looks. */
void xg_port_trace(enum xg_trace what, uint32_t ref, uint16_t domid);

/* --- reports --------------------------------------------------------- */

enum xg_report {
	XG_REPORT_FREE_OF_FREE,      /* a reference that is free, or on a private list */
	XG_REPORT_FREE_OF_GRANTED,   /* freed while granted */
	XG_REPORT_FREE_OF_DEFERRED,  /* freed while its end is deferred */
	XG_REPORT_GRANT_UNCLAIMED,   /* granted without being claimed */
	XG_REPORT_GRANT_TWICE,       /* granted while granted */
	XG_REPORT_GRANT_BAD_FRAME,   /* a frame that a version 1 entry cannot hold */
	XG_REPORT_END_UNCLAIMED,     /* access ended on a reference nobody holds */
	XG_REPORT_CLAIM_BAD_LIST,    /* claim from a list that is not one */
	XG_REPORT_RELEASE_UNCLAIMED, /* released to a list without being claimed */
	XG_REPORT_LIST_BROKEN,       /* a freed list with a member that is not on it */
	XG_REPORT_BAD_RANGE,         /* a reference or count beyond the table */
	XG_REPORT_BAD_POINTER,       /* NULL where something must be */
	XG_REPORT_LEAKED,            /* still held when the module goes */
	XG_REPORT_STILL_BUSY,        /* the other domain still uses it */
	XG_REPORT_POOL_NOT_EMPTY,    /* still out when its pool was destroyed */
	XG_REPORT_UNREACHABLE,       /* granted, and the table has lost the frame of its entry */
	XG_REPORTS
};

/* One rate-limited log line that names the reference, domain and caller. */
void xg_port_report(enum xg_report what, uint32_t ref, uint16_t domid, unsigned long caller);

#ifdef __cplusplus
}
#endif

#endif /* XENGNT_PORT_H */

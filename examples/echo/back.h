/* SPDX-License-Identifier: GPL-2.0 */
/* Between the two halves of the backend: xenbus, and the ring with its grants. */
#ifndef ECHO_BACK_H
#define ECHO_BACK_H

#include "echo.h"

#include <linux/workqueue.h>
#include <xen/grant_table.h>

#define REQUEST_PAGES	(2 * ECHO_PAGES)	/* the question's, then the answer's */

struct xenbus_device;

/* All that a frontend can make the backend hold is in here, once per device. */
struct echo_back {
	struct xenbus_device *xbdev;
	unsigned int irq;		/* 0: none */
	struct vecho_sring *shared;	/* the frontend's page, while connected */
	struct vecho_back_ring ring;
	struct work_struct work;	/* what an event asks for */
	bool stop;			/* the work is to come to an end */
	bool broken;			/* the frontend has lied: nothing more is read from it */
	u64 served, refused;		/* requests, by what they were answered */
	struct page *pages[REQUEST_PAGES];	/* to map a request's grants into */
	u8 *copy;			/* of the question, ECHO_BYTES_MAX */
};

int echo_back_alloc(struct echo_back *back);
void echo_back_free(struct echo_back *back);

/*
 * Serves what is in the ring. Returns how many requests, or an errno when the
 * frontend lies. Not to be called twice at once.
 */
int echo_back_serve(struct echo_back *back);

#endif /* ECHO_BACK_H */

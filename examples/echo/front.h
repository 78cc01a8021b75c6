/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between the two halves of the frontend: front_bus.c knows xenbus, interrupts
 * and sysfs, front_ring.c (in the C++ example front_ring.cc) knows the ring, the
 * pages and their grants. Nobody calls two of these functions at once.
 */
#ifndef ECHO_FRONT_H
#define ECHO_FRONT_H

#include "echo.h"

struct echo_front;

struct echo_counts {
	u64 answered;	/* messages that came back as they were sent */
	u64 bytes;	/* in them */
	u64 wrong;	/* messages that did not */
	u64 resent;	/* sent again, to a new backend or after a restore */
	u64 kept;	/* pages that the backend had still mapped when it answered */
};

#ifdef __cplusplus
extern "C" {
#endif

/* The memory and the quota of a device; NULL when there is no memory or no reference. */
struct echo_front *echo_front_create(const char *name);
void echo_front_destroy(struct echo_front *front);

/* Makes a ring that the domain may map. Returns 0 or an errno. */
int echo_front_connect(struct echo_front *front, u16 domid, u32 *ring_ref);
/* Takes everything back; messages on their way are sent again when connected. */
void echo_front_disconnect(struct echo_front *front);

/* Sends this many more messages. */
void echo_front_want(struct echo_front *front, u32 messages);
/* Those that are not on their way yet are not to be sent any more. */
void echo_front_cancel(struct echo_front *front);
/* Nothing more is to be sent, nothing is on its way. */
int echo_front_idle(const struct echo_front *front);
struct echo_counts echo_front_counts(const struct echo_front *front);

/* Sends what there is room for. Returns 1 when the backend wants an event. */
int echo_front_send(struct echo_front *front);
/* Takes the messages that have arrived. Returns how many, or an errno when the backend lies. */
int echo_front_receive(struct echo_front *front);

#ifdef __cplusplus
}
#endif

#endif /* ECHO_FRONT_H */

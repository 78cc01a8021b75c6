/* SPDX-License-Identifier: GPL-2.0 */
/* Those who sleep until a pool has references; see waiting.c. */
#ifndef XENGNT_WAITING_H
#define XENGNT_WAITING_H

struct xg_pool;

/* The pool's limit has changed: those who wait for it look again. Any context. */
void xengnt_waiters_look(const struct xg_pool *pool);
/* A pool goes: sends away those who wait for it, and returns when they have left. May sleep. */
void xengnt_waiters_end(const struct xg_pool *pool);

#endif /* XENGNT_WAITING_H */

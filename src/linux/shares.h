/* SPDX-License-Identifier: GPL-2.0 */
/* Reserves and limits of pools by name; see shares.c. */
#ifndef XENGNT_SHARES_H
#define XENGNT_SHARES_H

#include <linux/types.h>

struct xg_pool;

/*
 * A pool has been made with this reserve and limit: gives it those that the
 * parameters name for it, if any. Any context.
 */
void xengnt_shares_apply(struct xg_pool *pool, u32 reserve, u32 limit);
/* Before a pool is destroyed for which the above was called. May sleep. */
void xengnt_shares_forget(struct xg_pool *pool);

#endif /* XENGNT_SHARES_H */

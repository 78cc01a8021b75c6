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
void xengnt_shares_forget(const struct xg_pool *pool);
/* Tries once more what could not be met. May sleep. */
void xengnt_shares_retry(void);
/* All pools are about to go: the parameters can be written until the module is gone. */
void xengnt_shares_exit(void);

#endif /* XENGNT_SHARES_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* Which driver holds which reference, recorded while the parameter `track` is on. */
#ifndef XENGNT_TRACKING_H
#define XENGNT_TRACKING_H

#include <linux/jump_label.h>
#include <linux/types.h>

struct seq_file;
struct xg_pool;

DECLARE_STATIC_KEY_FALSE(xengnt_tracking);

/* Record that a driver got these: consecutive, or a private list. Call only behind the key. */
void __xengnt_track_taken(u32 first, u32 count);
void __xengnt_track_list(u32 head);

/* While tracking is off each of these is one no-op instruction. */
static inline void xengnt_track_taken(u32 first, u32 count)
{
	if (static_branch_unlikely(&xengnt_tracking))
		__xengnt_track_taken(first, count);
}

static inline void xengnt_track_list(u32 head)
{
	if (static_branch_unlikely(&xengnt_tracking))
		__xengnt_track_list(head);
}

/* List the references that drivers hold (of @pool, or all), grouped by allocating stack. */
void xengnt_owners_show(struct seq_file *file);
void xengnt_owners_log(const struct xg_pool *pool);
void xengnt_owner_log(u32 ref);

/* May sleep. From init to exit the parameter can be switched at run time. */
int xengnt_tracking_init(u32 table_refs);
void xengnt_tracking_exit(void);

#endif /* XENGNT_TRACKING_H */

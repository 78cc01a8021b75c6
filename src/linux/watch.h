/* SPDX-License-Identifier: GPL-2.0 */
/* Readings of the whole table, beyond debugfs: headroom.c, sysfs.c, panic.c. */
#ifndef XENGNT_WATCH_H
#define XENGNT_WATCH_H

#include <linux/types.h>

struct seq_file;

/*
 * The table as a whole. references = used + free + kernel_used + kernel_free, and
 * references_max = references + growable.
 */
struct xengnt_headroom {
	u32 frames, frames_max;		/* that the table has, and that it can have */
	u32 references, references_max;	/* that these frames hold */
	u32 used, free;			/* leased: with drivers, and with us */
	u32 kernel_used, kernel_free;	/* not leased; kernel_used has Xen's eight reserved ones */
	u32 growable;			/* of frames that the table does not have yet */
	u32 headroom;			/* free, kernel_free and growable together */
};

struct xg_stats;
/*
 * And the numbers of the core that it is worked out from. Looks at every reference.
 * 0, or -EIO when Xen does not tell the table's size.
 */
int xengnt_read_headroom(struct xengnt_headroom *headroom, struct xg_stats *stats);

#define XENGNT_HOLDERS 3
/*
 * What the watch saw last, for the lines of a panic and for readers of a crash dump.
 * Only the work item writes it; pools that hold nothing have no name.
 */
struct xengnt_seen {
	struct xengnt_headroom headroom;
	struct {
		u32 held;
		char name[32];
	} biggest[XENGNT_HOLDERS];
	unsigned long when; /* jiffies; 0: not yet */
};
extern struct xengnt_seen xengnt_seen;

/* The lines of debugfs' stats about it. */
void xengnt_show_headroom(struct seq_file *file);

void xengnt_headroom_init(void);
void xengnt_headroom_exit(void);
/* Has the watch look soon: references were leased, or a pool has come. Any context. */
void xengnt_headroom_kick(void);

/* /sys/kernel/xengnt. Without it the module works all the same, so it cannot fail. */
void xengnt_sysfs_init(void);
void xengnt_sysfs_exit(void);
/* Makes the directories of pools that have come, takes away those of pools that have gone. May sleep. */
void xengnt_sysfs_update_pools(void);

void xengnt_panic_init(void);
void xengnt_panic_exit(void);

/* Takeover tells its state: whether it is on, and how many of its hooks stopped working. */
void xengnt_note_takeover(bool active, unsigned int hooks_lost);
bool xengnt_takeover_active(void);
unsigned int xengnt_hooks_lost(void);

#endif /* XENGNT_WATCH_H */

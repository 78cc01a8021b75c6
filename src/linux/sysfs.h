/* SPDX-License-Identifier: GPL-2.0 */
/* Between sysfs.c and sysfs_pools.c. */
#ifndef XENGNT_SYSFS_H
#define XENGNT_SYSFS_H

struct kobject;

/* The directory pools below @top; 0 or -ENOMEM. */
int xengnt_sysfs_pools_init(struct kobject *top);
void xengnt_sysfs_pools_exit(void);

#endif /* XENGNT_SYSFS_H */

// SPDX-License-Identifier: GPL-2.0
/* The module's life: what is set up when it loads, and taken down when it goes. */
#include "internal.h"

#include <linux/module.h>
#include <xen/grant_table.h>
#include <xen/xen.h>
#include <xengnt/copy_grants.h>

#include "../core/core.h"
#include "takeover.h"
#include "tracking.h"
#include "watch.h"

static unsigned int lease_limit;
module_param(lease_limit, uint, 0444);
MODULE_PARM_DESC(lease_limit, "references leased from the kernel at most (0: as many as there are)");

static unsigned int lease_step = 64;
module_param(lease_step, uint, 0444);
MODULE_PARM_DESC(lease_step, "references leased at a time at least, 1 to 128 (64)");

static unsigned int spare_limit = 1024;
module_param(spare_limit, uint, 0444);
MODULE_PARM_DESC(spare_limit, "free references kept when idle, the rest goes back (1024)");

static int kernel_reserve = -1;
module_param(kernel_reserve, int, 0444);
MODULE_PARM_DESC(kernel_reserve, "references never leased, for the kernel's own users (-1: an eighth of the table)");

static bool strict;
module_param(strict, bool, 0444);
MODULE_PARM_DESC(strict, "find races of wrong callers on one reference too, at a cost (0)");

static int __init xengnt_module_init(void)
{
	struct xg_config config = {
		.lease_limit = lease_limit,
		.lease_step = lease_step,
		.spare_limit = spare_limit,
		.strict = strict,
	};
	unsigned int frames;
	int err;

	if (!xen_domain()) {
		pr_err("not running on Xen: there is no grant table here\n");
		return -ENODEV;
	}
	if (!lease_step || lease_step > XG_LEASE_BATCH) {
		pr_err("lease_step=%u: must be 1 to %d\n", lease_step, XG_LEASE_BATCH);
		return -EINVAL;
	}

	frames = gnttab_max_grant_frames();
	err = xengnt_frames_init(frames);
	if (err)
		return err;
	config.table_version = xengnt_table_version();
	config.table_refs = min(frames * xengnt_frame_refs(), 1u << 20);
	config.kernel_reserve = kernel_reserve < 0 ? config.table_refs / 8 : kernel_reserve;
	/* Otherwise a small table would never be returned to the kernel. */
	config.spare_limit = min(spare_limit, config.table_refs / 4);
	err = xengnt_port_init();
	if (err)
		goto frames;
	err = xengnt_unmap_queue_init();
	if (err)
		goto port;
	err = xengnt_table_init();
	if (err)
		goto queue;
	if (xg_core_start(&config)) {
		err = -ENOMEM;
		goto lists;
	}
	err = xengnt_pools_init();
	if (err)
		goto core;
	err = xengnt_tracking_init(config.table_refs);
	if (err)
		goto pools;
	xengnt_debugfs_init();
	xengnt_sysfs_init();
	xengnt_panic_init();
	xengnt_headroom_init();
	pr_info("ready: version %u table, up to %u frames, %u references\n",
		config.table_version, frames, config.table_refs);
	xengnt_takeover_init();
	return 0;

pools:
	xengnt_pools_exit();
core:
	xg_core_stop();
lists:
	xengnt_table_exit();
queue:
	xengnt_unmap_queue_exit();
port:
	xengnt_port_exit();
frames:
	xengnt_frames_exit();
	pr_err("cannot start: error %d\n", err);
	return err;
}

static void __exit xengnt_module_exit(void)
{
	/* Drivers that use us pin us, and so do hooks: nobody allocates any more. */
	xengnt_takeover_exit();
	xengnt_panic_exit();
	xengnt_sysfs_exit();
	xengnt_debugfs_exit();
	xengnt_pools_exit();
	xengnt_unmap_queue_exit();
	xengnt_table_exit();
	xg_port_watch_kernel(0);
	xengnt_port_stop_work();
	/* Leasing sets the watch going: nobody leases any more. */
	xengnt_headroom_exit();
	xg_core_stop();
	xengnt_tracking_exit();
	xengnt_port_exit();
	xengnt_frames_exit();
	pr_info("gone\n");
}

module_init(xengnt_module_init);
module_exit(xengnt_module_exit);

MODULE_DESCRIPTION("A second grant-table interface for Xen guests");
MODULE_AUTHOR("The xengnt developers");
MODULE_LICENSE("GPL");
MODULE_VERSION(XENGNT_VERSION);

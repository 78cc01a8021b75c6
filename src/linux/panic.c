// SPDX-License-Identifier: GPL-2.0
/*
 * A few lines in the log when the kernel panics: they are on the console, and in
 * the log that a crash dump has. Nothing is asked of Xen or of the kernel's
 * allocator then, and no lock is waited for: a stopped CPU may hold it. So most of
 * it is what the watch (headroom.c) saw last, at most some ten seconds before.
 */
#include "internal.h"
#include "watch.h"

#include <linux/jiffies.h>
#include <linux/notifier.h>
#include <linux/panic_notifier.h>

#include "../core/core.h"

static int say_state(struct notifier_block *self, unsigned long event, void *unused)
{
	const struct xengnt_headroom *headroom = &xengnt_seen.headroom;
	struct xg_lease lease;
	int i;

	xg_read_lease(&lease);
	pr_emerg("at the panic: %u references leased; takeover %s, %u of its hooks lost\n",
		 lease.leased, xengnt_takeover_active() ? "on" : "off", xengnt_hooks_lost());
	pr_emerg("%lu s before: %u of %u references left, %u with drivers on xengnt, %u with the kernel\n",
		 (jiffies - xengnt_seen.when) / HZ, headroom->headroom, headroom->references_max,
		 headroom->used, headroom->kernel_used);
	for (i = 0; i < XENGNT_HOLDERS && xengnt_seen.biggest[i].held; i++)
		pr_emerg("%u of them with pool %s\n", xengnt_seen.biggest[i].held,
			 xengnt_seen.biggest[i].name);
	return NOTIFY_DONE;
}

static struct notifier_block panic_notifier = {
	.notifier_call = say_state,
	.priority = 1, /* before what stops the machine */
};

void xengnt_panic_init(void)
{
	atomic_notifier_chain_register(&panic_notifier_list, &panic_notifier);
}

void xengnt_panic_exit(void)
{
	atomic_notifier_chain_unregister(&panic_notifier_list, &panic_notifier);
}

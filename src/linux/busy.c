// SPDX-License-Identifier: GPL-2.0
/*
 * A driver that ends access while the other domain still uses the page. Some ask
 * again and again until it lets go: the log has one line each minute, and a count.
 */
#include "internal.h"

#include <linux/jiffies.h>
#include <linux/spinlock.h>

#define SAY_INTERVAL (60 * HZ)

static DEFINE_RAW_SPINLOCK(lock);
static unsigned long said_jiffies;
static unsigned long unsaid;
static bool said;

void xengnt_say_busy(grant_ref_t ref, unsigned long caller)
{
	unsigned long before = 0;
	unsigned long flags;
	bool now;

	raw_spin_lock_irqsave(&lock, flags);
	now = !said || time_after_eq(jiffies, said_jiffies + SAY_INTERVAL);
	if (now) {
		said = true;
		said_jiffies = jiffies;
		before = unsaid;
		unsaid = 0;
	} else {
		unsaid++;
	}
	raw_spin_unlock_irqrestore(&lock, flags);
	if (now)
		pr_warn("reference %#x is still in use; caller %pS; %lu more such ends since the last such line\n",
			ref, (void *)caller, before);
}

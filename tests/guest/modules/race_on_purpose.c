// SPDX-License-Identifier: GPL-2.0
/* A thread writes what another reads, neither marked, for the suite that asks whether KCSAN watches. */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>

static unsigned long count;
static unsigned long seen;

static int write_count(void *unused)
{
	while (!kthread_should_stop()) {
		count++;
		cond_resched();
	}
	return 0;
}

static int __init race_init(void)
{
	struct task_struct *writer = kthread_run(write_count, NULL, "race_on_purpose");
	unsigned long end = jiffies + HZ;

	if (IS_ERR(writer))
		return PTR_ERR(writer);
	while (time_before(jiffies, end)) {
		seen += count;
		cond_resched();
	}
	return kthread_stop(writer);
}

static void __exit race_exit(void)
{
}

module_init(race_init);
module_exit(race_exit);
MODULE_DESCRIPTION("xengnt test: a data race");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0
/* Somebody else who redirects one of the kernel's functions, as a livepatch would. */
#include <linux/ftrace.h>
#include <linux/module.h>
#include <xen/grant_table.h>

static void leave_it(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		     struct ftrace_regs *fregs)
{
}

static struct ftrace_ops ops = {
	.func = leave_it,
	.flags = FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT,
};

static int __init other_init(void)
{
	int err = ftrace_set_filter_ip(&ops, (unsigned long)gnttab_end_foreign_access_ref, 0, 1);

	return err ?: register_ftrace_function(&ops);
}

static void __exit other_exit(void)
{
	unregister_ftrace_function(&ops);
}

module_init(other_init);
module_exit(other_exit);
MODULE_DESCRIPTION("xengnt test: another user of ftrace's redirection");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0
/*
 * As long as this is loaded, xengnt's own calls do not reach its hooks: they are what
 * it tries them with. Calls of drivers reach them all the same.
 */
#include <linux/errno.h>
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/string.h>

#ifdef CONFIG_X86_64

static bool is_xengnts(unsigned long address)
{
	char symbol[KSYM_SYMBOL_LEN];

	sprint_symbol(symbol, address);
	return strstr(symbol, "[xengnt]");
}

/* At the hook's entry: its second argument is who called the function that is hooked. */
static int skip_own(struct kprobe *probe, struct pt_regs *regs)
{
	if (!is_xengnts(regs->si))
		return 0;
	regs->ip = *(unsigned long *)regs->sp;
	regs->sp += sizeof(long);
	return 1;
}

/* With this it is not made a jump, which could not return elsewhere. */
static void stay_a_breakpoint(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

static struct kprobe probe = {
	.symbol_name = "xengnt:redirect",
	.pre_handler = skip_own,
	.post_handler = stay_a_breakpoint,
};

static int __init lose_hooks_init(void)
{
	return register_kprobe(&probe);
}

static void __exit lose_hooks_exit(void)
{
	unregister_kprobe(&probe);
}

#else

static int __init lose_hooks_init(void)
{
	return -EOPNOTSUPP;
}

static void __exit lose_hooks_exit(void)
{
}

#endif

module_init(lose_hooks_init);
module_exit(lose_hooks_exit);
MODULE_DESCRIPTION("xengnt test: hooks that are not reached any more");
MODULE_LICENSE("GPL");

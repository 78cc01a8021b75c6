// SPDX-License-Identifier: GPL-2.0
/*
 * Makes the nth allocation that xengnt asks the kernel for fail, by probing the
 * kernel's functions: distribution kernels come without fault injection, and the
 * module is tested as it is.
 */
#include <linux/atomic.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/string.h>

#include "fail_alloc.h"

/* No lock: a probe comes in anywhere, as an NMI does. */
static atomic_t left;
static bool fired;
static const char *last = "nothing";

static int set_nth(const char *value, const struct kernel_param *param)
{
	unsigned int nth;
	int err = kstrtouint(value, 0, &nth);

	if (!err)
		fail_alloc_set(nth);
	return err;
}
static const struct kernel_param_ops nth_ops = { .set = set_nth };
module_param_cb(nth, &nth_ops, NULL, 0200);
MODULE_PARM_DESC(nth, "the nth allocation of xengnt from now on fails");
module_param(fired, bool, 0444);
MODULE_PARM_DESC(fired, "whether it has failed");

static int get_last(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%s\n", last);
}
static const struct kernel_param_ops last_ops = { .get = get_last };
module_param_cb(last, &last_ops, NULL, 0444);
MODULE_PARM_DESC(last, "the function that was made to fail last");

void fail_alloc_set(unsigned int nth)
{
	WRITE_ONCE(fired, false);
	atomic_set(&left, nth);
}
EXPORT_SYMBOL_GPL(fail_alloc_set);

bool fail_alloc_fired(void)
{
	return READ_ONCE(fired);
}
EXPORT_SYMBOL_GPL(fail_alloc_fired);

static bool is_xengnt(unsigned long caller)
{
	char name[KSYM_SYMBOL_LEN];

	snprintf(name, sizeof(name), "%pS", (void *)caller);
	return strstr(name, "[xengnt]");
}

static bool due(unsigned long caller)
{
	if (!atomic_read(&left) || !is_xengnt(caller))
		return false;
	if (atomic_dec_if_positive(&left))
		return false;
	WRITE_ONCE(fired, true);
	return true;
}

/* Where a function that fails goes instead: back to its caller, the result set. */
static noinline void return_at_once(void)
{
	asm volatile("");
}

struct target {
	struct kprobe probe;
	long result;
};

/* At a function's first instruction. */
static unsigned long caller_of(struct pt_regs *regs)
{
#ifdef CONFIG_ARM64
	return procedure_link_pointer(regs);
#else
	return *(unsigned long *)regs->sp;
#endif
}

static int __kprobes before(struct kprobe *probe, struct pt_regs *regs)
{
	struct target *target = container_of(probe, struct target, probe);

	if (!due(caller_of(regs)))
		return 0;
	last = probe->symbol_name;
	regs_set_return_value(regs, target->result);
	instruction_pointer_set(regs, (unsigned long)return_at_once);
	return 1;
}

/* There is one so that the kernel lets the other change where execution goes on. */
static void __kprobes after(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

#define TARGET(name, wanted) { \
	.probe = { .symbol_name = name, .pre_handler = before, .post_handler = after }, \
	.result = (wanted), \
}

/* What each kernel has of these; the second name is that of 6.10 and later. */
static struct target targets[] = {
	TARGET("__kmalloc", 0),
	TARGET("__kmalloc_noprof", 0),
	TARGET("kmalloc_trace", 0),
	TARGET("__kmalloc_cache_noprof", 0),
	TARGET("kvmalloc_node", 0),
	TARGET("__kvmalloc_node_noprof", 0),
	TARGET("alloc_pages", 0),
	TARGET("alloc_pages_noprof", 0),
	TARGET("__alloc_pages", 0), /* where there is no NUMA */
	TARGET("get_zeroed_page", 0),
	TARGET("get_zeroed_page_noprof", 0),
	TARGET("alloc_workqueue", 0),
	TARGET("alloc_workqueue_noprof", 0),
	TARGET("vmap", 0),
	TARGET("vzalloc", 0),
	TARGET("vzalloc_noprof", 0),
	TARGET("memremap", 0),
	TARGET("dma_alloc_attrs", 0),
	TARGET("stack_depot_init", -ENOMEM),
	TARGET("register_module_notifier", -ENOMEM),
	TARGET("xen_alloc_unpopulated_pages", -ENOMEM),
	TARGET("xen_alloc_ballooned_pages", -ENOMEM),
	TARGET("xen_alloc_p2m_entry", -ENOMEM),
	TARGET("gnttab_alloc_grant_references", -ENOSPC),
};

static int __init fail_alloc_init(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(targets); i++) {
		err = register_kprobe(&targets[i].probe);
		if (!err)
			continue;
		/* Not in every kernel. */
		pr_info("fail_alloc: no %s: error %d\n", targets[i].probe.symbol_name, err);
		targets[i].probe.symbol_name = NULL;
	}
	return 0;
}

static void __exit fail_alloc_exit(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(targets); i++)
		if (targets[i].probe.symbol_name)
			unregister_kprobe(&targets[i].probe);
}

module_init(fail_alloc_init);
module_exit(fail_alloc_exit);
MODULE_DESCRIPTION("xengnt test: allocations that fail");
MODULE_LICENSE("GPL");

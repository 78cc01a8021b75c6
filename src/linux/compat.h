/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Differences between the kernels that the module builds for, each with the version
 * that brought it. No other file tests the kernel's version.
 */
#ifndef XENGNT_COMPAT_H
#define XENGNT_COMPAT_H

#include <linux/module.h>
#include <linux/syscore_ops.h>
#include <linux/version.h>
#include <linux/workqueue.h>

/* 6.10: __assign_str() takes the source string from __string(). */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define xengnt_assign_str(field, from) __assign_str(field)
#else
#define xengnt_assign_str(field, from) __assign_str(field, from)
#endif

/*
 * 6.19, backported to stable kernels (6.12.117 has it): struct syscore, whose callbacks
 * get a pointer. Kbuild looks for it in the header, since the version does not tell.
 */
#ifdef XENGNT_HAVE_STRUCT_SYSCORE
#define XENGNT_SYSCORE(name, suspend_fn, resume_fn) \
	static int name##_suspend(void *unused) \
	{ \
		return suspend_fn(); \
	} \
	static void name##_resume(void *unused) \
	{ \
		resume_fn(); \
	} \
	static const struct syscore_ops name##_ops = { \
		.suspend = name##_suspend, \
		.resume = name##_resume, \
	}; \
	static struct syscore name = { .ops = &name##_ops }
#define xengnt_register_syscore register_syscore
#define xengnt_unregister_syscore unregister_syscore
#else
#define XENGNT_SYSCORE(name, suspend_fn, resume_fn) \
	static struct syscore_ops name = { \
		.suspend = suspend_fn, \
		.resume = resume_fn, \
	}
#define xengnt_register_syscore register_syscore_ops
#define xengnt_unregister_syscore unregister_syscore_ops
#endif

/* 6.17: WQ_PERCPU names the default, work on the queueing CPU; 7.3 warns if it is missing. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
#define XENGNT_WQ_PERCPU WQ_PERCPU
#else
#define XENGNT_WQ_PERCPU 0
#endif

/* 6.2: another name. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define xengnt_set_instruction_pointer ftrace_regs_set_instruction_pointer
#else
#define xengnt_set_instruction_pointer ftrace_instruction_pointer_set
#endif

/* 6.4: a module's memory is an array of parts. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
static inline unsigned long xengnt_text_start(const struct module *module)
{
	return (unsigned long)module->mem[MOD_TEXT].base;
}

static inline unsigned long xengnt_text_size(const struct module *module)
{
	return module->mem[MOD_TEXT].size;
}
#else
static inline unsigned long xengnt_text_start(const struct module *module)
{
	return (unsigned long)module->core_layout.base;
}

static inline unsigned long xengnt_text_size(const struct module *module)
{
	return module->core_layout.text_size;
}
#endif

#endif /* XENGNT_COMPAT_H */

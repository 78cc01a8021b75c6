/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels that the module is built for, each with the
 * version it changed in and why. Nowhere else is a kernel version looked at.
 */
#ifndef XENGNT_COMPAT_H
#define XENGNT_COMPAT_H

#include <linux/syscore_ops.h>
#include <linux/version.h>
#include <linux/workqueue.h>

/* 6.10: an event's string is remembered from its declaration. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define xengnt_assign_str(field, from) __assign_str(field)
#else
#define xengnt_assign_str(field, from) __assign_str(field, from)
#endif

/*
 * 6.19, and stable kernels since (6.12.117 has it): callbacks get a pointer, and
 * what is registered has another name. Kbuild looks, since no version tells.
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

/* 6.17: a work queue says that its work stays on the CPU that asked; 7.3 warns when it does not. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
#define XENGNT_WQ_PERCPU WQ_PERCPU
#else
#define XENGNT_WQ_PERCPU 0
#endif

#endif /* XENGNT_COMPAT_H */

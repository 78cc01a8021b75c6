// SPDX-License-Identifier: GPL-2.0
/*
 * The hooks: one user of ftrace for each function, which sets the instruction pointer
 * to ours, as a livepatch does. A call from this module itself goes on to the kernel's
 * function: it is told by its return address, which is right at any moment and in any
 * context, as long as our calls are calls and no jumps (see kernel_calls.c).
 *
 * Within the kernel's own file a function may call another one of them past its hook,
 * as a copy or inlined. That does no harm: what reaches the code behind a hook has
 * come from us, and is about references of the kernel's alone. A call from any other
 * file of the kernel goes by the exported symbol, which is what is hooked and tried;
 * only a kernel that is optimised as a whole could have it otherwise, and is refused.
 */
#include "internal.h"
#include "takeover.h"

#include <linux/instruction_pointer.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/seq_file.h>
#include <xengnt/grant_table.h>

#include "compat.h"

enum xengnt_takeover_state xengnt_takeover_state;

#if defined(CONFIG_DYNAMIC_FTRACE_WITH_ARGS) && !defined(CONFIG_LTO)

#include <linux/ftrace.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

struct hook {
	const char *name;
	unsigned long function;
	unsigned long ours;
	unsigned long draining; /* in its place in state DRAINING; 0: the same */
	enum xengnt_takeover_state from; /* calls are ours from this state on */
	bool has_filter; /* kept until the module goes: some kernels free it twice if it is made twice */
	bool in;
	bool seen; /* it was reached when it was tried */
	struct ftrace_ops ops;
};

static void redirect(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		     struct ftrace_regs *fregs);

#define HOOK(name_, ours_, from_, ...) { \
	.name = "gnttab_" #name_, \
	.function = (unsigned long)gnttab_##name_, \
	.ours = (unsigned long)ours_, \
	.from = XENGNT_TAKEOVER_##from_, \
	.ops = { \
		.func = redirect, \
		/* Permanent: kernel.ftrace_enabled=0 is refused while these are in. */ \
		.flags = FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT, \
	}, \
	__VA_ARGS__ \
}

enum hook_number {
	HOOK_FREE_LIST, /* the most harmless ones are tried first */
	HOOK_FREE_SEQ,
	HOOK_FREE,
	HOOK_CLAIM,
	HOOK_CANCEL,
	HOOK_REQUEST,
	HOOK_ALLOC_LIST,
	HOOK_ALLOC_SEQ,
	HOOK_GRANT_NEW,
	HOOKS_WITHOUT_REF, /* those before need no reference to be tried with */
	HOOK_RELEASE = HOOKS_WITHOUT_REF,
	HOOK_GRANT,
	HOOK_END,
	HOOK_TRY_END,
	HOOK_END_AND_PUT,
	NR_HOOKS
};

/* gnttab_empty_grant_references() only compares, the same way for both kinds of lists. */
static struct hook hooks[NR_HOOKS] = {
	[HOOK_ALLOC_LIST] =
		HOOK(alloc_grant_references, xengnt_taken_alloc_grant_references, ON),
	[HOOK_ALLOC_SEQ] =
		HOOK(alloc_grant_reference_seq, xengnt_taken_alloc_grant_reference_seq, ON),
	[HOOK_GRANT_NEW] = HOOK(grant_foreign_access, xengnt_taken_grant_foreign_access, ON),
	[HOOK_CLAIM] = HOOK(claim_grant_reference, xengnt_claim_grant_reference, DRAINING,
			    .draining = (unsigned long)xengnt_draining_claim_grant_reference),
	[HOOK_RELEASE] = HOOK(release_grant_reference, xengnt_release_grant_reference, DRAINING),
	[HOOK_FREE] = HOOK(free_grant_reference, xengnt_free_grant_reference, DRAINING),
	[HOOK_FREE_LIST] = HOOK(free_grant_references, xengnt_free_grant_references, DRAINING),
	[HOOK_FREE_SEQ] =
		HOOK(free_grant_reference_seq, xengnt_free_grant_reference_seq, DRAINING),
	[HOOK_GRANT] = HOOK(grant_foreign_access_ref, xengnt_grant_foreign_access_ref, DRAINING),
	[HOOK_END] = HOOK(end_foreign_access_ref, xengnt_end_foreign_access_ref, DRAINING),
	[HOOK_TRY_END] = HOOK(try_end_foreign_access, xengnt_try_end_foreign_access, DRAINING),
	[HOOK_END_AND_PUT] = HOOK(end_foreign_access, xengnt_end_foreign_access, DRAINING),
	[HOOK_REQUEST] =
		HOOK(request_free_callback, xengnt_taken_request_free_callback, DRAINING),
	[HOOK_CANCEL] = HOOK(cancel_free_callback, xengnt_taken_cancel_free_callback, DRAINING),
};

/* Calls that came to our functions, and those that went on to the kernel's. */
struct calls {
	unsigned long ours[NR_HOOKS];
	unsigned long kernels[NR_HOOKS];
};
static DEFINE_PER_CPU(struct calls, calls);

/* Claims from lists of ours in state DRAINING. */
static DEFINE_PER_CPU(unsigned long, claims);

/* Our own code, so that no structure of the kernel's has to be read for each call. */
static unsigned long our_text, our_text_size;

/* --- trying the hooks --------------------------------------------------- */

/* The task that tries them: only its calls lead to probed(), not those of an interrupt. */
static struct task_struct *prober;

static unsigned long probed(void)
{
	return 0;
}

static __always_inline bool is_probe(void)
{
	return unlikely(READ_ONCE(prober) == current) && in_task();
}

static void notrace redirect(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			     struct ftrace_regs *fregs)
{
	struct hook *hook = container_of(ops, struct hook, ops);
	bool is_own = parent_ip - our_text < our_text_size;
	enum xengnt_takeover_state state = READ_ONCE(xengnt_takeover_state);
	unsigned int number = hook - hooks;

	if (is_own) {
		if (is_probe()) {
			WRITE_ONCE(hook->seen, true);
			xengnt_set_instruction_pointer(fregs, (unsigned long)probed);
		}
	} else if (state < hook->from) {
		this_cpu_inc(calls.kernels[number]);
	} else {
		this_cpu_inc(calls.ours[number]);
		if (unlikely(state == XENGNT_TAKEOVER_DRAINING && hook->draining))
			xengnt_set_instruction_pointer(fregs, hook->draining);
		else
			xengnt_set_instruction_pointer(fregs, hook->ours);
	}
}

static void unused_callback(void *unused)
{
}

/*
 * Calls a function by its symbol, as any driver does. Its hook keeps the kernel's
 * function from being entered; should it not be reached, what the kernel does is
 * undone. @ref is a reference of the kernel's that nobody uses.
 */
static noinline void call(enum hook_number number, grant_ref_t ref)
{
	struct gnttab_free_callback callback = {};
	grant_ref_t head = INVALID_GRANT_REF;
	int granted;

	switch (number) {
	case HOOK_ALLOC_LIST:
		if (!gnttab_alloc_grant_references(1, &head) && head != INVALID_GRANT_REF)
			xengnt_kernel_free_list(head);
		break;
	case HOOK_ALLOC_SEQ:
		if (!gnttab_alloc_grant_reference_seq(1, &head) && head != INVALID_GRANT_REF)
			xengnt_kernel_free(head);
		break;
	case HOOK_GRANT_NEW:
		granted = gnttab_grant_foreign_access(DOMID_SELF, 0, 1);
		if (granted > 0)
			xengnt_kernel_end(granted, NULL, _THIS_IP_);
		break;
	case HOOK_CLAIM:
		gnttab_claim_grant_reference(&head);
		break;
	case HOOK_RELEASE:
		gnttab_release_grant_reference(&head, ref);
		break;
	case HOOK_FREE:
		/* Reserved by Xen: ignored. */
		gnttab_free_grant_reference(0);
		break;
	case HOOK_FREE_LIST:
		gnttab_free_grant_references(INVALID_GRANT_REF);
		break;
	case HOOK_FREE_SEQ:
		gnttab_free_grant_reference_seq(0, 0);
		break;
	case HOOK_GRANT:
		gnttab_grant_foreign_access_ref(ref, DOMID_SELF, 0, 1);
		break;
	case HOOK_END:
		gnttab_end_foreign_access_ref(ref);
		break;
	case HOOK_TRY_END:
		gnttab_try_end_foreign_access(ref);
		break;
	case HOOK_END_AND_PUT:
		gnttab_end_foreign_access(ref, NULL);
		break;
	case HOOK_REQUEST:
		gnttab_request_free_callback(&callback, unused_callback, NULL, 1);
		xengnt_kernel_cancel_callback(&callback);
		break;
	case HOOK_CANCEL:
		gnttab_cancel_free_callback(&callback);
		break;
	case NR_HOOKS:
		break;
	}
}

static bool is_reached(enum hook_number number, grant_ref_t ref)
{
	WRITE_ONCE(hooks[number].seen, false);
	WRITE_ONCE(prober, current);
	call(number, ref);
	WRITE_ONCE(prober, NULL);
	return READ_ONCE(hooks[number].seen);
}

unsigned int xengnt_hooks_try(unsigned int *lost)
{
	unsigned int i;

	*lost = 0;
	for (i = 0; i < HOOKS_WITHOUT_REF; i++)
		*lost += !is_reached(i, INVALID_GRANT_REF);
	return HOOKS_WITHOUT_REF;
}

/* The first hook that is not reached, or NULL. */
static const struct hook *try_hooks(grant_ref_t ref)
{
	unsigned int i;

	for (i = 0; i < NR_HOOKS; i++)
		if (!is_reached(i, ref))
			return &hooks[i];
	return NULL;
}

/* --- in and out ---------------------------------------------------------- */

static int put_in(struct hook *hook)
{
	int err = 0;

	if (!hook->has_filter)
		err = ftrace_set_filter_ip(&hook->ops, hook->function, 0, 1);
	if (err)
		return err;
	hook->has_filter = true;
	err = register_ftrace_function(&hook->ops);
	hook->in = !err;
	return err;
}

static void take_out(struct hook *hook)
{
	if (!hook->in)
		return;
	/* Only what is not in can fail to be taken out. */
	WARN_ON(unregister_ftrace_function(&hook->ops));
	hook->in = false;
}

/* ftrace has one error for two reasons: this user of it can only meet the first. */
static void ignore(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
		   struct ftrace_regs *fregs)
{
}

static struct hook plain = {
	.function = (unsigned long)gnttab_end_foreign_access,
	.ops = {
		.func = ignore,
		.flags = FTRACE_OPS_FL_PERMANENT,
	},
};

static bool ftrace_is_disabled(void)
{
	int err = put_in(&plain);

	take_out(&plain);
	return err == -EBUSY;
}

static void say_why(const struct hook *hook, int err)
{
	if (err == -EBUSY && ftrace_is_disabled())
		pr_err("takeover: %s cannot be hooked because ftrace is disabled: run 'sysctl kernel.ftrace_enabled=1' and try again; nothing is taken over\n",
		       hook->name);
	else if (err == -EBUSY)
		pr_err("takeover: %s is redirected by somebody else already: look for a livepatch in /sys/kernel/livepatch, disable it and try again; nothing is taken over\n",
		       hook->name);
	else if (err == -EINVAL)
		pr_err("takeover: %s cannot be traced in this kernel: use another kernel, or drivers built against xengnt; nothing is taken over\n",
		       hook->name);
	else
		pr_err("takeover: %s cannot be hooked: error %d: try again when memory is free; nothing is taken over\n",
		       hook->name, err);
}

static int try_all(void)
{
	const struct hook *missed;
	grant_ref_t ref;

	/* Our own calls: past the hooks. */
	if (gnttab_alloc_grant_references(1, &ref)) {
		pr_err("takeover: no free reference to try the hooks with: try again later; nothing is taken over\n");
		return -ENOSPC;
	}
	missed = try_hooks(ref);
	gnttab_free_grant_references(ref);
	if (!missed)
		return 0;
	pr_err("takeover: calls of %s do not reach its hook in this kernel: use drivers built against xengnt; nothing is taken over\n",
	       missed->name);
	return -EOPNOTSUPP;
}

int xengnt_hooks_in(void)
{
	unsigned int i;
	int err;

	our_text = xengnt_text_start(THIS_MODULE);
	our_text_size = xengnt_text_size(THIS_MODULE);
	WRITE_ONCE(xengnt_takeover_state, XENGNT_TAKEOVER_PASSING);
	for (i = 0; i < NR_HOOKS; i++) {
		err = put_in(&hooks[i]);
		if (err) {
			say_why(&hooks[i], err);
			xengnt_hooks_out();
			return err;
		}
	}
	err = try_all();
	if (err)
		xengnt_hooks_out();
	return err;
}

void xengnt_hooks_out(void)
{
	unsigned int i;

	WRITE_ONCE(xengnt_takeover_state, XENGNT_TAKEOVER_PASSING);
	for (i = 0; i < NR_HOOKS; i++)
		take_out(&hooks[i]);
	/* Those that were preempted inside our functions leave them; none of these sleeps. */
	synchronize_rcu_tasks();
	synchronize_rcu();
	WRITE_ONCE(xengnt_takeover_state, XENGNT_TAKEOVER_OUT);
}

static void free_filter(struct hook *hook)
{
	if (hook->has_filter)
		ftrace_free_filter(&hook->ops);
	hook->has_filter = false;
}

void xengnt_hooks_exit(void)
{
	unsigned int i;

	for (i = 0; i < NR_HOOKS; i++)
		free_filter(&hooks[i]);
	free_filter(&plain);
}

/* --- watching ------------------------------------------------------------ */

static void count(unsigned int number, u64 *ours, u64 *kernels)
{
	int cpu;

	*ours = *kernels = 0;
	for_each_possible_cpu(cpu) {
		*ours += READ_ONCE(per_cpu(calls, cpu).ours[number]);
		*kernels += READ_ONCE(per_cpu(calls, cpu).kernels[number]);
	}
}

void xengnt_count_draining_claim(void)
{
	this_cpu_inc(claims);
}

u64 xengnt_draining_claims(void)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(claims, cpu));
	return sum;
}

void xengnt_hooks_show(struct seq_file *file)
{
	u64 ours, kernels;
	unsigned int i;

	for (i = 0; i < NR_HOOKS; i++) {
		count(i, &ours, &kernels);
		seq_printf(file, "function %s hooked %d how %s calls %llu passed %llu\n",
			   hooks[i].name, hooks[i].in, hooks[i].in ? "ftrace" : "-", ours,
			   kernels);
	}
}

#else

int xengnt_hooks_in(void)
{
#ifdef CONFIG_LTO
	pr_err("takeover: this kernel is optimised as a whole (CONFIG_LTO): its built-in code may call past a hook: use drivers built against xengnt; nothing is taken over\n");
#else
	pr_err("takeover: this kernel cannot redirect functions (CONFIG_DYNAMIC_FTRACE_WITH_ARGS is not set; arm64 has it from 6.2 on): use another kernel, or drivers built against xengnt; nothing is taken over\n");
#endif
	return -EOPNOTSUPP;
}

void xengnt_hooks_out(void)
{
}

void xengnt_hooks_exit(void)
{
}

unsigned int xengnt_hooks_try(unsigned int *lost)
{
	*lost = 0;
	return 0;
}

void xengnt_count_draining_claim(void)
{
}

u64 xengnt_draining_claims(void)
{
	return 0;
}

void xengnt_hooks_show(struct seq_file *file)
{
}

#endif

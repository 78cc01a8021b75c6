// SPDX-License-Identifier: GPL-2.0
/*
 * The longest section with interrupts off: both sides turn them off nowhere but
 * in spin_lock_irqsave(), so its two ends are probed while this thread makes
 * random operations. The probes cost both sides the same, about a microsecond a
 * section, which is in the figure.
 *
 * Whatever stops the processor meanwhile (the host's scheduler, Xen) lands in
 * the maximum of a round, so the figure is that of the round that was disturbed
 * least, on each side. Every round has some hundred of the long operations.
 */
#define pr_fmt(fmt) "bench: " fmt

#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sort.h>
#include <asm/tsc.h>

#include "bench.h"

#define OPERATIONS 4000
#define LONG_ROUNDS 11

static struct task_struct *watched;
static void *outermost; /* the lock with which the running section began */
static u64 began, longest, sections;

static int section_begins(struct kprobe *probe, struct pt_regs *regs)
{
	if (current == watched && !outermost) {
		outermost = (void *)regs_get_kernel_argument(regs, 0);
		began = rdtsc_ordered();
	}
	return 0;
}

static int section_ends(struct kprobe *probe, struct pt_regs *regs)
{
	u64 now = rdtsc_ordered();

	if (current == watched && outermost == (void *)regs_get_kernel_argument(regs, 0)) {
		longest = max(longest, now - began);
		sections++;
		outermost = NULL;
	}
	return 0;
}

/* Between two operations no lock is held: what the kernel released by other means is over. */
void bench_operation(void)
{
	outermost = NULL;
}

static struct kprobe probes[] = {
	{ .symbol_name = "_raw_spin_lock_irqsave", .pre_handler = section_begins },
	{ .symbol_name = "_raw_spin_unlock_irqrestore", .pre_handler = section_ends },
};

static int life_ps(const struct works *works, u32 seed, u64 *ps)
{
	int err;

	longest = 0;
	WRITE_ONCE(watched, current);
	err = works->life(OPERATIONS, seed);
	WRITE_ONCE(watched, NULL);
	*ps = div64_u64(longest * 1000000, tsc_khz) * 1000;
	return err;
}

int bench_longest(void)
{
	u64 stock_ps[LONG_ROUNDS], xengnt_ps[LONG_ROUNDS];
	unsigned int i;
	int err;

	err = register_kprobe(&probes[0]);
	if (err)
		return err;
	err = register_kprobe(&probes[1]);
	if (err)
		goto first;
	for (i = 0; !err && i < LONG_ROUNDS; i++)
		err = life_ps(&stock_works, i + 1, &stock_ps[i]) ?:
		      life_ps(&xengnt_works, i + 1, &xengnt_ps[i]);
	if (!err) {
		sort(stock_ps, LONG_ROUNDS, sizeof(*stock_ps), bench_by_size, NULL);
		sort(xengnt_ps, LONG_ROUNDS, sizeof(*xengnt_ps), bench_by_size, NULL);
		bench_print("longest_section", stock_ps[0], xengnt_ps[0]);
		pr_info("# longest_section: %u rounds of %u operations, %llu sections, stock %llu..%llu ns, xengnt %llu..%llu ns\n",
			LONG_ROUNDS, OPERATIONS, sections, stock_ps[0] / 1000,
			stock_ps[LONG_ROUNDS - 1] / 1000, xengnt_ps[0] / 1000,
			xengnt_ps[LONG_ROUNDS - 1] / 1000);
	}
	unregister_kprobe(&probes[1]);
first:
	unregister_kprobe(&probes[0]);
	return err;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's own grant references and ours, in the same boot and in turns.
 * Prints "bench: NAME STOCK XENGNT" with nanoseconds per operation, medians of
 * ROUNDS rounds; loading it is running it. With takeover on STOCK is what a driver
 * that is taken over sees, and NAME begins with "taken_".
 *
 * The table must have room for 120,000 references: half for each side, so that
 * both can be fragmented at once.
 */
#define pr_fmt(fmt) "bench: " fmt

#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sort.h>
#include <xen/xen.h>

#include "bench.h"

#define BATCH_NS (10 * NSEC_PER_MSEC)
#define SPREAD 60000u /* references of each side: every second one stays in use */

static bool taken;
module_param(taken, bool, 0444);
MODULE_PARM_DESC(taken, "takeover is on: STOCK calls the kernel's functions and reaches ours");

u16 bench_order[256];

static void shuffle(void)
{
	unsigned int i, j;
	u32 state = 1;

	for (i = 0; i < ARRAY_SIZE(bench_order); i++) {
		state = state * 1664525 + 1013904223;
		j = (state >> 16) % (i + 1);
		bench_order[i] = bench_order[j];
		bench_order[j] = i;
	}
}

int bench_by_size(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

u64 bench_median(u64 *values, unsigned int nr)
{
	sort(values, nr, sizeof(*values), bench_by_size, NULL);
	return values[nr / 2];
}

void bench_print(const char *name, u64 stock_ps, u64 xengnt_ps)
{
	pr_info("%s%s %llu.%03llu %llu.%03llu\n", taken ? "taken_" : "", name, stock_ps / 1000,
		stock_ps % 1000, xengnt_ps / 1000, xengnt_ps % 1000);
}

/* Picoseconds that one of @n takes. */
static int batch(int (*work)(unsigned int n), unsigned int n, u64 *ps)
{
	u64 start = ktime_get_ns();
	int err = work(n);

	*ps = (ktime_get_ns() - start) * 1000 / n;
	cond_resched();
	return err;
}

/* How many make a batch that the clock can tell. */
static int batch_size(int (*work)(unsigned int n), unsigned int *n)
{
	u64 ps;
	/* What is leased, allocated or paged in once is not what a call costs. */
	int err = work(64);

	for (*n = 16; !err && *n < 1 << 20; *n *= 2) {
		err = batch(work, *n, &ps);
		/* Twice, since one may have been held up by something else. */
		if (!err && ps * *n > BATCH_NS * 1000)
			err = batch(work, *n, &ps);
		if (ps * *n > BATCH_NS * 1000)
			break;
	}
	return err;
}

static int compare(const char *name, int (*stock)(unsigned int n), int (*xengnt)(unsigned int n))
{
	u64 stock_ps[ROUNDS], xengnt_ps[ROUNDS];
	unsigned int stock_n, xengnt_n, i;
	int err;

	err = batch_size(stock, &stock_n) ?: batch_size(xengnt, &xengnt_n);
	for (i = 0; !err && i < ROUNDS; i++)
		err = batch(stock, stock_n, &stock_ps[i]) ?: batch(xengnt, xengnt_n, &xengnt_ps[i]);
	if (err) {
		pr_err("%s failed: error %d\n", name, err);
		return err;
	}
	bench_print(name, bench_median(stock_ps, ROUNDS), bench_median(xengnt_ps, ROUNDS));
	return 0;
}

/* --- two CPUs at once ------------------------------------------------------- */

#define EACH 20000

/* One racer per processor; nothing else runs there until both are done. */
static struct {
	int (*work)(unsigned int n);
	atomic_t ready, failed;
	u64 start[2], end[2];
	struct completion done[2];
} race;

static int racer(void *data)
{
	unsigned long me = (unsigned long)data;

	atomic_inc(&race.ready);
	while (atomic_read(&race.ready) < 2)
		cond_resched();
	race.start[me] = ktime_get_ns();
	if (race.work(EACH))
		atomic_inc(&race.failed);
	race.end[me] = ktime_get_ns();
	complete(&race.done[me]);
	return 0;
}

static int race_ps(int (*work)(unsigned int n), u64 *ps)
{
	struct task_struct *task[2];
	unsigned long i;

	race.work = work;
	atomic_set(&race.ready, 0);
	atomic_set(&race.failed, 0);
	for (i = 0; i < 2; i++) {
		init_completion(&race.done[i]);
		task[i] = kthread_create(racer, (void *)i, "bench/%lu", i);
		if (IS_ERR(task[i]))
			return PTR_ERR(task[i]);
		kthread_bind(task[i], i);
	}
	for (i = 0; i < 2; i++)
		wake_up_process(task[i]);
	for (i = 0; i < 2; i++)
		wait_for_completion(&race.done[i]);
	*ps = (max(race.end[0], race.end[1]) - min(race.start[0], race.start[1])) * 1000 /
	      (2 * EACH);
	return atomic_read(&race.failed) ? -ENOSPC : 0;
}

static int compare_two_cpus(const char *name, int (*stock)(unsigned int n),
			    int (*xengnt)(unsigned int n))
{
	u64 stock_ps[ROUNDS], xengnt_ps[ROUNDS];
	unsigned int i;
	int err = 0;

	if (num_online_cpus() < 2) {
		pr_info("# %s skipped: one processor only\n", name);
		return 0;
	}
	for (i = 0; !err && i < ROUNDS; i++)
		err = race_ps(stock, &stock_ps[i]) ?: race_ps(xengnt, &xengnt_ps[i]);
	if (!err)
		bench_print(name, bench_median(stock_ps, ROUNDS), bench_median(xengnt_ps, ROUNDS));
	return err;
}

/* --- backends ----------------------------------------------------------------- */

static int start_backends(void)
{
	int err = stock_works.backend_start();

	if (err)
		return err;
	err = xengnt_works.backend_start();
	if (err)
		stock_works.backend_stop();
	return err;
}

static void stop_backends(void)
{
	stock_works.backend_stop();
	xengnt_works.backend_stop();
}

static bool can_be_backend(void)
{
	return xen_initial_domain() && xen_pv_domain();
}

#define COMPARE(name) compare(#name, stock_works.name, xengnt_works.name)
#define COMPARE_TWO_CPUS(name, work) compare_two_cpus(name, stock_works.work, xengnt_works.work)

static int compare_backends(void)
{
	int err;

	if (!can_be_backend()) {
		pr_info("# backends skipped: not a PV dom0\n");
		return 0;
	}
	err = start_backends();
	if (err)
		return err;
	err = COMPARE(map_unmap_32) ?: COMPARE(copy_32) ?: COMPARE(page_cache);
	stop_backends();
	return err;
}

/* --- all of it ---------------------------------------------------------------- */

static int fragmented(void)
{
	unsigned int table = gnttab_max_grant_frames() * 512;
	struct fill stock = { .ref = kvcalloc(table, sizeof(grant_ref_t), GFP_KERNEL) };
	struct fill xengnt = { .ref = kvcalloc(table, sizeof(grant_ref_t), GFP_KERNEL) };
	int err = -ENOMEM;

	if (!stock.ref || !xengnt.ref)
		goto out;
	xengnt_works.fill(&xengnt, SPREAD);
	/* All that is left: a table with room to grow is not what is asked for. */
	stock_works.fill(&stock, table);
	pr_info("# references: %u stock, %u xengnt\n", stock.nr, xengnt.nr);
	if (stock.nr < SPREAD || xengnt.nr < SPREAD) {
		pr_err("the table is too small\n");
		err = -ENOSPC;
		goto out;
	}
	stock_works.spread(&stock, SPREAD);
	xengnt_works.spread(&xengnt, SPREAD);
	err = compare("seq16_fragmented", stock_works.sequence_16, xengnt_works.sequence_16) ?:
	      bench_longest();
out:
	if (stock.ref)
		stock_works.empty(&stock);
	if (xengnt.ref)
		xengnt_works.empty(&xengnt);
	kvfree(stock.ref);
	kvfree(xengnt.ref);
	return err;
}

static bool alone;
module_param(alone, bool, 0444);
MODULE_PARM_DESC(alone, "only xengnt, twice, and only what its leak tracking can slow down");

static bool once;
module_param(once, bool, 0444);
MODULE_PARM_DESC(once, "only do each work a few times on both sides, and measure nothing");

/* Works do 16 of what they do; a life, as many operations as make some of each. */
static int each_once(void)
{
	const struct works *sides[] = { &stock_works, &xengnt_works };
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(sides); i++) {
		const struct works *side = sides[i];

		err = side->one(16) ?: side->ones_256(16) ?: side->grant_end(16) ?:
		      side->list_untouched_32(16) ?: side->list_untouched_256(16) ?:
		      side->list_32(16) ?: side->list_256(16) ?: side->claim_release(16) ?:
		      side->packet(64) ?: side->request(16) ?: side->claimed(16) ?:
		      side->sequence_16(16) ?: side->life(400, 1);
		if (!err && can_be_backend()) {
			err = side->backend_start();
			if (!err) {
				err = side->map_unmap_32(2) ?: side->copy_32(2) ?:
				      side->page_cache(16);
				side->backend_stop();
			}
		}
		if (err) {
			pr_err("side %u of 2 refuses: error %d\n", i + 1, err);
			return err;
		}
	}
	return 0;
}

#define ALONE(name) compare(#name, xengnt_works.name, xengnt_works.name)

/* What takeover changes, too. */
static int compare_calls(void)
{
	return COMPARE(packet) ?: COMPARE(request) ?: COMPARE(claimed) ?:
	       COMPARE(claim_release) ?: COMPARE(grant_end) ?: COMPARE(one) ?:
	       COMPARE(ones_256) ?: COMPARE(list_untouched_32) ?:
	       COMPARE(list_untouched_256) ?: COMPARE(list_32) ?: COMPARE(list_256) ?:
	       COMPARE(sequence_16) ?: COMPARE_TWO_CPUS("two_cpus", one) ?:
	       COMPARE_TWO_CPUS("two_packets", packet) ?: compare_backends();
}

static int __init bench_init(void)
{
	shuffle();
	if (once)
		return each_once();
	if (alone)
		return ALONE(one) ?: ALONE(grant_end) ?: ALONE(list_untouched_32) ?:
		       ALONE(list_32) ?: ALONE(claim_release) ?: ALONE(sequence_16);
	if (taken)
		return compare_calls();
	return compare_calls() ?: bench_deferred() ?: fragmented();
}

static void __exit bench_exit(void)
{
}

module_init(bench_init);
module_exit(bench_exit);
MODULE_DESCRIPTION("xengnt benchmark: references");
MODULE_LICENSE("GPL");

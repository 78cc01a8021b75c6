// SPDX-License-Identifier: GPL-2.0
/*
 * Allocates and frees in every way, in a thread for each of two processors, which
 * goes back to its own as soon as that is there again. With take=1 it takes all
 * references there are instead, counts them, and gives them back.
 */
#include <linux/cpu.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>
#include <xen/grant_table.h>
#include <xen/page.h>

#define THREADS 2
#define LIST 8
#define SEQUENCE 4
#define TAKE_MOST 65536

static bool take;
module_param(take, bool, 0444);
MODULE_PARM_DESC(take, "only count what can be had");
static unsigned int taken;
module_param(taken, uint, 0444);
MODULE_PARM_DESC(taken, "read: how many that were");

/* Rounds of each thread on its own processor and elsewhere, and those that failed. */
static unsigned long home[THREADS], away[THREADS], failed[THREADS];
module_param_array(home, ulong, NULL, 0444);
module_param_array(away, ulong, NULL, 0444);
module_param_array(failed, ulong, NULL, 0444);

static struct task_struct *threads[THREADS];
static struct page *pages[THREADS];

static bool use_list(void)
{
	grant_ref_t head, back = INVALID_GRANT_REF;
	unsigned int n;
	int ref;

	if (gnttab_alloc_grant_references(LIST, &head))
		return false;
	for (n = 0; n < LIST; n++) {
		ref = gnttab_claim_grant_reference(&head);
		if (ref < 0)
			break;
		gnttab_release_grant_reference(&back, ref);
	}
	gnttab_free_grant_references(head);
	gnttab_free_grant_references(back);
	return n == LIST;
}

static bool use_sequence(unsigned int count)
{
	grant_ref_t first;

	if (gnttab_alloc_grant_reference_seq(count, &first))
		return false;
	if (count == 1)
		gnttab_free_grant_reference(first);
	else
		gnttab_free_grant_reference_seq(first, count);
	return true;
}

static bool use_grant(struct page *page)
{
	int ref = gnttab_grant_foreign_access(0, xen_page_to_gfn(page), 0);

	return ref >= 0 && gnttab_try_end_foreign_access(ref);
}

static int work(void *arg)
{
	unsigned int me = (unsigned long)arg;

	while (!kthread_should_stop()) {
		/* While it is going this may be refused: then we are elsewhere. */
		if (cpu_online(me))
			set_cpus_allowed_ptr(current, cpumask_of(me));
		if (!use_list() || !use_sequence(SEQUENCE) || !use_sequence(1) ||
		    !use_grant(pages[me]))
			failed[me]++;
		if (raw_smp_processor_id() == me)
			home[me]++;
		else
			away[me]++;
		cond_resched();
	}
	return 0;
}

static int take_all(void)
{
	grant_ref_t *refs = vmalloc(TAKE_MOST * sizeof(*refs));
	unsigned int n;

	if (!refs)
		return -ENOMEM;
	while (taken < TAKE_MOST && !gnttab_alloc_grant_reference_seq(1, &refs[taken]))
		taken++;
	for (n = 0; n < taken; n++)
		gnttab_free_grant_reference(refs[n]);
	vfree(refs);
	return 0;
}

static void stop(void)
{
	unsigned int n;

	for (n = 0; n < THREADS; n++) {
		if (!IS_ERR_OR_NULL(threads[n]))
			kthread_stop(threads[n]);
		if (pages[n])
			__free_page(pages[n]);
	}
}

static int __init churn_init(void)
{
	unsigned long n;

	if (take)
		return take_all();
	for (n = 0; n < THREADS; n++) {
		pages[n] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!pages[n])
			goto fail;
		threads[n] = kthread_run(work, (void *)n, "churn/%lu", n);
		if (IS_ERR(threads[n]))
			goto fail;
	}
	return 0;
fail:
	stop();
	return -ENOMEM;
}

module_init(churn_init);
module_exit(stop);
MODULE_DESCRIPTION("xengnt test: allocates while processors come and go");
MODULE_LICENSE("GPL");

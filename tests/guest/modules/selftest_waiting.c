// SPDX-License-Identifier: GPL-2.0
/* Waiting for references: turns, wake-ups, signals, timeouts, a pool that goes. */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>
#include <linux/workqueue.h>
#include <xen/grant_table.h>
#include <xengnt/pool.h>

#include "ktap.h"

#define LIMIT 10
#define LONG (20 * HZ)

static atomic_t turn;

/* A thread that waits once. */
struct job {
	struct task_struct *task;
	struct xengnt_pool *pool;
	unsigned int count;
	bool allocates;
	grant_ref_t head;
	int result;
	int turn; /* 1 for the first that was served */
	struct completion done;
};

static int job_thread(void *arg)
{
	struct job *job = arg;

	allow_signal(SIGTERM);
	job->result = job->allocates ?
		xengnt_pool_alloc_grant_references_wait(job->pool, job->count, &job->head, LONG) :
		xengnt_pool_wait(job->pool, job->count, LONG);
	job->turn = atomic_inc_return(&turn);
	complete(&job->done);
	while (!kthread_should_stop())
		msleep(5);
	return 0;
}

/* Returns once the thread is in the queue, as far as a tenth of a second tells. */
static bool begin(struct job *job, struct xengnt_pool *pool, unsigned int count, bool allocates)
{
	*job = (struct job){ .pool = pool, .count = count, .allocates = allocates };
	init_completion(&job->done);
	job->task = kthread_run(job_thread, job, "xengnt-waits");
	if (IS_ERR(job->task))
		return false;
	msleep(100);
	return true;
}

static bool is_done(struct job *job, unsigned int ms)
{
	return wait_for_completion_timeout(&job->done, msecs_to_jiffies(ms));
}

/* However the case goes on: no thread outlives it. */
static void end(struct job *job)
{
	send_sig(SIGTERM, job->task, 1);
	kthread_stop(job->task);
}

static struct xengnt_pool *full_pool(grant_ref_t *head)
{
	struct xengnt_pool *pool = xengnt_pool_create("waiting", 0, LIMIT);

	atomic_set(&turn, 0);
	if (IS_ERR(pool) || xengnt_pool_alloc_grant_references(pool, LIMIT, head))
		return NULL;
	return pool;
}

static void free_some(grant_ref_t *head, unsigned int count)
{
	while (count--)
		gnttab_free_grant_reference(gnttab_claim_grant_reference(head));
}

static const char *free_references_need_no_waiting(void)
{
	struct xengnt_pool *pool = xengnt_pool_create("waiting", 0, LIMIT);
	grant_ref_t head;

	EXPECT(!IS_ERR(pool));
	EXPECT(!xengnt_pool_wait(pool, LIMIT, 0));
	EXPECT(!xengnt_pool_wait(pool, 0, 0));
	EXPECT(!xengnt_pool_alloc_grant_references_wait(pool, LIMIT, &head, 0));
	EXPECT(xengnt_pool_wait(pool, 1, 0) == -ETIMEDOUT);
	gnttab_free_grant_references(head);
	EXPECT(!xengnt_pool_destroy(pool));
	return NULL;
}

static const char *a_timeout_is_kept(void)
{
	unsigned long begun = jiffies;
	struct xengnt_pool *pool;
	grant_ref_t head, other = 77;

	pool = full_pool(&head);
	EXPECT(pool);
	EXPECT(xengnt_pool_wait(pool, 1, HZ / 5) == -ETIMEDOUT);
	EXPECT(time_after_eq(jiffies, begun + HZ / 5));
	EXPECT(xengnt_pool_alloc_grant_references_wait(pool, 1, &other, HZ / 5) == -ETIMEDOUT);
	EXPECT(other == 77);
	gnttab_free_grant_references(head);
	EXPECT(!xengnt_pool_destroy(pool));
	return NULL;
}

static const char *what_can_never_be_is_refused(void)
{
	struct xengnt_pool *pool;
	grant_ref_t head;

	pool = full_pool(&head);
	EXPECT(pool);
	EXPECT(xengnt_pool_wait(pool, LIMIT + 1, LONG) == -EINVAL);
	EXPECT(xengnt_pool_alloc_grant_references_wait(pool, LIMIT + 1, &head, LONG) == -EINVAL);
	EXPECT(xengnt_pool_wait(pool, 65536, LONG) == -EINVAL);
	EXPECT(xengnt_pool_wait(pool, 1, -1) == -EINVAL);
	gnttab_free_grant_references(head);
	EXPECT(!xengnt_pool_destroy(pool));
	return NULL;
}

static const char *turns_are_kept(void)
{
	struct job many, few;
	struct xengnt_pool *pool;
	grant_ref_t head;
	bool passed, first, second;

	pool = full_pool(&head);
	EXPECT(pool);
	EXPECT(begin(&many, pool, 6, true));
	EXPECT(begin(&few, pool, 3, true));
	free_some(&head, 3);
	passed = is_done(&few, 300); /* there is enough for it, but it is not its turn */
	free_some(&head, 3);
	first = is_done(&many, 5000);
	free_some(&head, 3);
	second = is_done(&few, 5000);
	end(&many);
	end(&few);
	EXPECT(!passed);
	EXPECT(first && !many.result && many.turn == 1);
	EXPECT(second && !few.result && few.turn == 2);
	gnttab_free_grant_references(many.head);
	gnttab_free_grant_references(few.head);
	gnttab_free_grant_references(head);
	EXPECT(!xengnt_pool_destroy(pool));
	return NULL;
}

static const char *a_signal_ends_it_and_the_next_goes_on(void)
{
	struct job many, few;
	struct xengnt_pool *pool;
	grant_ref_t head;
	bool left, served;

	pool = full_pool(&head);
	EXPECT(pool);
	EXPECT(begin(&many, pool, 6, false));
	EXPECT(begin(&few, pool, 3, false));
	free_some(&head, 3);
	send_sig(SIGTERM, many.task, 1);
	left = is_done(&many, 5000);
	served = is_done(&few, 5000);
	end(&many);
	end(&few);
	EXPECT(left && many.result == -ERESTARTSYS);
	EXPECT(served && !few.result);
	gnttab_free_grant_references(head);
	EXPECT(!xengnt_pool_destroy(pool));
	return NULL;
}

struct freeing {
	struct work_struct work;
	grant_ref_t *head;
};

static void free_one_there(struct work_struct *work)
{
	free_some(container_of(work, struct freeing, work)->head, 1);
}

static const char *another_cpu_wakes_it(void)
{
	struct freeing freeing;
	struct xengnt_pool *pool;
	bool served = true;
	grant_ref_t head;
	struct job job;
	int cpu, i;

	pool = full_pool(&head);
	EXPECT(pool);
	INIT_WORK_ONSTACK(&freeing.work, free_one_there);
	freeing.head = &head;
	for_each_online_cpu(cpu) {
		for (i = 0; i < 4 && served; i++) {
			grant_ref_t taken;

			EXPECT(begin(&job, pool, 1, true));
			schedule_work_on(cpu, &freeing.work);
			served = is_done(&job, 5000);
			flush_work(&freeing.work);
			end(&job);
			served &= !job.result;
			if (!served)
				break;
			/* Back on the list, so that the pool is full for the next round. */
			taken = gnttab_claim_grant_reference(&job.head);
			gnttab_release_grant_reference(&head, taken);
		}
	}
	destroy_work_on_stack(&freeing.work);
	EXPECT(served);
	gnttab_free_grant_references(head);
	EXPECT(!xengnt_pool_destroy(pool));
	return NULL;
}

static const char *a_pool_that_goes_sends_them_away(void)
{
	struct job one, two;
	struct xengnt_pool *pool;
	unsigned int out;
	grant_ref_t head;
	bool left;

	pool = full_pool(&head);
	EXPECT(pool);
	EXPECT(begin(&one, pool, 1, true));
	EXPECT(begin(&two, pool, 1, false));
	out = xengnt_pool_destroy(pool);
	left = is_done(&one, 5000) && is_done(&two, 5000);
	end(&one);
	end(&two);
	gnttab_free_grant_references(head);
	EXPECT(out == LIMIT);
	EXPECT(left && one.result == -ESHUTDOWN && two.result == -ESHUTDOWN);
	return NULL;
}

static const struct ktap_case cases[] = {
	{ "free references need no waiting", free_references_need_no_waiting },
	{ "a timeout is kept", a_timeout_is_kept },
	{ "a count above the limit is refused at once", what_can_never_be_is_refused },
	{ "one that wants few does not pass one that wants many", turns_are_kept },
	{ "a signal ends it, and the next one goes on", a_signal_ends_it_and_the_next_goes_on },
	{ "a reference that any CPU frees wakes it", another_cpu_wakes_it },
	{ "a pool that goes sends them away", a_pool_that_goes_sends_them_away },
};

static int __init selftest_init(void)
{
	ktap_run(cases, ARRAY_SIZE(cases));
	return 0;
}

static void __exit selftest_exit(void)
{
}

module_init(selftest_init);
module_exit(selftest_exit);
MODULE_DESCRIPTION("xengnt test: waiting for references");
MODULE_LICENSE("GPL");

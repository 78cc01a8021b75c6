// SPDX-License-Identifier: GPL-2.0
/*
 * A driver that is built against the kernel's header, and works without a pause while
 * takeover is switched: on each CPU one thread allocates, grants, ends and frees in
 * all ways that drivers do, and holds on to what it has for a while, so that it is
 * freed in another state than it was taken in. Whatever comes back wrong is counted.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <xen/grant_table.h>
#include <xen/page.h>

#define LIST 24
#define HELD 16
#define MAX_REFS (1u << 20)

/* What a thread keeps of one round; done with when its place is needed again. */
struct held {
	grant_ref_t list;
	grant_ref_t sequence;
	grant_ref_t claimed[LIST];
	unsigned int nr_claimed;
	int granted;
	bool there;
};

struct client {
	struct task_struct *thread;
	struct held held[HELD];
	struct page *page;
	unsigned long rounds;
};

static struct client clients[NR_CPUS];
static atomic_t failures;

static bool keep;
module_param(keep, bool, 0644);
MODULE_PARM_DESC(keep, "hold on to what is held, and take nothing more");

static bool idle;
module_param(idle, bool, 0444);
MODULE_PARM_DESC(idle, "no threads: take one list and a grant, free them when the module goes");

/*
 * Longer ones only while takeover stays on: the kernel's own search for sequences
 * loses track of its free list, and hands references out twice.
 */
static uint sequence = 1;
module_param(sequence, uint, 0444);
MODULE_PARM_DESC(sequence, "how many consecutive references are taken at a time");

/* What is claimed or granted now: a reference has one holder. */
static DECLARE_BITMAP(held_refs, MAX_REFS);

static void fail(const char *what, long number)
{
	if (atomic_inc_return(&failures) <= 20)
		pr_err("stock_client: FAILED: %s: %ld\n", what, number);
}

static void enter(grant_ref_t ref)
{
	if (ref >= MAX_REFS || test_and_set_bit(ref, held_refs))
		fail("handed out twice", ref);
}

/* Before it is given back: somebody else may get it at once. */
static void leave(grant_ref_t ref)
{
	if (ref >= MAX_REFS || !test_and_clear_bit(ref, held_refs))
		fail("held by nobody", ref);
}

static void take(struct client *client, struct held *held)
{
	unsigned long gfn = xen_page_to_gfn(client->page);
	unsigned int i;
	int ref;

	*held = (struct held){ .there = true };
	if (gnttab_alloc_grant_references(LIST, &held->list)) {
		fail("no list", LIST);
		held->list = INVALID_GRANT_REF;
	}
	if (gnttab_alloc_grant_reference_seq(sequence, &held->sequence)) {
		fail("no sequence", sequence);
		held->sequence = INVALID_GRANT_REF;
	}
	for (i = 0; held->sequence != INVALID_GRANT_REF && i < sequence; i++)
		enter(held->sequence + i);
	held->granted = gnttab_grant_foreign_access(0, gfn, 1);
	if (held->granted < 0)
		fail("not granted", held->granted);
	else
		enter(held->granted);
	for (i = 0; i < LIST / 2; i++) {
		ref = gnttab_claim_grant_reference(&held->list);
		if (ref < 0) {
			fail("not claimed", ref);
			break;
		}
		enter(ref);
		held->claimed[held->nr_claimed++] = ref;
		if (i % 2)
			gnttab_grant_foreign_access_ref(ref, 0, gfn, i % 4 == 1);
	}
}

/* A packet: claimed, granted, ended, released. */
static void use(struct client *client, struct held *held)
{
	int ref = gnttab_claim_grant_reference(&held->list);

	if (ref < 0) {
		fail("nothing on a list to claim", ref);
		return;
	}
	enter(ref);
	gnttab_grant_foreign_access_ref(ref, 0, xen_page_to_gfn(client->page), 0);
	if (!gnttab_end_foreign_access_ref(ref))
		fail("not ended", ref);
	leave(ref);
	gnttab_release_grant_reference(&held->list, ref);
	if (held->list != ref)
		fail("released, and not the first of the list", ref);
}

/* Some are released to the list, some are freed alone. */
static void give_back(struct held *held)
{
	unsigned int i, on_list = 0;

	if (!held->there)
		return;
	for (i = 0; i < held->nr_claimed; i++) {
		grant_ref_t ref = held->claimed[i];

		leave(ref);
		if (i % 3 == 0 && !gnttab_try_end_foreign_access(ref))
			fail("end was refused", ref);
		if (i % 3 == 0)
			continue;
		if (!gnttab_end_foreign_access_ref(ref))
			fail("not ended when it was given back", ref);
		if (i % 3 == 1) {
			gnttab_free_grant_reference(ref);
		} else {
			gnttab_release_grant_reference(&held->list, ref);
			on_list++;
		}
	}
	if (held->granted >= 0) {
		leave(held->granted);
		gnttab_end_foreign_access(held->granted, NULL);
	}
	if (held->sequence != INVALID_GRANT_REF) {
		for (i = 0; i < sequence; i++)
			leave(held->sequence + i);
		gnttab_free_grant_reference_seq(held->sequence, sequence);
	}
	/* Walk one in two to the end. */
	if (held->nr_claimed && held->claimed[0] % 2) {
		for (i = 0; i < LIST - held->nr_claimed + on_list; i++) {
			int ref = gnttab_claim_grant_reference(&held->list);

			if (ref < 0)
				fail("a list is shorter than it was", i);
			else
				gnttab_free_grant_reference(ref);
		}
		if (!gnttab_empty_grant_references(&held->list))
			fail("a list is longer than it was", held->list);
	} else {
		gnttab_free_grant_references(held->list);
	}
	held->there = false;
}

static int work(void *arg)
{
	struct client *client = arg;

	while (!kthread_should_stop()) {
		struct held *held = &client->held[client->rounds % HELD];
		unsigned int i;

		if (READ_ONCE(keep)) {
			msleep(20);
			continue;
		}
		give_back(held);
		take(client, held);
		for (i = 0; i < HELD; i++)
			if (client->held[i].there)
				use(client, &client->held[i]);
		client->rounds++;
		if (client->rounds % 64 == 0)
			msleep(1);
		else
			cond_resched();
	}
	return 0;
}

/* Not in the init section, whose names are gone after loading. */
static noinline int start(struct client *client, int cpu)
{
	struct task_struct *thread;

	client->page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!client->page)
		return -ENOMEM;
	if (idle) {
		take(client, &client->held[0]);
		return 0;
	}
	thread = kthread_create(work, client, "stock_client/%d", cpu);
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	kthread_bind(thread, cpu);
	client->thread = thread;
	wake_up_process(thread);
	return 0;
}

static void stop_all(void)
{
	unsigned long rounds = 0;
	unsigned int i, j;

	for (i = 0; i < NR_CPUS; i++) {
		struct client *client = &clients[i];

		if (client->thread)
			kthread_stop(client->thread);
		for (j = 0; j < HELD; j++)
			give_back(&client->held[j]);
		rounds += client->rounds;
		if (client->page)
			__free_page(client->page);
	}
	pr_info("stock_client: %lu rounds, %d failures\n", rounds, atomic_read(&failures));
}

static int __init stock_client_init(void)
{
	int cpu, err;

	for_each_online_cpu(cpu) {
		err = start(&clients[cpu], cpu);
		if (err) {
			stop_all();
			return err;
		}
		if (idle)
			break;
	}
	return 0;
}

static void __exit stock_client_exit(void)
{
	stop_all();
}

module_init(stock_client_init);
module_exit(stock_client_exit);
MODULE_DESCRIPTION("xengnt test: a driver on the kernel's own grant table");
MODULE_LICENSE("GPL");

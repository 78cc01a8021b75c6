// SPDX-License-Identifier: GPL-2.0
/*
 * Each grant mapped twice, as PV guests do for their processes; and the waiting
 * until nobody holds a page that is to be unmapped.
 */
#include <linux/completion.h>
#include <linux/workqueue.h>

#include "slots.h"

static struct slots slots;

static void show_pair(const char *what, unsigned int count)
{
	unsigned int i;

	SHOW("%s, map", "%d\n", what, gnttab_map_refs(slots.map, slots.kmap, slots.into, count));
	slots_show(&slots, what, count);
	for (i = 0; i < count; i++)
		SHOW("%s, second of slot %u", "%d\n", what, i, slots.kmap[i].status);
	slots_fill_unmaps(&slots);
	SHOW("%s, unmap", "%d\n", what,
	     gnttab_unmap_refs(slots.unmap, slots.kunmap, slots.into, count));
	for (i = 0; i < count; i++)
		SHOW("%s, unmapped slot %u", "%d, second %d, foreign %d, frame %d\n", what, i,
		     slots.unmap[i].status, slots.kunmap[i].status,
		     !!xen_page_foreign(slots.into[i]), has_own_memory(slots.into[i]));
	SHOW("%s, ended", "%d\n", what, slots_destroy(&slots));
}

void oracle_kmaps(void)
{
	if (slots_create(&slots, 0, GNTMAP_host_map))
		show_pair("two mappings", 3);
	if (slots_create(&slots, 0, GNTMAP_host_map)) {
		slots.kmap[1].ref = 0x7ffffff;
		show_pair("second mapping bad", 3);
	}
	if (slots_create(&slots, 0, GNTMAP_host_map)) {
		slots.map[1].ref = 0x7ffffff;
		show_pair("first mapping bad", 3);
	}
	if (slots_create(&slots, 1, GNTMAP_host_map | GNTMAP_readonly)) {
		slots.map[0].flags = GNTMAP_host_map;
		slots.kmap[2].flags = GNTMAP_host_map;
		show_pair("some writable of read-only", 3);
	}
}

/* --- deferred unmaps ---------------------------------------------------------------- */

struct told {
	struct completion completion;
	int calls, result;
	unsigned int age;
};

static void done(int result, struct gntab_unmap_queue_data *item)
{
	struct told *told = item->data;

	told->calls++;
	told->result = result;
	told->age = item->age;
	complete(&told->completion);
}

static void fill_item(struct gntab_unmap_queue_data *item, struct told *told, unsigned int count)
{
	memset(told, 0, sizeof(*told));
	init_completion(&told->completion);
	memset(item, 0xee, sizeof(*item));
	item->data = told;
	item->done = done;
	item->unmap_ops = slots.unmap;
	item->kunmap_ops = NULL;
	item->pages = slots.into;
	item->count = count;
}

/* Mapped where the guest can; elsewhere pages into which nothing is mapped will do. */
static bool map_slots(unsigned int count)
{
	if (!slots_create(&slots, 0, GNTMAP_host_map))
		return false;
	if (oracle_maps) {
		SHOW("map for the queue", "%d\n",
		     gnttab_map_refs(slots.map, NULL, slots.into, count));
	}
	slots_fill_unmaps(&slots);
	return true;
}

static void show_async(const char *what, unsigned int count, int holder)
{
	static struct gntab_unmap_queue_data item;
	static struct told told;
	bool aged;

	if (!map_slots(count))
		return;
	fill_item(&item, &told, count);
	if (holder >= 0)
		get_page(slots.into[holder]);
	gnttab_unmap_refs_async(&item);
	SHOW("%s, at once", "calls %d, age %u\n", what, told.calls, item.age);
	if (holder >= 0) {
		msleep(100);
		aged = SOON(item.age > 1);
		SHOW("%s, while held", "calls %d, aged %d\n", what, told.calls, aged);
		SHOW("%s, while held, foreign", "%d\n", what,
		     !!xen_page_foreign(slots.into[holder]));
		put_page(slots.into[holder]);
	}
	SHOW("%s, told", "%d\n", what,
	     !!wait_for_completion_timeout(&told.completion, 8 * HZ));
	SHOW("%s, told this", "%d, calls %d, aged %d\n", what, told.result, told.calls,
	     told.age > 0);
	if (count)
		SHOW("%s, status", "%d, foreign %d\n", what, slots.unmap[0].status,
		     !!xen_page_foreign(slots.into[0]));
	SHOW("%s, ended", "%d\n", what, slots_destroy(&slots));
}

static void let_go(struct work_struct *work)
{
	put_page(slots.into[1]);
}

/*
 * Drivers also wait for an item on their own stack. Not here on the kernel's own
 * functions: they do not say so, and a debugging kernel would complain.
 */
#ifdef ORACLE_XENGNT
#define ON_STACK
#else
#define ON_STACK static
#endif

static void show_sync(bool held)
{
	ON_STACK struct gntab_unmap_queue_data item;
	static DECLARE_DELAYED_WORK(later, let_go);
	static struct told told;
	unsigned long start;

	if (!map_slots(3))
		return;
	fill_item(&item, &told, 3);
	start = jiffies;
	if (held) {
		get_page(slots.into[1]);
		schedule_delayed_work(&later, HZ / 10);
	}
	SHOW("unmap and wait, held %d", "%d\n", held, gnttab_unmap_refs_sync(&item));
	SHOW("unmap and wait, held %d, did so", "%d\n", held,
	     time_after_eq(jiffies, start + HZ / 10 - 1));
	SHOW("unmap and wait, held %d, age", "%d\n", held, item.age > 0);
	SHOW("unmap and wait, held %d, foreign", "%d %d %d\n", held,
	     !!xen_page_foreign(slots.into[0]), !!xen_page_foreign(slots.into[1]),
	     !!xen_page_foreign(slots.into[2]));
	flush_delayed_work(&later);
	SHOW("unmap and wait, held %d, ended", "%d\n", held, slots_destroy(&slots));
}

static void show_async_bad(void)
{
	static struct gntab_unmap_queue_data item;
	static struct told told;

	if (!slots_create(&slots, 0, GNTMAP_host_map))
		return;
	/* Nothing is mapped. */
	slots_fill_unmaps(&slots);
	slots.unmap[0].handle = INVALID_GRANT_HANDLE;
	slots.unmap[1].handle = INVALID_GRANT_HANDLE;
	fill_item(&item, &told, 2);
	gnttab_unmap_refs_async(&item);
	SHOW("unmap what is not mapped", "%d, calls %d, status %d\n", told.result, told.calls,
	     slots.unmap[0].status);
	SHOW("unmap what is not mapped, and wait", "%d\n", gnttab_unmap_refs_sync(&item));
	SHOW("not mapped, ended", "%d\n", slots_destroy(&slots));
}

void oracle_queue(void)
{
	show_async("nothing held", 2, -1);
	show_async("first held", 2, 0);
	show_async("last held", 3, 2);
	show_async("no pages", 0, -1);
	show_sync(false);
	show_sync(true);
	show_async_bad();
}

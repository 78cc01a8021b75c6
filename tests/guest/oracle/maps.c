// SPDX-License-Identifier: GPL-2.0
/* Mapping: what works, what fails, and both in one batch. */
#include "slots.h"

static struct slots slots;

static void show_unmapped(const char *what, unsigned int count)
{
	unsigned int i, foreign = 0, memory = 0, status = 0;

	for (i = 0; i < count; i++) {
		foreign += !!xen_page_foreign(slots.into[i]);
		memory += has_own_memory(slots.into[i]);
		status += slots.unmap[i].status == GNTST_okay;
	}
	SHOW("%s, afterwards", "unmapped %u, still foreign %u, frames %u\n", what, status, foreign,
	     memory);
}

static int fill_and_unmap(unsigned int count)
{
	slots_fill_unmaps(&slots);
	return gnttab_unmap_refs(slots.unmap, NULL, slots.into, count);
}

static void show_good(const char *what, int readonly, unsigned int flags, unsigned int count)
{
	unsigned int i, equal = 0, seen = 0;

	if (!slots_create(&slots, readonly, flags))
		return;
	SHOW("%s, preset", "%d %d\n", what, slots.map[0].status, slots.map[0].flags == flags);
	SHOW("%s, map", "%d\n", what,
	     gnttab_map_refs(slots.map, NULL, slots.into, count));
	slots_show(&slots, what, count);
	for (i = 0; i < count; i++) {
		u8 *here = page_address(slots.into[i]);

		if (slots.map[i].status != GNTST_okay)
			continue;
		equal += !memchr_inv(here, SLOT_FILL(i), XEN_PAGE_SIZE);
		other_write(i, 17, SLOT_FILL(i) + 1);
		if (!(flags & GNTMAP_readonly))
			here[18]--;
		seen += here[17] == SLOT_FILL(i) + 1 && here[18] == other_read(i, 18);
	}
	SHOW("%s, contents", "equal %u, changes seen %u\n", what, equal, seen);
	SHOW("%s, unmap", "%d\n", what, fill_and_unmap(count));
	show_unmapped(what, count);
	SHOW("%s, unmap again", "%d\n", what, gnttab_unmap_refs(slots.unmap, NULL, slots.into, count));
	SHOW("%s, unmap again, status", "%d\n", what, count ? slots.unmap[0].status : 0);
	SHOW("%s, ended", "%d\n", what, slots_destroy(&slots));
}

/* The same page again and again: no slot of any list is used up. */
static void show_often(void)
{
	int i, mapped = 0, unmapped = 0;

	if (!slots_create(&slots, 0, GNTMAP_host_map))
		return;
	for (i = 0; i < 200; i++) {
		mapped += !gnttab_map_refs(slots.map, NULL, slots.into, 1);
		unmapped += !fill_and_unmap(1);
	}
	SHOW("mapped 200 times", "%d, unmapped %d, ended %d\n", mapped, unmapped,
	     slots_destroy(&slots));
}

static void show_bare(void)
{
	unsigned int i, okay = 0;

	if (!slots_create(&slots, 0, GNTMAP_host_map))
		return;
	gnttab_batch_map(slots.map, 0);
	SHOW("bare batch of none", "%d\n", slots.map[0].status);
	slots.map[2].ref = 0x7ffffff;
	gnttab_batch_map(slots.map, 4);
	slots_show(&slots, "bare batch", 4);
	SHOW("bare batch, contents", "%d\n",
	     !!memchr_inv(page_address(slots.into[0]), SLOT_FILL(0), XEN_PAGE_SIZE));
	/* No page of it was ever entered, and that is told. */
	SHOW("bare batch, unmap", "%d\n", fill_and_unmap(4));
	for (i = 0; i < 4; i++)
		okay += slots.unmap[i].status == GNTST_okay;
	SHOW("bare batch, unmapped", "%u, slot 2 %d\n", okay, slots.unmap[2].status);
	SHOW("bare batch, ended", "%d\n", slots_destroy(&slots));
}

void oracle_maps_good(void)
{
	show_good("one", 0, GNTMAP_host_map, 1);
	show_good("eight", 0, GNTMAP_host_map, SLOTS);
	show_good("read-only of read-only", 1, GNTMAP_host_map | GNTMAP_readonly, 2);
	show_good("read-only of writable", 0, GNTMAP_host_map | GNTMAP_readonly, 2);
	show_good("none", 0, GNTMAP_host_map, 0);
	show_good("for a device too", 0, GNTMAP_host_map | GNTMAP_device_map, 2);
	show_often();
	show_bare();
}

static void show_batch_of_bad(void)
{
	unsigned int i;

	if (!slots_create(&slots, 0, GNTMAP_host_map))
		return;
	slots.map[1].ref = 0x7ffffff;				/* beyond the table */
	other_end(2);						/* ended */
	slots.map[3].dom = 0x7123;				/* no such domain */
	other_end(4);						/* somebody else's */
	other_regrant(4, 0x7123, false);
	other_end(5);						/* for reading only */
	other_regrant(5, oracle_self, true);
	slots.map[6].flags = 0;					/* nowhere */
	SHOW("mixed batch, map", "%d\n", gnttab_map_refs(slots.map, NULL, slots.into, SLOTS));
	slots_show(&slots, "mixed batch", SLOTS);
	SHOW("mixed batch, unmap", "%d\n", fill_and_unmap(SLOTS));
	for (i = 0; i < SLOTS; i++)
		SHOW("mixed batch, unmapped slot %u", "%d\n", i, slots.unmap[i].status);
	show_unmapped("mixed batch", SLOTS);
	SHOW("mixed batch, ended", "%d\n", slots_destroy(&slots));
}

/* Only what was mapped is unmapped: the rest would be an error, and is not asked for. */
static void show_partial_unmap(void)
{
	if (!slots_create(&slots, 0, GNTMAP_host_map))
		return;
	slots.map[0].ref = 0x7ffffff;
	SHOW("first of three is bad, map", "%d\n", gnttab_map_refs(slots.map, NULL, slots.into, 3));
	slots_show(&slots, "first of three is bad", 3);
	slots_fill_unmaps(&slots);
	SHOW("unmap the other two", "%d\n",
	     gnttab_unmap_refs(slots.unmap + 1, NULL, slots.into + 1, 2));
	SHOW("unmap the other two, statuses", "%d %d\n", slots.unmap[1].status,
	     slots.unmap[2].status);
	SHOW("unmap none", "%d\n", gnttab_unmap_refs(slots.unmap, NULL, slots.into, 0));
	SHOW("first of three is bad, ended", "%d\n", slots_destroy(&slots));
}

static void show_wrong_unmaps(void)
{
	/* With memory of its own: of a place that has none Xen says one thing or the other. */
	struct page *elsewhere = alloc_page(GFP_KERNEL);

	if (!elsewhere || !slots_create(&slots, 0, GNTMAP_host_map))
		goto out;
	SHOW("to be unmapped wrongly", "%d\n", gnttab_map_refs(slots.map, NULL, slots.into, 2));
	slots_fill_unmaps(&slots);
	slots.unmap[1].handle = 0x7fffff;
	SHOW("unmap with a bad handle", "%d\n",
	     gnttab_unmap_refs(slots.unmap + 1, NULL, slots.into + 1, 1));
	SHOW("unmap with a bad handle, status", "%d, foreign %d, frame %d\n",
	     slots.unmap[1].status, !!xen_page_foreign(slots.into[1]),
	     has_own_memory(slots.into[1]));
	slots_fill_unmaps(&slots);
	SHOW("unmap it after that", "%d\n",
	     gnttab_unmap_refs(slots.unmap + 1, NULL, slots.into + 1, 1));
	SHOW("unmap it after that, status", "%d\n", slots.unmap[1].status);
	gnttab_set_unmap_op(&slots.unmap[0], (unsigned long)page_address(elsewhere),
			    GNTMAP_host_map, slots.map[0].handle);
	SHOW("unmap elsewhere", "%d\n", gnttab_unmap_refs(slots.unmap, NULL, slots.into, 1));
	SHOW("unmap elsewhere, status", "%d\n", slots.unmap[0].status);
	slots_fill_unmaps(&slots);
	SHOW("unmap there", "%d\n", gnttab_unmap_refs(slots.unmap, NULL, slots.into, 1));
	SHOW("unmap there, status", "%d\n", slots.unmap[0].status);
	SHOW("unmapped wrongly, ended", "%d\n", slots_destroy(&slots));
out:
	if (elsewhere)
		__free_page(elsewhere);
}

void oracle_maps_bad(void)
{
	show_batch_of_bad();
	show_partial_unmap();
	show_wrong_unmaps();
	show_good("writable of read-only", 1, GNTMAP_host_map, 2);
}

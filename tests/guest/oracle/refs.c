// SPDX-License-Identifier: GPL-2.0
/* References: lists, single ones, sequences. */
#include <linux/bitmap.h>
#include <linux/slab.h>

#include "oracle.h"

/* More than any reference of a table of the usual size. */
#define MOST_REFS 65536

static unsigned long *seen;
static grant_ref_t *held;

/* Claims a whole list; how many, how many of them twice, how many reserved. */
static unsigned int claim_all(grant_ref_t *head, unsigned int *twice, unsigned int *reserved)
{
	unsigned int nr = 0;
	int ref;

	bitmap_zero(seen, MOST_REFS);
	*twice = *reserved = 0;
	while (nr < 2000) {
		ref = gnttab_claim_grant_reference(head);
		if (ref < 0)
			break;
		held[nr++] = ref;
		*twice += ref < MOST_REFS && test_and_set_bit(ref, seen);
		*reserved += ref < GNTTAB_NR_RESERVED_ENTRIES;
	}
	return nr;
}

static void show_list(unsigned int count)
{
	grant_ref_t head = 77;
	unsigned int nr, twice, reserved, i, in_order = 0;
	int err = gnttab_alloc_grant_references(count, &head);

	SHOW("list of %u", "%d\n", count, err);
	if (err) {
		SHOW("list of %u, its head untouched", "%d\n", count, head == 77);
		return;
	}
	SHOW("list of %u is empty", "%d\n", count, gnttab_empty_grant_references(&head));
	nr = claim_all(&head, &twice, &reserved);
	SHOW("list of %u, claims", "%u, twice %u, reserved %u\n", count, nr, twice, reserved);
	SHOW("list of %u, claimed out", "%d, empty %d\n", count,
	     gnttab_claim_grant_reference(&head), gnttab_empty_grant_references(&head));
	for (i = 0; i < nr; i++)
		gnttab_release_grant_reference(&head, held[i]);
	for (i = nr; i > 0; i--)
		in_order += gnttab_claim_grant_reference(&head) == held[i - 1];
	SHOW("list of %u, released ones in reverse", "%u\n", count, in_order);
	/* Half of it one by one, half as a list. */
	for (i = 0; i < nr; i++) {
		if (i & 1)
			gnttab_free_grant_reference(held[i]);
		else
			gnttab_release_grant_reference(&head, held[i]);
	}
	gnttab_free_grant_references(head);
}

static void show_empty_list(void)
{
	grant_ref_t head = INVALID_GRANT_REF;
	int __maybe_unused err;

	SHOW("no list is empty", "%d\n", gnttab_empty_grant_references(&head));
	SHOW("claim from no list", "%d\n", gnttab_claim_grant_reference(&head));
	SHOW("claim from no list, head", "%#x\n", head);
	gnttab_free_grant_references(head);
	SHOW("free no list", "back\n");
#ifdef ORACLE_STOCK
	/* The kernel's list of free references does not survive it. */
	SHOW("list of 0", "not asked\n");
#else
	err = gnttab_alloc_grant_references(0, &head);
	SHOW("list of 0", "%d, empty %d\n", err, gnttab_empty_grant_references(&head));
	gnttab_free_grant_references(head);
	ALONE("sequence of 0", gnttab_alloc_grant_reference_seq(0, &head), -ENOSPC);
#endif
}

static void show_list_of_strangers(void)
{
	grant_ref_t head = INVALID_GRANT_REF;
	grant_ref_t first;
	int err;

	/* A list may be made of what was never on one. */
	err = gnttab_alloc_grant_reference_seq(3, &first);
	SHOW("sequence for a list", "%d\n", err);
	if (err)
		return;
	gnttab_release_grant_reference(&head, first);
	SHOW("list of one released", "empty %d\n", gnttab_empty_grant_references(&head));
	gnttab_release_grant_reference(&head, first + 1);
	gnttab_release_grant_reference(&head, first + 2);
	SHOW("first claim after three releases", "the last: %d\n",
	     gnttab_claim_grant_reference(&head) == first + 2);
	gnttab_free_grant_reference(first + 2);
	gnttab_free_grant_references(head);
}

static void show_reserved(void)
{
	unsigned int nr, twice, reserved;
	grant_ref_t head;
	int i, err;

	for (i = 0; i < GNTTAB_NR_RESERVED_ENTRIES; i++)
		gnttab_free_grant_reference(i);
	SHOW("free the reserved ones", "back\n");
	gnttab_free_grant_reference_seq(0, GNTTAB_NR_RESERVED_ENTRIES);
	SHOW("free the reserved sequence", "back\n");
	err = gnttab_alloc_grant_references(20, &head);
	nr = err ? 0 : claim_all(&head, &twice, &reserved);
	SHOW("list of 20 after that", "%d, claims %u, reserved %u\n", err, nr, reserved);
	for (i = 0; i < nr; i++)
		gnttab_free_grant_reference(held[i]);
}

static void show_sequence(unsigned int count)
{
	grant_ref_t first = 77;
	unsigned int i;
	int err = gnttab_alloc_grant_reference_seq(count, &first);

	SHOW("sequence of %u", "%d\n", count, err);
	if (err) {
		SHOW("sequence of %u, first untouched", "%d\n", count, first == 77);
		return;
	}
	SHOW("sequence of %u, reserved ones in it", "%d\n", count,
	     first < GNTTAB_NR_RESERVED_ENTRIES);
	/* All of it can be granted, so all of it is there. */
	for (i = 0; i < count; i++)
		gnttab_grant_foreign_access_ref(first + i, oracle_self, 1, 1);
	for (i = 0; i < count; i++)
		err += !gnttab_end_foreign_access_ref(first + i);
	SHOW("sequence of %u, not ended after granting", "%d\n", count, err);
	/* Back in three ways: the end as a sequence, the middle alone, then the rest. */
	gnttab_free_grant_reference_seq(first + count / 2 + 1, count - count / 2 - 1);
	gnttab_free_grant_reference(first + count / 2);
	gnttab_free_grant_reference_seq(first, count / 2);
}

void oracle_refs(void)
{
	static const unsigned int lists[] = { 1, 2, 7, 8, 100, 511, 512, 513, 600, 1000, 65535 };
	static const unsigned int sequences[] = {
		1, 2, 3, 16, 64, 511, 512, 513, 600, 65535, 1000000
	};
	int i;

	seen = bitmap_zalloc(MOST_REFS, GFP_KERNEL);
	held = kvcalloc(2000, sizeof(*held), GFP_KERNEL);
	if (!seen || !held)
		goto out;
	show_empty_list();
	for (i = 0; i < ARRAY_SIZE(lists); i++)
		show_list(lists[i]);
	show_list_of_strangers();
	show_reserved();
	for (i = 0; i < ARRAY_SIZE(sequences); i++)
		show_sequence(sequences[i]);
out:
	kvfree(held);
	bitmap_free(seen);
}

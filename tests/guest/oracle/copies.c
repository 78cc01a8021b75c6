// SPDX-License-Identifier: GPL-2.0
/* Copying by reference; a domain may copy from its own grants in any kind of guest. */
#include "oracle.h"

static struct page *source, *target;
static int source_ref, readonly_ref, target_ref, ended_ref, foreign_ref;

/* From a reference to the local page @target. */
static struct gnttab_copy copy_in(int ref, unsigned int from, unsigned int to, unsigned int len)
{
	return (struct gnttab_copy) {
		.source.u.ref = ref,
		.source.domid = oracle_self,
		.source.offset = from,
		.dest.u.gmfn = xen_page_to_gfn(target),
		.dest.domid = DOMID_SELF,
		.dest.offset = to,
		.len = len,
		.flags = GNTCOPY_source_gref,
		.status = 7,
	};
}

static struct gnttab_copy copy_out(int ref)
{
	return (struct gnttab_copy) {
		.source.u.gmfn = xen_page_to_gfn(source),
		.source.domid = DOMID_SELF,
		.dest.u.ref = ref,
		.dest.domid = oracle_self,
		.len = 4096,
		.flags = GNTCOPY_dest_gref,
		.status = 7,
	};
}

static struct gnttab_copy copy_across(int from, int to)
{
	return (struct gnttab_copy) {
		.source.u.ref = from,
		.source.domid = oracle_self,
		.dest.u.ref = to,
		.dest.domid = oracle_self,
		.len = 4096,
		.flags = GNTCOPY_source_gref | GNTCOPY_dest_gref,
		.status = 7,
	};
}

static void show_copy(const char *what, struct gnttab_copy op)
{
	u8 *to = page_address(target);
	int changed = 0, i;

	memset(to, 0, PAGE_SIZE);
	gnttab_batch_copy(&op, 1);
	for (i = 0; i < PAGE_SIZE; i++)
		changed += to[i] != 0;
	SHOW("copy %s", "status %d, bytes %d\n", what, op.status, changed);
}

static void show_batches(void)
{
	static struct gnttab_copy batch[40];
	int i, okay = 0;

	gnttab_batch_copy(batch, 0);
	SHOW("batch of no copies", "back\n");
	for (i = 0; i < ARRAY_SIZE(batch); i++)
		batch[i] = copy_in(source_ref, i * 64, i * 64, 64);
	gnttab_batch_copy(batch, ARRAY_SIZE(batch));
	for (i = 0; i < ARRAY_SIZE(batch); i++)
		okay += batch[i].status == GNTST_okay;
	SHOW("batch of 40 copies", "fine %d, bytes %s\n", okay,
	     memcmp(page_address(source), page_address(target), 40 * 64) ? "differ" : "equal");

	batch[0] = copy_in(source_ref, 0, 0, 16);
	batch[1] = copy_in(0x7ffffff, 0, 16, 16);
	batch[2] = copy_in(source_ref, 4090, 32, 16);
	batch[3] = copy_in(ended_ref, 0, 48, 16);
	batch[4] = copy_in(foreign_ref, 0, 64, 16);
	batch[5] = copy_in(source_ref, 0, 80, 16);
	gnttab_batch_copy(batch, 6);
	for (i = 0; i < 6; i++)
		SHOW("mixed batch of copies, slot %d", "%d\n", i, batch[i].status);
}

void oracle_copies(void)
{
	struct gnttab_copy bad;

	source = fresh_page(0xa5);
	target = fresh_page(0);
	if (!source || !target)
		return;
	source_ref = grant_self(source, 0);
	readonly_ref = grant_self(source, 1);
	target_ref = grant_self(target, 0);
	ended_ref = grant_self(source, 0);
	gnttab_end_foreign_access_ref(ended_ref);
	/* To somebody else, who does not matter. */
	foreign_ref = gnttab_grant_foreign_access(0x7123, xen_page_to_gfn(source), 0);

	show_copy("of a page", copy_in(source_ref, 0, 0, 4096));
	show_copy("of a byte", copy_in(source_ref, 4095, 4095, 1));
	show_copy("of nothing", copy_in(source_ref, 0, 0, 0));
	show_copy("from a read-only grant", copy_in(readonly_ref, 0, 0, 4096));
	show_copy("beyond the source", copy_in(source_ref, 4000, 0, 200));
	show_copy("beyond the target", copy_in(source_ref, 0, 4000, 200));
	show_copy("from an ended grant", copy_in(ended_ref, 0, 0, 4096));
	show_copy("from another domain's grant", copy_in(foreign_ref, 0, 0, 4096));
	show_copy("from beyond the table", copy_in(0x7ffffff, 0, 0, 4096));
	show_copy("to a grant", copy_out(target_ref));
	show_copy("to a read-only grant", copy_out(readonly_ref));
	show_copy("to an ended grant", copy_out(ended_ref));
	show_copy("from grant to grant", copy_across(source_ref, target_ref));
	show_copy("from grant to read-only grant", copy_across(target_ref, readonly_ref));
	bad = copy_in(source_ref, 0, 0, 16);
	bad.source.domid = 0x7123;
	show_copy("from a domain that is not there", bad);
	show_batches();

	SHOW("end what was copied", "%d %d %d\n", gnttab_try_end_foreign_access(source_ref),
	     gnttab_try_end_foreign_access(readonly_ref),
	     gnttab_try_end_foreign_access(target_ref));
	SHOW("end the others", "%d %d\n", gnttab_try_end_foreign_access(foreign_ref),
	     gnttab_try_end_foreign_access(ended_ref));
	put_page(source);
	put_page(target);
}

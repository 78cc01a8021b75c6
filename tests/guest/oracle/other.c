// SPDX-License-Identifier: GPL-2.0
/*
 * The other side: this domain itself in dom0; elsewhere dom0, where
 * tests/guest/peers/oracle.sh waits for us with the module oracle_peer.
 */
#include <xen/xenbus.h>

#include "oracle.h"

domid_t oracle_other;

static struct side_page alone;	/* for dom0: what it says to itself */
static struct side_page *shared;
static int shared_ref;

static bool answered(void)
{
	/* The answer itself is read after its number. */
	return virt_load_acquire(&shared->answered) == shared->asked;
}

/* Waits for dom0; false when it has gone. */
static bool wait_for_answer(void)
{
	unsigned long end = jiffies + 20 * HZ;

	while (!answered() && time_before(jiffies, end))
		usleep_range(50, 200);
	return answered();
}

static s64 ask(enum side_what what, u32 first, u32 second, u32 third)
{
	struct side_request request = { what, { first, second, third } };

	if (!shared)
		return side_do(oracle_other, &request, alone.granted);
	if (!answered())
		return -ETIMEDOUT;	/* not even the question before */
	shared->request = request;
	/* The request is written before its number, which dom0 reads first. */
	virt_store_release(&shared->asked, shared->asked + 1);
	return wait_for_answer() ? shared->result : -ETIMEDOUT;
}

bool other_start(void)
{
	struct page *page;
	int err;

	if (xen_initial_domain()) {
		oracle_other = oracle_self;
		return true;
	}
	oracle_other = 0;
	page = fresh_page(0);
	if (!page)
		return false;
	shared = page_address(page);
	shared->asked = 1;	/* SIDE_HELLO, in a fresh page */
	shared_ref = gnttab_grant_foreign_access(oracle_other, xen_page_to_gfn(page), 0);
	err = xenbus_printf(XBT_NIL, "data/oracle", "ref", "%d", shared_ref);
	if (!err && wait_for_answer())
		return true;
	pr_err("oracle: nobody in dom0 has answered (%d)\n", err);
	gnttab_end_foreign_access(shared_ref, page);
	shared = NULL;
	return false;
}

void other_stop(void)
{
	if (!shared) {
		side_clean();
		return;
	}
	xenbus_rm(XBT_NIL, "data", "oracle");
	ask(SIDE_BYE, 0, 0, 0);
	/* It unmaps the page that we share last of all. */
	if (SOON(gnttab_try_end_foreign_access(shared_ref)))
		free_page((unsigned long)shared);
	shared = NULL;
}

int other_grant(u8 fill, bool readonly, struct side_granted granted[SIDE_PAGES])
{
	int err = ask(SIDE_GRANT, fill, readonly, 0);

	memcpy(granted, shared ? shared->granted : alone.granted, sizeof(alone.granted));
	return err;
}

int other_regrant(u32 page, domid_t to, bool readonly)
{
	return ask(SIDE_REGRANT, page, to, readonly);
}

int other_end(u32 page)
{
	return ask(SIDE_END, page, 0, 0);
}

int other_free(void)
{
	return ask(SIDE_FREE, 0, 0, 0);
}

u8 other_read(u32 page, u32 offset)
{
	return ask(SIDE_READ, page, offset, 0);
}

void other_write(u32 page, u32 offset, u8 byte)
{
	ask(SIDE_WRITE, page, offset, byte);
}

int other_map(grant_ref_t ref)
{
	return ask(SIDE_MAP, ref, 0, 0);
}

int other_unmap(int map)
{
	return ask(SIDE_UNMAP, map, 0, 0);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The backend of the demo, a program in dom0 over the stock xen-gntdev: maps
 * the 64 pages of a guest, checks every byte, answers in place, lets 63 of
 * them go, and keeps the first until the guest has ended its access to it.
 *
 *	demo_back DOMID
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <xengnttab.h>
#include <xenstore.h>

#include "demo.h"

#define WAIT_SECONDS	300	/* a guest that ends is noticed at once */
#define REST		(DEMO_PAGES - 1)

static struct xs_handle *xs;
static unsigned int domid;
static char directory[128];

static char *path_of(const char *key)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, key);
	return path;
}

static char *store_read(const char *key)
{
	unsigned int length;

	return xs_read(xs, XBT_NULL, path_of(key), &length);
}

static void store_write(const char *key, const char *value)
{
	if (!xs_write(xs, XBT_NULL, path_of(key), value, strlen(value)))
		err(1, "writing %s to xenstore", key);
}

static void wait_for_state(const char *wanted)
{
	const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	time_t end = time(NULL) + WAIT_SECONDS;
	char *state = NULL;

	while (time(NULL) < end) {
		free(state);
		state = store_read("state");
		if (state && !strcmp(state, wanted)) {
			free(state);
			return;
		}
		if (!xs_is_domain_introduced(xs, domid))
			errx(1, "the guest has ended before it was '%s'", wanted);
		nanosleep(&pause, NULL);
	}
	errx(1, "the guest is '%s' and not '%s' after %d s",
	     state ? state : "silent", wanted, WAIT_SECONDS);
}

static void read_refs(uint32_t *refs)
{
	char *list = store_read("refs"), *at = list, *end;
	unsigned int i;

	if (!list)
		err(1, "reading the references from xenstore");
	for (i = 0; i < DEMO_PAGES; i++) {
		refs[i] = strtoul(at, &end, 10);
		if (end == at)
			errx(1, "%u references in xenstore, not %d", i, DEMO_PAGES);
		at = end;
	}
	free(list);
}

static unsigned int check_and_answer(char *pages, unsigned int first, unsigned int count)
{
	unsigned int i, good = 0;

	for (i = 0; i < count; i++) {
		char *page = pages + (size_t)i * DEMO_PAGE_SIZE;

		good += demo_check(page, first + i, DEMO_QUESTION);
		demo_fill(page, first + i, DEMO_ANSWER);
	}
	return good;
}

int main(int argc, char **argv)
{
	uint32_t refs[DEMO_PAGES];
	unsigned int verified;
	xengnttab_handle *gnttab;
	char *kept, *rest;

	if (argc != 2)
		errx(2, "usage: demo_back DOMID");
	domid = strtoul(argv[1], NULL, 10);
	snprintf(directory, sizeof(directory), "/local/domain/%u/" DEMO_DIR, domid);

	xs = xs_open(0);
	if (!xs)
		err(1, "no xenstore");
	gnttab = xengnttab_open(NULL, 0);
	if (!gnttab)
		err(1, "no /dev/xen/gntdev");

	wait_for_state("granted");
	read_refs(refs);
	kept = xengnttab_map_grant_ref(gnttab, domid, refs[0], PROT_READ | PROT_WRITE);
	rest = xengnttab_map_domain_grant_refs(gnttab, REST, domid, refs + 1,
					       PROT_READ | PROT_WRITE);
	if (!kept || !rest)
		err(1, "mapping the grants of domain %u", domid);
	printf("demo: mapped %d\n", 1 + REST);

	verified = check_and_answer(kept, 0, 1) + check_and_answer(rest, 1, REST);
	printf("demo: verified %u\n", verified);
	if (xengnttab_unmap(gnttab, rest, REST))
		err(1, "unmapping %d grants", REST);
	store_write("back-state", "answered");

	/* "release" comes after the guest has seen its end of access deferred. */
	wait_for_state("release");
	if (!demo_check(kept, 0, DEMO_ANSWER))
		errx(1, "the page still mapped has changed: it was reused");
	printf("demo: kept_intact 1\n");
	if (xengnttab_unmap(gnttab, kept, 1))
		err(1, "unmapping the last grant");
	store_write("back-state", "closed");

	xengnttab_close(gnttab);
	xs_close(xs);
	return verified == DEMO_PAGES ? 0 : 1;
}

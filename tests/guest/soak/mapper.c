// SPDX-License-Identifier: GPL-2.0
/*
 * Has pages of another domain mapped, through /dev/xen/gntdev, until it is killed:
 *
 *	mapper DOMID REF,REF,...	answers in each page (many.h), says "mapped",
 *					then looks whether they stay what they are
 *	mapper -l DOMID REF,REF,...	maps and unmaps again and again
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* The header of the device takes these for granted. */
typedef uint32_t grant_ref_t;
typedef uint16_t domid_t;
#include <xen/gntdev.h>

#include "many.h"

#define PAGE 4096

static struct ioctl_gntdev_map_grant_ref *request;
static int fd;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void read_refs(unsigned int domid, char *list)
{
	char *ref;

	request = calloc(1, sizeof(*request) + MANY_MOST * sizeof(request->refs[0]));
	if (!request)
		die("memory");
	for (ref = strtok(list, ","); ref && request->count < MANY_MOST; ref = strtok(NULL, ",")) {
		request->refs[request->count].domid = domid;
		request->refs[request->count++].ref = strtoul(ref, NULL, 10);
	}
}

static uint32_t *map(void)
{
	void *where;

	if (ioctl(fd, IOCTL_GNTDEV_MAP_GRANT_REF, request))
		die("IOCTL_GNTDEV_MAP_GRANT_REF");
	where = mmap(NULL, request->count * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		     request->index);
	if (where == MAP_FAILED)
		die("mmap");
	return where;
}

static void unmap(void *where)
{
	struct ioctl_gntdev_unmap_grant_ref undo = { .index = request->index,
						     .count = request->count };

	if (munmap(where, request->count * PAGE) || ioctl(fd, IOCTL_GNTDEV_UNMAP_GRANT_REF, &undo))
		die("unmapping");
}

static volatile uint32_t *page(uint32_t *where, unsigned int n)
{
	return where + n * (PAGE / sizeof(*where));
}

static void answer(uint32_t *where)
{
	unsigned int n;

	for (n = 0; n < request->count; n++) {
		if (page(where, n)[0] != MANY_MARK(n)) {
			fprintf(stderr, "page %u is not what was granted\n", n);
			exit(1);
		}
		page(where, n)[1] = MANY_ANSWER(n);
	}
}

static void look(uint32_t *where)
{
	unsigned int n;

	for (n = 0; n < request->count; n++) {
		if (page(where, n)[0] != MANY_MARK(n) || page(where, n)[1] != MANY_ANSWER(n)) {
			printf("changed: page %u\n", n);
			exit(1);
		}
	}
}

int main(int argc, char **argv)
{
	int again = argc == 4 && !strcmp(argv[1], "-l");
	uint32_t *where;

	if (argc != 3 + again) {
		fprintf(stderr, "usage: mapper [-l] DOMID REF,REF,...\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	fd = open("/dev/xen/gntdev", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die("/dev/xen/gntdev");
	read_refs(atoi(argv[1 + again]), argv[2 + again]);
	where = map();
	answer(where);
	printf("mapped %u\n", request->count);
	while (again) {
		unmap(where);
		where = map();
		look(where);
	}
	for (;;) {
		look(where);
		usleep(20000);
	}
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the other side of a grant does: another domain's module (oracle-peer) or,
 * in dom0, the oracle itself, with pages that it grants and maps of its own.
 */
#ifndef XENGNT_TEST_SIDE_H
#define XENGNT_TEST_SIDE_H

#include <linux/types.h>
#include <xen/interface/xen.h>

#define SIDE_PAGES 8	/* pages that it grants */
#define SIDE_MAPS 32	/* pages that it maps */

enum side_what {
	SIDE_HELLO,	/* are you there? */
	SIDE_GRANT,	/* what to fill the first page with, read-only: all of them, 0 or an errno */
	SIDE_REGRANT,	/* page, to which domain, read-only: 0 */
	SIDE_END,	/* page: whether access could be ended */
	SIDE_FREE,	/* the pages and their references go: of how many access could be ended */
	SIDE_READ,	/* page, offset: the byte there */
	SIDE_WRITE,	/* page, offset, byte: 0 */
	SIDE_MAP,	/* reference, read-only: which of its maps, or an errno */
	SIDE_UNMAP,	/* map: 0 or an errno */
	SIDE_BYE,
};

struct side_request {
	u32 what;
	u32 args[3];
};

/* A page that it has granted. */
struct side_granted {
	s32 ref;
	u64 frame;
};

/*
 * Shared by two domains. The asking one fills in the request and raises its
 * number; the other one does as told, then makes the answer's number the same.
 */
struct side_page {
	u32 asked, answered;
	struct side_request request;
	s64 result;
	struct side_granted granted[SIDE_PAGES];
};

/* Does it, with the domain @other at the other end; @granted is for SIDE_GRANT. May sleep. */
s64 side_do(domid_t other, const struct side_request *request,
	    struct side_granted granted[SIDE_PAGES]);
/* Undoes all that is left. */
void side_clean(void);

#endif /* XENGNT_TEST_SIDE_H */

// SPDX-License-Identifier: GPL-2.0
/*
 * A frontend that does what no frontend should, one request at a time. A message
 * counts as answered when the backend refuses it as it must (or serves it, where
 * nothing is wrong with it) and holds none of its pages afterwards.
 */
#include "front.h"

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <xen/grant_table.h>
#include <xen/page.h>

static bool lie;
module_param(lie, bool, 0644);
MODULE_PARM_DESC(lie, "claim more requests than the ring has entries, and expect nothing");

#define PAGES 4

struct echo_front {
	struct page *ring_page, *pages[PAGES];
	grant_ref_t ring_ref, refs[PAGES];
	struct vecho_front_ring ring;
	domid_t domid;
	u64 wanted, begun;
	s32 expected;
	bool open;
	struct echo_counts counts;
};

/* The first two pages are granted for reading and writing, the others for reading. */
static void grant_all(struct echo_front *front)
{
	unsigned int i;
	int ref;

	for (i = 0; i < PAGES; i++) {
		ref = gnttab_grant_foreign_access(front->domid, xen_page_to_gfn(front->pages[i]),
						  i >= 2);
		front->refs[i] = ref < 0 ? INVALID_GRANT_REF : ref;
	}
}

static bool end_all(struct echo_front *front)
{
	bool ended = true;
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		if (front->refs[i] == INVALID_GRANT_REF)
			continue;
		if (gnttab_try_end_foreign_access(front->refs[i]))
			continue;
		gnttab_end_foreign_access(front->refs[i], NULL);
		front->counts.kept++;
		ended = false;
	}
	return ended;
}

/* Returns what the backend must say to it. */
static s32 misbehave(struct echo_front *front, struct echo_request *request, u64 message)
{
	u32 whole = ECHO_PAGE_BYTES;

	request->length = whole;
	request->question[0] = front->refs[2];
	request->question[1] = front->refs[3];
	request->answer[0] = front->refs[0];
	request->answer[1] = front->refs[1];
	request->checksum = echo_checksum(ECHO_CHECKSUM_START, page_address(front->pages[2]), whole);

	switch (message % 11) {
	case 0:
		request->length = 0;
		return ECHO_BAD_REQUEST;
	case 1:
		request->length = ECHO_BYTES_MAX + 1;
		return ECHO_BAD_REQUEST;
	case 2:
		request->length = U32_MAX;
		return ECHO_BAD_REQUEST;
	case 3:
		request->reserved = 1;
		return ECHO_BAD_REQUEST;
	case 4:		/* beyond every table */
		request->question[0] = 0xfffffff0;
		return ECHO_BAD_GRANT;
	case 5:		/* reserved, granted to nobody */
		request->answer[0] = 7;
		return ECHO_BAD_GRANT;
	case 6:		/* to be written, granted for reading */
		request->answer[0] = front->refs[2];
		return ECHO_BAD_GRANT;
	case 7:		/* of four pages three can be mapped */
		request->length = 2 * whole;
		request->answer[1] = 0xfffffff0;
		return ECHO_BAD_GRANT;
	case 8:
		request->checksum++;
		return ECHO_BAD_CHECKSUM;
	case 9:		/* odd, and nobody's business: one page for both */
		request->question[0] = front->refs[0];
		request->checksum = echo_checksum(ECHO_CHECKSUM_START,
						  page_address(front->pages[0]), whole);
		return ECHO_OK;
	default:
		return ECHO_OK;
	}
}

int echo_front_send(struct echo_front *front)
{
	struct vecho_front_ring *ring = &front->ring;
	struct echo_request *request;
	int notify = 0;

	if (!front->ring_page || front->open || front->begun == front->wanted)
		return 0;
	if (lie) {
		front->begun = front->wanted;
		front->counts.answered = front->wanted;
		WRITE_ONCE(ring->sring->req_prod, ring->req_prod_pvt + 1000);
		return 1;
	}
	grant_all(front);
	request = RING_GET_REQUEST(ring, ring->req_prod_pvt);
	memset(request, 0, sizeof(*request));
	front->expected = misbehave(front, request, front->begun++);
	request->id = front->begun;
	front->open = true;
	ring->req_prod_pvt++;
	RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(ring, notify);
	return notify;
}

int echo_front_receive(struct echo_front *front)
{
	struct vecho_front_ring *ring = &front->ring;
	struct echo_response response;
	int taken = 0, more;

	if (!front->ring_page)
		return 0;
	RING_FINAL_CHECK_FOR_RESPONSES(ring, more);
	while (more) {
		RING_COPY_RESPONSE(ring, ring->rsp_cons, &response);
		ring->rsp_cons++;
		front->open = false;
		if (end_all(front) && response.status == front->expected &&
		    response.id == front->begun) {
			front->counts.answered++;
		} else {
			pr_err("rogue: message %llu: status %d instead of %d\n", front->begun - 1,
			       response.status, front->expected);
			front->counts.wrong++;
		}
		taken++;
		RING_FINAL_CHECK_FOR_RESPONSES(ring, more);
	}
	return taken;
}

int echo_front_connect(struct echo_front *front, u16 domid, u32 *ring_ref)
{
	struct vecho_sring *shared = (void *)get_zeroed_page(GFP_KERNEL);
	int ref;

	if (!shared)
		return -ENOMEM;
	XEN_FRONT_RING_INIT(&front->ring, shared, ECHO_PAGE_BYTES);
	ref = gnttab_grant_foreign_access(domid, virt_to_gfn(shared), 0);
	if (ref < 0) {
		free_page((unsigned long)shared);
		return ref;
	}
	front->ring_page = virt_to_page(shared);
	front->domid = domid;
	front->ring_ref = ref;
	*ring_ref = ref;
	return 0;
}

void echo_front_disconnect(struct echo_front *front)
{
	if (!front->ring_page)
		return;
	if (front->open)
		end_all(front);
	front->open = false;
	gnttab_end_foreign_access(front->ring_ref, front->ring_page);
	front->ring_page = NULL;
}

void echo_front_want(struct echo_front *front, u32 messages)
{
	front->wanted += messages;
}

void echo_front_cancel(struct echo_front *front)
{
	front->wanted = front->begun;
}

int echo_front_idle(const struct echo_front *front)
{
	return !front->open && front->begun == front->wanted;
}

struct echo_counts echo_front_counts(const struct echo_front *front)
{
	return front->counts;
}

void echo_front_destroy(struct echo_front *front)
{
	unsigned int i;

	echo_front_disconnect(front);
	for (i = 0; i < PAGES; i++)
		if (front->pages[i])
			put_page(front->pages[i]);
	kfree(front);
}

struct echo_front *echo_front_create(const char *name)
{
	struct echo_front *front = kzalloc(sizeof(*front), GFP_KERNEL);
	unsigned int i;

	for (i = 0; front && i < PAGES; i++) {
		front->pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!front->pages[i]) {
			echo_front_destroy(front);
			return NULL;
		}
	}
	return front;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The frontend's ring, its pages and their grants. What the backend writes into
 * shared memory is read once, and checked after it was read. A page is looked at
 * or used again only when the backend's access to it has ended.
 */
#include "front.h"

#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <xen/grant_table.h>
#include <xen/page.h>
#include <xengnt/batch.h>
#include <xengnt/pool.h>

#define SLOTS		16
#define SLOT_PAGES	(2 * ECHO_PAGES)	/* the question's, then the answer's */

/* What the device needs at once is reserved. As much again may be stuck with a
 * backend that does not let go; after that the device stops, not the guest.
 */
#define POOL_RESERVE	(1 + SLOTS * SLOT_PAGES)
#define POOL_LIMIT	(2 * POOL_RESERVE)

static_assert(ECHO_PAGE_BYTES == XEN_PAGE_SIZE);
/* Then the ring is never full. */
static_assert(__CONST_RING_SIZE(vecho, ECHO_PAGE_BYTES) >= SLOTS);

enum slot_state {
	SLOT_FREE,
	SLOT_READY,	/* its question is written, nothing is granted */
	SLOT_SENT,	/* its pages are granted, the backend has its request */
};

struct echo_slot {
	enum slot_state state;
	u32 length;
	u32 checksum;
	struct page *pages[SLOT_PAGES];		/* NULL: to be allocated again */
	grant_ref_t refs[SLOT_PAGES];		/* while sent */
};

struct echo_front {
	struct xengnt_pool *pool;
	struct page *ring_page;			/* while connected */
	grant_ref_t ring_ref;
	struct vecho_front_ring ring;
	domid_t domid;
	u64 wanted, begun;			/* messages since creation */
	struct echo_counts counts;
	struct echo_slot slots[SLOTS];
};

/* --- what is sent and what must come back ------------------------------------ */

/* Every length that touches a page's edge is among the first; then all sorts. */
static u32 length_of(u64 message)
{
	static const u32 edges[] = { 1, 4095, 4096, 4097, 8192, 12289, 16383, 16384 };

	if (message % 4 == 0)
		return edges[message / 4 % ARRAY_SIZE(edges)];
	return 1 + (u32)((message * 0x9e3779b97f4a7c15ull) >> 40) % ECHO_BYTES_MAX;
}

/* A page that the backend may see holds nothing of this guest but the message. */
static void fill_page(struct page *page, u64 seed, u32 bytes)
{
	u64 *words = page_address(page);
	unsigned int i;

	for (i = 0; i < ECHO_PAGE_BYTES / sizeof(u64); i++) {
		seed = seed * 0x5851f42d4c957f2dull + 0x14057b7ef767814full;
		words[i] = seed;
	}
	memset(page_address(page) + bytes, 0, ECHO_PAGE_BYTES - bytes);
}

static u32 bytes_in_page(const struct echo_slot *slot, unsigned int n)
{
	return min_t(u32, slot->length - n * ECHO_PAGE_BYTES, ECHO_PAGE_BYTES);
}

static int compose(struct echo_slot *slot, u64 message)
{
	u32 sum = ECHO_CHECKSUM_START;
	unsigned int i;

	for (i = 0; i < SLOT_PAGES; i++) {
		if (!slot->pages[i])
			slot->pages[i] = alloc_page(GFP_NOIO | __GFP_ZERO);
		if (!slot->pages[i])
			return -ENOMEM;
	}
	slot->length = length_of(message);
	for (i = 0; i < echo_pages(slot->length); i++) {
		fill_page(slot->pages[i], message * ECHO_PAGES + i, bytes_in_page(slot, i));
		clear_page(page_address(slot->pages[ECHO_PAGES + i]));
		sum = echo_checksum(sum, page_address(slot->pages[i]), bytes_in_page(slot, i));
	}
	slot->checksum = sum;
	slot->state = SLOT_READY;
	return 0;
}

static bool answer_is_right(const struct echo_slot *slot, const struct echo_response *response)
{
	unsigned int i;

	if (response->status != ECHO_OK || response->checksum != slot->checksum)
		return false;
	for (i = 0; i < echo_pages(slot->length); i++)
		if (memcmp(page_address(slot->pages[i]),
			   page_address(slot->pages[ECHO_PAGES + i]), bytes_in_page(slot, i)))
			return false;
	return true;
}

/* --- grants ------------------------------------------------------------------- */

static int grant_side(struct echo_front *front, struct echo_slot *slot, unsigned int first,
		      int readonly)
{
	unsigned int i, count = echo_pages(slot->length);
	unsigned long frames[ECHO_PAGES];

	for (i = 0; i < count; i++)
		frames[i] = xen_page_to_gfn(slot->pages[first + i]);
	return xengnt_pool_grant_foreign_access_batch(front->pool, front->domid, frames, count,
						      readonly, slot->refs + first);
}

/* Ends access to pages of a slot. One that the backend still has mapped goes, with
 * its reference, once the backend lets go; the slot gets another in its place.
 * Returns how many those are.
 */
static unsigned int end_side(struct echo_slot *slot, unsigned int first)
{
	unsigned int i, kept = 0;

	for (i = first; i < first + echo_pages(slot->length); i++) {
		if (gnttab_try_end_foreign_access(slot->refs[i]))
			continue;
		gnttab_end_foreign_access(slot->refs[i], slot->pages[i]);
		slot->pages[i] = NULL;
		kept++;
	}
	return kept;
}

static int grant_slot(struct echo_front *front, struct echo_slot *slot)
{
	int err = grant_side(front, slot, 0, 1);

	if (err)
		return err;
	err = grant_side(front, slot, ECHO_PAGES, 0);
	if (err)
		end_side(slot, 0);
	return err;
}

static unsigned int end_slot(struct echo_front *front, struct echo_slot *slot)
{
	unsigned int kept = end_side(slot, 0) + end_side(slot, ECHO_PAGES);

	front->counts.kept += kept;
	return kept;
}

/* --- the ring ------------------------------------------------------------------ */

static void post(struct echo_front *front, const struct echo_slot *slot)
{
	struct vecho_front_ring *ring = &front->ring;
	struct echo_request *request = RING_GET_REQUEST(ring, ring->req_prod_pvt);
	unsigned int i;

	memset(request, 0, sizeof(*request));
	request->id = slot - front->slots;
	request->length = slot->length;
	request->checksum = slot->checksum;
	for (i = 0; i < echo_pages(slot->length); i++) {
		request->question[i] = slot->refs[i];
		request->answer[i] = slot->refs[ECHO_PAGES + i];
	}
	ring->req_prod_pvt++;
}

int echo_front_send(struct echo_front *front)
{
	struct echo_slot *slot;
	int notify = 0;

	if (!front->ring_page)
		return 0;
	for (slot = front->slots; slot < front->slots + SLOTS; slot++) {
		if (slot->state == SLOT_FREE && front->begun < front->wanted) {
			if (compose(slot, front->begun))
				break;
			front->begun++;
		}
		if (slot->state == SLOT_READY) {
			if (grant_slot(front, slot))
				break;
			post(front, slot);
			slot->state = SLOT_SENT;
		}
	}
	RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&front->ring, notify);
	return notify;
}

static int take(struct echo_front *front, const struct echo_response *response)
{
	struct echo_slot *slot;

	/* The index is the backend's word: it is checked before it is used. */
	if (response->id >= SLOTS || front->slots[response->id].state != SLOT_SENT)
		return -EPROTO;
	slot = &front->slots[response->id];
	slot->state = SLOT_FREE;
	/* Access ends first: what is compared can no longer change. */
	if (!end_slot(front, slot) && answer_is_right(slot, response)) {
		front->counts.answered++;
		front->counts.bytes += slot->length;
	} else {
		front->counts.wrong++;
	}
	return 0;
}

int echo_front_receive(struct echo_front *front)
{
	struct vecho_front_ring *ring = &front->ring;
	struct echo_response response;
	int taken = 0, more;
	RING_IDX prod;

	if (!front->ring_page)
		return 0;
	do {
		prod = READ_ONCE(ring->sring->rsp_prod);
		/* No more responses than there are requests without one. */
		if (prod - ring->rsp_cons > ring->req_prod_pvt - ring->rsp_cons)
			return -EPROTO;
		virt_rmb();	/* the responses after the index that says they are there */
		while (ring->rsp_cons != prod) {
			RING_COPY_RESPONSE(ring, ring->rsp_cons++, &response);
			if (take(front, &response))
				return -EPROTO;
			taken++;
		}
		RING_FINAL_CHECK_FOR_RESPONSES(ring, more);
	} while (more);
	return taken;
}

int echo_front_connect(struct echo_front *front, u16 domid, u32 *ring_ref)
{
	struct vecho_sring *shared;
	int ref;

	front->ring_page = alloc_page(GFP_NOIO | __GFP_ZERO);
	if (!front->ring_page)
		return -ENOMEM;
	shared = page_address(front->ring_page);
	XEN_FRONT_RING_INIT(&front->ring, shared, ECHO_PAGE_BYTES);
	ref = xengnt_pool_grant_foreign_access(front->pool, domid,
					       xen_page_to_gfn(front->ring_page), 0);
	if (ref < 0) {
		put_page(front->ring_page);
		front->ring_page = NULL;
		return ref;
	}
	front->domid = domid;
	front->ring_ref = ref;
	*ring_ref = ref;
	return 0;
}

void echo_front_disconnect(struct echo_front *front)
{
	struct echo_slot *slot;

	if (!front->ring_page)
		return;
	for (slot = front->slots; slot < front->slots + SLOTS; slot++) {
		if (slot->state != SLOT_SENT)
			continue;
		/* A page that is kept takes the question along: that message is lost. */
		if (end_slot(front, slot)) {
			front->counts.wrong++;
			slot->state = SLOT_FREE;
		} else {
			front->counts.resent++;
			slot->state = SLOT_READY;
		}
	}
	gnttab_end_foreign_access(front->ring_ref, front->ring_page);
	front->ring_page = NULL;
}

/* --- life ------------------------------------------------------------------------ */

void echo_front_want(struct echo_front *front, u32 messages)
{
	front->wanted += messages;
}

void echo_front_cancel(struct echo_front *front)
{
	unsigned int i;

	front->wanted = front->begun;
	for (i = 0; i < SLOTS; i++)
		if (front->slots[i].state == SLOT_READY)
			front->slots[i].state = SLOT_FREE;
}

int echo_front_idle(const struct echo_front *front)
{
	unsigned int i;

	for (i = 0; i < SLOTS; i++)
		if (front->slots[i].state != SLOT_FREE)
			return 0;
	return front->begun == front->wanted;
}

struct echo_counts echo_front_counts(const struct echo_front *front)
{
	return front->counts;
}

struct echo_front *echo_front_create(const char *name)
{
	struct echo_front *front = kvzalloc(sizeof(*front), GFP_KERNEL);

	if (!front)
		return NULL;
	front->pool = xengnt_pool_create(name, POOL_RESERVE, POOL_LIMIT);
	if (IS_ERR(front->pool)) {
		kvfree(front);
		return NULL;
	}
	return front;
}

void echo_front_destroy(struct echo_front *front)
{
	unsigned int i, n;

	echo_front_disconnect(front);
	for (i = 0; i < SLOTS; i++)
		for (n = 0; n < SLOT_PAGES; n++)
			if (front->slots[i].pages[n])
				put_page(front->slots[i].pages[n]);
	xengnt_pool_destroy(front->pool);
	kvfree(front);
}

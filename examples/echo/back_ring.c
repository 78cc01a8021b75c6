// SPDX-License-Identifier: GPL-2.0
/*
 * The backend's ring and the frontend's pages. Everything in shared memory can
 * change at any time: an index is read once, a request is copied before it is
 * looked at, and so is the question before its checksum is made.
 */
#include "back.h"

#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <xen/events.h>
#include <xen/page.h>
#include <xen/xenbus.h>

/* One request's grants, those that could be mapped first. */
struct mapped {
	unsigned int count;
	struct gnttab_unmap_grant_ref ops[REQUEST_PAGES];
	struct page *pages[REQUEST_PAGES];
};

static phys_addr_t address_of(const struct page *page)
{
	return (unsigned long)page_address(page);
}

static void unmap(struct mapped *mapped)
{
	/* Nobody else holds these pages: no need to wait as gnttab_unmap_refs_async() does. */
	if (mapped->count && gnttab_unmap_refs(mapped->ops, NULL, mapped->pages, mapped->count))
		pr_err_ratelimited(ECHO_DEVICE ": a grant could not be unmapped\n");
}

/* All or none. A question is mapped for reading: it is not granted for more. */
static bool map(struct echo_back *back, const struct echo_request *request, struct mapped *mapped)
{
	unsigned int i, n = echo_pages(request->length), count = 2 * n;
	struct gnttab_map_grant_ref ops[REQUEST_PAGES];
	bool complete = true;

	mapped->count = 0;
	for (i = 0; i < count; i++)
		gnttab_set_map_op(&ops[i], address_of(back->pages[i]),
				  GNTMAP_host_map | (i < n ? GNTMAP_readonly : 0),
				  i < n ? request->question[i] : request->answer[i - n],
				  back->xbdev->otherend_id);
	if (gnttab_map_refs(ops, NULL, back->pages, count))
		complete = false;

	/* Each has its own status, also when the call as a whole has failed. */
	for (i = 0; i < count; i++) {
		if (ops[i].status != GNTST_okay) {
			complete = false;
			continue;
		}
		gnttab_set_unmap_op(&mapped->ops[mapped->count], address_of(back->pages[i]),
				    GNTMAP_host_map, ops[i].handle);
		mapped->pages[mapped->count++] = back->pages[i];
	}
	if (!complete) {
		unmap(mapped);
		mapped->count = 0;
	}
	return complete;
}

static u32 bytes_in_page(u32 length, unsigned int n)
{
	return min_t(u32, length - n * ECHO_PAGE_BYTES, ECHO_PAGE_BYTES);
}

/* From here on only our copies of the request and of the question count. */
static enum echo_status echo(struct echo_back *back, const struct echo_request *request)
{
	unsigned int i, n = echo_pages(request->length);
	struct mapped mapped;
	enum echo_status status = ECHO_OK;

	if (!request->length || request->length > ECHO_BYTES_MAX || request->reserved)
		return ECHO_BAD_REQUEST;
	if (!map(back, request, &mapped))
		return ECHO_BAD_GRANT;

	for (i = 0; i < n; i++)
		memcpy(back->copy + i * ECHO_PAGE_BYTES, page_address(back->pages[i]),
		       bytes_in_page(request->length, i));
	if (echo_checksum(ECHO_CHECKSUM_START, back->copy, request->length) != request->checksum)
		status = ECHO_BAD_CHECKSUM;
	else
		for (i = 0; i < n; i++)
			memcpy(page_address(back->pages[n + i]), back->copy + i * ECHO_PAGE_BYTES,
			       bytes_in_page(request->length, i));
	unmap(&mapped);
	return status;
}

static void serve(struct echo_back *back, const struct echo_request *request)
{
	struct vecho_back_ring *ring = &back->ring;
	enum echo_status status = echo(back, request);
	struct echo_response *response;

	if (status == ECHO_OK)
		back->served++;
	else
		back->refused++;
	/* Written, never read: what stands there afterwards is the frontend's affair. */
	response = RING_GET_RESPONSE(ring, ring->rsp_prod_pvt);
	response->id = request->id;
	response->status = status;
	response->checksum = request->checksum;
	response->reserved = 0;
	ring->rsp_prod_pvt++;
}

int echo_back_serve(struct echo_back *back)
{
	struct vecho_back_ring *ring = &back->ring;
	int served = 0, more, notify;
	struct echo_request request;
	RING_IDX prod;

	do {
		prod = READ_ONCE(back->shared->req_prod);
		if (RING_REQUEST_PROD_OVERFLOW(ring, prod))
			return -EPROTO;
		virt_rmb();	/* the requests after the index that says they are there */
		while (ring->req_cons != prod) {
			RING_COPY_REQUEST(ring, ring->req_cons, &request);
			ring->req_cons++;
			serve(back, &request);
			served++;
		}
		RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(ring, notify);
		if (notify)
			notify_remote_via_irq(back->irq);
		/* A frontend that never stops asking must not stop us from going. */
		if (READ_ONCE(back->stop))
			break;
		cond_resched();
		RING_FINAL_CHECK_FOR_REQUESTS(ring, more);
	} while (more);
	return served;
}

int echo_back_alloc(struct echo_back *back)
{
	int err;

	back->copy = kvmalloc(ECHO_BYTES_MAX, GFP_KERNEL);
	if (!back->copy)
		return -ENOMEM;
	err = gnttab_alloc_pages(REQUEST_PAGES, back->pages);
	if (err)
		kvfree(back->copy);
	return err;
}

void echo_back_free(struct echo_back *back)
{
	gnttab_free_pages(REQUEST_PAGES, back->pages);
	kvfree(back->copy);
}

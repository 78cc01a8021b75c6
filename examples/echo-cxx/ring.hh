// SPDX-License-Identifier: GPL-2.0
//
// The frontend's end of a ring in Xen's usual layout, which in C is made by the
// macros of <xen/interface/io/ring.h>. The other side can change the shared page
// at any time: each index is read once, each response is copied.
#pragma once

#include <cstddef>

#include "echo.h"

namespace
{

union RingEntry {
	echo_request request;
	echo_response response;
};

struct SharedRing {
	u32 req_prod, req_event;
	u32 rsp_prod, rsp_event;
	u8 pad[48];
	RingEntry entries[64]; // as many as fit into the page, a power of two
};
static_assert(offsetof(SharedRing, rsp_prod) == 8 && offsetof(SharedRing, entries) == 64);
static_assert(sizeof(RingEntry) == 48 && sizeof(SharedRing) <= ECHO_PAGE_BYTES);
static_assert(sizeof(SharedRing) - 64 > (ECHO_PAGE_BYTES - 64) / 2, "a larger one would fit");

class FrontRing
{
	SharedRing *shared_ = nullptr;
	u32 pushed_ = 0;   // requests that the backend has been shown
	u32 requests_ = 0; // written so far
	u32 taken_ = 0;    // responses taken so far

public:
	static constexpr u32 size = 64;

	// The page is zeroed and nobody else has seen it.
	void start(void *page)
	{
		shared_ = static_cast<SharedRing *>(page);
		pushed_ = requests_ = taken_ = 0;
		shared_->req_event = shared_->rsp_event = 1;
	}

	void put(const echo_request &request)
	{
		shared_->entries[requests_++ % size].request = request;
	}

	// Shows the backend what was put. True when it wants an event for it.
	[[nodiscard]] bool push()
	{
		u32 before = pushed_;
		pushed_ = requests_;
		// The requests before the index, the index before the look at what is wanted.
		__atomic_store_n(&shared_->req_prod, pushed_, __ATOMIC_RELEASE);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		u32 event = __atomic_load_n(&shared_->req_event, __ATOMIC_RELAXED);
		return pushed_ - event < pushed_ - before;
	}

	// How many responses are there; more than there can be when the backend lies.
	[[nodiscard]] u32 waiting() const
	{
		return __atomic_load_n(&shared_->rsp_prod, __ATOMIC_ACQUIRE) - taken_;
	}
	[[nodiscard]] bool believable(u32 waiting) const { return waiting <= pushed_ - taken_; }

	[[nodiscard]] echo_response take()
	{
		const volatile echo_response &from = shared_->entries[taken_++ % size].response;
		return {from.id, from.status, from.checksum, from.reserved};
	}

	// Asks for an event at the next response; true when one has come meanwhile.
	[[nodiscard]] bool sleep()
	{
		__atomic_store_n(&shared_->rsp_event, taken_ + 1, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		return waiting() != 0;
	}
};

} // namespace

// SPDX-License-Identifier: GPL-2.0
//
// The C boundary of the backend's side, and what becomes of each slot of a batch.
#include "backend.h"

#include "../base/types.hh"
#include "core_types.h"

using namespace xengnt;

// retry->waited_ms   status eagain                          any other status
// 0                  wait 1 ms                              final
// n < 255            wait n + 1 ms                          final
// 255                bad_page, final                        final
uint32_t xg_retry_after(struct xg_retry *retry, int16_t *status)
{
	if (*status != XG_STATUS_EAGAIN)
		return 0;
	if (retry->waited_ms >= XG_RETRY_LONGEST_MS) {
		*status = XG_STATUS_BAD_PAGE;
		return 0;
	}
	return ++retry->waited_ms;
}

unsigned int xg_map_slot(int16_t map_status, const int16_t *kmap_status)
{
	if (map_status != XG_STATUS_OKAY)
		return 0;
	if (kmap_status && *kmap_status != XG_STATUS_OKAY)
		return XG_SLOT_MARKED;
	return XG_SLOT_MARKED | XG_SLOT_ENTERED;
}

int xg_map_result(int map_error, int kmap_error)
{
	return map_error ? map_error : kmap_error;
}

bool xg_unmap_slot(int error, int16_t status)
{
	return !error || status == XG_STATUS_OKAY;
}

int xg_unmap_result(int unmap_error, int kunmap_error, unsigned int strays)
{
	if (unmap_error)
		return unmap_error;
	if (kunmap_error)
		return kunmap_error;
	return strays ? XG_INVALID : XG_OK;
}

bool xg_next_piece(uint32_t page_size, uint32_t offset, uint32_t length, struct xg_piece *piece)
{
	uint32_t done = piece->frame * XG_FRAME_SIZE + piece->offset + piece->length;
	uint32_t at = piece->length ? done : offset;
	uint32_t room = offset < page_size ? page_size - offset : 0;
	uint32_t end = offset + min(length, room);
	if (at >= end)
		return false;
	uint32_t in_frame = at % XG_FRAME_SIZE;
	uint32_t rest = XG_FRAME_SIZE - in_frame;
	*piece = {at / XG_FRAME_SIZE, in_frame, min(end - at, rest)};
	return true;
}

uint32_t xg_frame_page(uint32_t page_size, uint32_t number, uint32_t *offset)
{
	uint32_t per_page = page_size / XG_FRAME_SIZE;
	*offset = number % per_page * XG_FRAME_SIZE;
	return number / per_page;
}

namespace
{

// Milliseconds until a mapping is looked at again, 0: it can be unmapped. The network, for one, may
// hold a page for as long as it likes after the driver is done with it.
uint32_t wait_for_holder(uint32_t age, bool held)
{
	if (!held)
		return 0;
	// In 64 bits: at the largest age a 32-bit product would wrap round to no wait at all.
	u64 wait_ms = XG_UNMAP_STEP_MS * (u64{age} + 1);
	return wait_ms < XG_UNMAP_LONGEST_MS ? static_cast<u32>(wait_ms) : XG_UNMAP_LONGEST_MS;
}

} // namespace

uint32_t xg_unmap_first_look(uint32_t *age, bool held)
{
	*age = 0;
	return wait_for_holder(*age, held);
}

uint32_t xg_unmap_next_look(uint32_t *age, bool held)
{
	if (*age != ~u32{0})
		++*age;
	return wait_for_holder(*age, held);
}

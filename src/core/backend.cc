// SPDX-License-Identifier: GPL-2.0
//
// The C boundary of the backend's side, and what becomes of each slot of a batch.
#include "backend.h"

#include "core.h"
#include "eagain_retry.hh"
#include "unmap_queue.hh"

using namespace xengnt;

uint32_t xg_retry_after(struct xg_retry *retry, int16_t *status)
{
	return EagainRetry(retry->waited_ms).next(*status);
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
	uint32_t end = offset + smaller(length, room);
	if (at >= end)
		return false;
	uint32_t in_frame = at % XG_FRAME_SIZE;
	uint32_t rest = XG_FRAME_SIZE - in_frame;
	*piece = {at / XG_FRAME_SIZE, in_frame, smaller(end - at, rest)};
	return true;
}

uint32_t xg_frame_page(uint32_t page_size, uint32_t number, uint32_t *offset)
{
	uint32_t per_page = page_size / XG_FRAME_SIZE;
	*offset = number % per_page * XG_FRAME_SIZE;
	return number / per_page;
}

uint32_t xg_unmap_first_look(uint32_t *age, bool held)
{
	return UnmapLooks(*age).first(held);
}

uint32_t xg_unmap_next_look(uint32_t *age, bool held)
{
	return UnmapLooks(*age).next(held);
}

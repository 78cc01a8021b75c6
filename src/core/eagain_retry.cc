// SPDX-License-Identifier: GPL-2.0
#include "eagain_retry.hh"

#include "backend.h"

namespace xengnt
{

static_assert(slot_okay == XG_STATUS_OKAY && slot_bad_page == XG_STATUS_BAD_PAGE &&
	      slot_eagain == XG_STATUS_EAGAIN);

u32 EagainRetry::next(SlotStatus &status)
{
	if (status != slot_eagain)
		return 0;
	if (waited_ms_ >= XG_RETRY_LONGEST_MS) {
		status = slot_bad_page;
		return 0;
	}
	return ++waited_ms_;
}

} // namespace xengnt

// SPDX-License-Identifier: GPL-2.0
#include "grant_entry.hh"

namespace xengnt
{

namespace
{

// How often Xen may change the flags under us before we call the entry busy. The two status bits
// change only when the other side maps or unmaps, so more than a few is somebody playing.
constexpr int swap_attempts = 16;

} // namespace

void entry_prepare(EntryV1 *entry, DomId domid, Gfn frame)
{
	store_relaxed(&entry->domid, domid.raw);
	store_relaxed(&entry->frame, static_cast<u32>(frame.raw));
}

void entries_prepared()
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

void entry_open(EntryV1 *entry, bool readonly)
{
	store_relaxed(&entry->flags,
		      static_cast<u16>(entry_permit_access | (readonly ? entry_readonly : 0)));
}

void entry_grant(EntryV1 *entry, DomId domid, Gfn frame, bool readonly)
{
	entry_prepare(entry, domid, frame);
	// The flags are what makes the entry valid: Xen must not see them before the rest.
	store_release(&entry->flags,
		      static_cast<u16>(entry_permit_access | (readonly ? entry_readonly : 0)));
}

bool entry_end(EntryV1 *entry)
{
	for (int attempt = 0; attempt < swap_attempts; attempt++) {
		u16 flags = load_relaxed(&entry->flags);
		if (flags & (entry_reading | entry_writing))
			return false;
		if (compare_and_swap(&entry->flags, flags, u16{0}))
			return true;
	}
	return false;
}

} // namespace xengnt

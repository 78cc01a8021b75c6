// SPDX-License-Identifier: GPL-2.0
#include "grant_entry.hh"

namespace xengnt
{

namespace
{

// How often Xen may change the flags under us before we call the entry busy. The two status bits
// change only when the other side maps or unmaps, so more than a few is somebody playing.
constexpr int swap_attempts = 16;

// Above every frame there is: marks a grant that has none of its own.
constexpr u32 transitive_mark = 0xffffffff;

constexpr u16 flags_of(u16 type, bool readonly)
{
	return static_cast<u16>(type | (readonly ? entry_readonly : 0));
}

// The flags are what makes an entry valid: Xen must not see them before the rest.
[[gnu::always_inline]] inline void publish(u16 *flags, u16 value)
{
	store_release(flags, value);
}

// The swap's acquire orders enough, on arm64 too. What the caller does with the page afterwards
// comes after the load of flags that show the other side gone, so after all that it did there. What
// this CPU stores into the page may become visible before the zero does, but not to the other side:
// it needs a swap of its own to get in, and one of the two swaps fails.
Close close_v1(EntryV1 *entry)
{
	for (int attempt = 0; attempt < swap_attempts; attempt++) {
		u16 flags = load_relaxed(&entry->flags);
		if (flags & (entry_reading | entry_writing))
			return Close::busy;
		if (!(flags & entry_type))
			return Close::was_closed;
		if (compare_and_swap(&entry->flags, flags, u16{0}))
			return Close::closed;
	}
	return Close::busy;
}

// Xen sets the status, then reads the flags; we clear the flags, then read the status. With a full
// barrier in between on both sides, at least one of the two sees the other.
Close close_v2(EntryV2 *entry, const EntryStatus *status)
{
	store_relaxed(&entry->flags, u16{0});
	full_barrier();
	return load_acquire(status) & (entry_reading | entry_writing) ? Close::busy : Close::closed;
}

} // namespace

void entry_prepare(GrantEntry entry, DomId domid, Gfn frame)
{
	if (entry.is_v1()) {
		store_relaxed(&entry.v1()->domid, domid.raw);
		store_relaxed(&entry.v1()->frame, static_cast<u32>(frame.raw));
	} else {
		store_relaxed(&entry.v2()->domid, domid.raw);
		store_relaxed(&entry.v2()->frame, frame.raw);
	}
}

void entries_prepared()
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

void entry_open(GrantEntry entry, bool readonly)
{
	u16 *flags = entry.is_v1() ? &entry.v1()->flags : &entry.v2()->flags;
	store_relaxed(flags, flags_of(entry_permit_access, readonly));
}

void entry_grant(GrantEntry entry, DomId domid, Gfn frame, bool readonly)
{
	entry_prepare(entry, domid, frame);
	publish(entry.is_v1() ? &entry.v1()->flags : &entry.v2()->flags,
		flags_of(entry_permit_access, readonly));
}

void entry_grant_part(EntryV2 *entry, DomId domid, Gfn frame, bool readonly, PagePart part)
{
	store_relaxed(&entry->domid, domid.raw);
	store_relaxed(&entry->frame, frame.raw);
	store_relaxed(&entry->offset, part.offset);
	store_relaxed(&entry->length, part.length);
	publish(&entry->flags, flags_of(entry_permit_access | entry_sub_page, readonly));
}

void entry_grant_transitive(EntryV2 *entry, DomId domid, bool readonly, DomId source_domid,
			    GrantRef source_ref)
{
	store_relaxed(&entry->domid, domid.raw);
	store_relaxed(&entry->source_domid, source_domid.raw);
	store_relaxed(&entry->source_ref, source_ref.raw);
	store_relaxed(&entry->spare, transitive_mark);
	publish(&entry->flags, flags_of(entry_transitive, readonly));
}

Close entry_close(GrantEntry entry)
{
	return entry.is_v1() ? close_v1(entry.v1()) : close_v2(entry.v2(), entry.status);
}

Close entry_revoke(EntryV1 *entry)
{
	u16 flags = fetch_and(&entry->flags, u16{entry_reading | entry_writing});
	if (!(flags & entry_type))
		return Close::was_closed;
	return flags & (entry_reading | entry_writing) ? Close::busy : Close::closed;
}

DomId entry_domid(GrantEntry entry)
{
	return {load_relaxed(entry.is_v1() ? &entry.v1()->domid : &entry.v2()->domid)};
}

Gfn entry_frame(GrantEntry entry)
{
	if (entry.is_v1())
		return {load_relaxed(&entry.v1()->frame)};
	u64 frame = load_relaxed(&entry.v2()->frame);
	return frame >> 32 == transitive_mark ? no_frame : Gfn{frame};
}

} // namespace xengnt

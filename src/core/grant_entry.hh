// SPDX-License-Identifier: GPL-2.0
//
// An entry of the shared table, of version 1 or 2. Xen sets and clears the two status bits at any
// moment on the other domain's behalf: each decision here rests on one read, and on a
// compare-and-swap (version 1) or a full barrier before that read (version 2).
#pragma once

#include "../base/atomics.hh"
#include "../base/result.hh"

namespace xengnt
{

// struct grant_entry_v1 of Xen's public grant_table.h.
struct EntryV1 {
	u16 flags;
	u16 domid;
	u32 frame;
};
static_assert(sizeof(EntryV1) == 8);
static_assert(offsetof(EntryV1, flags) == 0);
static_assert(offsetof(EntryV1, domid) == 2);
static_assert(offsetof(EntryV1, frame) == 4);

// union grant_entry_v2: a whole page or a part of one, or the grant of a third domain passed on.
struct EntryV2 {
	u16 flags;
	u16 domid;
	union {
		struct {
			u16 offset; // of a part, in bytes
			u16 length;
		};
		u16 source_domid;
	};
	union {
		u64 frame;
		struct {
			u32 source_ref;
			u32 spare; // Xen does not look at it
		};
	};
};
static_assert(sizeof(EntryV2) == 16);
static_assert(offsetof(EntryV2, flags) == 0);
static_assert(offsetof(EntryV2, domid) == 2);
static_assert(offsetof(EntryV2, offset) == 4);
static_assert(offsetof(EntryV2, length) == 6);
static_assert(offsetof(EntryV2, source_domid) == 4);
static_assert(offsetof(EntryV2, frame) == 8);
static_assert(offsetof(EntryV2, source_ref) == 8);

// grant_status_t: version 2 keeps the status bits of all entries in frames of their own.
using EntryStatus = u16;

// GTF_* of Xen's public grant_table.h.
enum EntryFlags : u16 {
	entry_permit_access = 1,
	entry_transitive = 3,
	entry_type = 3, // the bits that tell these two, and nothing granted
	entry_readonly = 1 << 2,
	entry_reading = 1 << 3, // set by Xen while mapped
	entry_writing = 1 << 4, // set by Xen while mapped for writing
	entry_sub_page = 1 << 8,
};

// Where a reference's entry is. Valid until the CPU is left: see RefTable::entry().
struct GrantEntry {
	void *shared;              // an EntryV1 or an EntryV2; null: it cannot be reached
	const EntryStatus *status; // null: version 1, whose flags hold the status

	[[gnu::always_inline]] bool reachable() const { return shared != nullptr; }
	[[gnu::always_inline]] bool is_v1() const { return !status; }
	[[gnu::always_inline]] EntryV1 *v1() const { return static_cast<EntryV1 *>(shared); }
	[[gnu::always_inline]] EntryV2 *v2() const { return static_cast<EntryV2 *>(shared); }
};

// A part of a page, in bytes.
struct PagePart {
	u16 offset;
	u16 length;
};

// Opens the entry to `domid`. The frame must fit (see entry_holds()).
void entry_grant(GrantEntry entry, DomId domid, Gfn frame, bool readonly);
// The same in steps, for many entries with one barrier: prepare each, then entries_prepared(), then
// open each.
void entry_prepare(GrantEntry entry, DomId domid, Gfn frame);
void entries_prepared();
void entry_open(GrantEntry entry, bool readonly);
// Version 2 only: for copies, not for mapping.
void entry_grant_part(EntryV2 *entry, DomId domid, Gfn frame, bool readonly, PagePart part);
void entry_grant_transitive(EntryV2 *entry, DomId domid, bool readonly, DomId source_domid,
			    GrantRef source_ref);
enum class Close : u8 {
	closed,     // by this call
	was_closed, // there was no permission in it, and it is not in use
	busy,       // the other side has it mapped
};
// Closes the entry, unless it is busy. A busy entry of version 2 loses its permission all the same:
// only the side that has it mapped can map it once more, which it has already. In version 2
// "closed" says only that the entry is not in use: the permission does not tell who closed it.
Close entry_close(GrantEntry entry);
// Takes the permission out of a version 1 entry, busy or not, and leaves Xen's two status bits.
// was_closed: another call has taken the permission before. For deferred ends.
Close entry_revoke(EntryV1 *entry);
// Closes an entry that nobody else closes; false while it is busy.
inline bool entry_end(GrantEntry entry)
{
	return entry_close(entry) != Close::busy;
}

// Whom it is, or was, granted to.
DomId entry_domid(GrantEntry entry);
// The granted frame; no_frame for a grant that passes on another domain's.
Gfn entry_frame(GrantEntry entry);
inline constexpr Gfn no_frame{~u64{0}};

} // namespace xengnt

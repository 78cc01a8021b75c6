// SPDX-License-Identifier: GPL-2.0
//
// A version 1 entry of the shared table. Xen sets and clears the two status bits at any moment on
// the other domain's behalf: each decision here rests on one read and one compare-and-swap.
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

// GTF_* of Xen's public grant_table.h.
enum EntryFlags : u16 {
	entry_permit_access = 1,
	entry_readonly = 1 << 2,
	entry_reading = 1 << 3, // set by Xen while mapped
	entry_writing = 1 << 4, // set by Xen while mapped for writing
};

// Opens the entry to `domid`. The frame must fit (see entry_holds()).
void entry_grant(EntryV1 *entry, DomId domid, Gfn frame, bool readonly);
// The same in steps, for many entries with one barrier: prepare each, then entries_prepared(), then
// open each.
void entry_prepare(EntryV1 *entry, DomId domid, Gfn frame);
void entries_prepared();
void entry_open(EntryV1 *entry, bool readonly);
// Closes it, unless the other side has it mapped.
bool entry_end(EntryV1 *entry);
// A version 1 entry has 32 bits for the frame.
[[gnu::always_inline]] inline bool entry_holds(Gfn frame)
{
	return frame.raw >> 32 == 0;
}

} // namespace xengnt

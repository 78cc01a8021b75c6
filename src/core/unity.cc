// SPDX-License-Identifier: GPL-2.0
//
// The core as one object: the fast paths cross its files, and no COMDAT group survives.
#include "backend.cc"
#include "c_api.cc"
#include "central_free_list.cc"
#include "core.cc"
#include "deferred_ends.cc"
#include "free_bitmap.cc"
#include "free_callbacks.cc"
#include "grant_entry.cc"
#include "grants.cc"
#include "lease.cc"
#include "pools.cc"
#include "private_lists.cc"
#include "ref_allocator.cc"
#include "ref_table.cc"
#include "reports.cc"
#include "stats.cc"

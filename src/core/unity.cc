// SPDX-License-Identifier: GPL-2.0
//
// The core as one object: the fast paths cross its files, and no COMDAT group survives.
#include "backend.cc"
#include "batch.cc"
#include "core.cc"
#include "deferred_end.cc"
#include "eagain_retry.cc"
#include "free_bitmap.cc"
#include "free_callbacks.cc"
#include "free_store.cc"
#include "grant_entry.cc"
#include "lease.cc"
#include "pools.cc"
#include "ref_allocator.cc"
#include "ref_table.cc"
#include "unmap_queue.cc"

// SPDX-License-Identifier: GPL-2.0
//
// The core's state: one global object for each part, defined beside its code. Each part uses those
// above it by name, so that the hot paths reach them without a load:
//
//   xg_fast          what fast_paths.h needs of all of them (layout.h, defined in ref_table.cc)
//   reports          wrong calls, counted and reported
//   ref_table        records, notes and entries of the references
//   central_list     the free references, and every pool's account
//   pools            the pools by number
//   lease            what the kernel's allocator has lent
//   callbacks        drivers that wait for references
//   allocator        single references and sequences; pools' reserves
//   (PrivateLists)   private lists; has no state of its own
//   deferred_ends    ends that wait for the other side
//   grants           granting and ending
//
// One exception: the allocator frees, and so calls `callbacks`, which leases.
#pragma once

#include "core.h"
#include "deferred_ends.hh"
#include "free_callbacks.hh"
#include "grants.hh"
#include "lease.hh"
#include "pools.hh"
#include "private_lists.hh"
#include "ref_allocator.hh"
#include "reports.hh"

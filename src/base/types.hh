// SPDX-License-Identifier: GPL-2.0
//
// The words of the field as types, so that swapped arguments do not compile.
#pragma once

#include <cstddef>
#include <cstdint>

// Functions that are hardly ever called, kept away from the rest. Not on arm64: GCC before 14 does
// not align what is cold, and the kernel's tracing, which patches every function's entry there,
// stops at one that is not aligned.
#if defined(__aarch64__)
#define XG_RARE [[gnu::noinline]]
#else
#define XG_RARE [[gnu::noinline, gnu::cold]]
#endif

namespace xengnt
{

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;

template <class Tag, class Raw> struct Strong {
	Raw raw;
	friend constexpr bool operator==(Strong, Strong) = default;
};

// A grant reference: the index of an entry in this domain's grant table.
using GrantRef = Strong<struct GrantRefTag, u32>;
// A domain as Xen numbers them.
using DomId = Strong<struct DomIdTag, u16>;
// A 4 KiB frame as the grant table wants it: machine frame in a PV guest, guest frame elsewhere.
using Gfn = Strong<struct GfnTag, u64>;
// The address that called into the module: named in every report.
using Caller = Strong<struct CallerTag, unsigned long>;

// The value that ends a private list: the stock interface's GNTTAB_LIST_END.
constexpr GrantRef no_ref{0xffffffffu};
// References below this are Xen's own (GNTTAB_NR_RESERVED_ENTRIES of Xen's public grant_table.h).
inline constexpr u32 reserved_refs = 8;

[[gnu::always_inline]] constexpr u32 smaller(u32 a, u32 b)
{
	return a < b ? a : b;
}

} // namespace xengnt

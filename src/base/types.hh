// SPDX-License-Identifier: GPL-2.0
//
// The words of the field as types, so that swapped arguments do not compile.
#pragma once

#include <cstddef>
#include <cstdint>

// Marks functions that are rarely called, so that the compiler places them apart. Not on arm64: GCC
// before 14 does not align cold functions, and the kernel's function tracing, which patches every
// function's entry there, refuses an entry that is not aligned.
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

// A grant reference: the index of an entry in this domain's grant table.
struct GrantRef {
	u32 raw;
	friend constexpr bool operator==(GrantRef, GrantRef) = default;
};
// A domain as Xen numbers them.
struct DomId {
	u16 raw;
	friend constexpr bool operator==(DomId, DomId) = default;
};
// A 4 KiB frame as the grant table wants it: machine frame in a PV guest, guest frame elsewhere.
struct Gfn {
	u64 raw;
	friend constexpr bool operator==(Gfn, Gfn) = default;
};
// The address that called into the module: named in every report.
struct Caller {
	unsigned long raw;
	friend constexpr bool operator==(Caller, Caller) = default;
};

// The value that ends a private list: the stock interface's GNTTAB_LIST_END.
constexpr GrantRef no_ref{0xffffffffu};
// References below this are Xen's own (GNTTAB_NR_RESERVED_ENTRIES of Xen's public grant_table.h).
inline constexpr u32 reserved_refs = 8;

[[gnu::always_inline]] constexpr u32 min(u32 a, u32 b)
{
	return a < b ? a : b;
}

[[gnu::always_inline]] constexpr u32 max(u32 a, u32 b)
{
	return a > b ? a : b;
}

} // namespace xengnt

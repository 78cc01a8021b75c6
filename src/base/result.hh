// SPDX-License-Identifier: GPL-2.0
//
// A value or the reason why there is none. Errors become errno only at the C boundary.
#pragma once

#include "types.hh"

namespace xengnt
{

enum class Error : u32 {
	none,
	no_space,    // fewer references free than asked for, and the lease cannot grow
	not_leased,  // not one of ours: the kernel's own allocator knows it
	misuse,      // the caller broke the contract; it has been reported
	bad_frame,   // a frame number that the entry cannot hold
	unsupported, // not with this version of the table
	unreachable, // the frame of the table with its entry is gone
};

// Two words side by side, so that it travels in a register.
template <class T> class [[nodiscard]] Result
{
	T value_{};
	Error error_ = Error::none;

public:
	[[gnu::always_inline]] constexpr Result(T value) : value_(value) {}
	[[gnu::always_inline]] constexpr Result(Error error) : error_(error) {}

	[[gnu::always_inline]] constexpr bool ok() const { return error_ == Error::none; }
	[[gnu::always_inline]] constexpr Error error() const { return error_; }
	[[gnu::always_inline]] constexpr T value() const { return value_; }
};

struct Done {
};

template <> class [[nodiscard]] Result<Done>
{
	Error error_;

public:
	[[gnu::always_inline]] constexpr Result(Done) : error_(Error::none) {}
	[[gnu::always_inline]] constexpr Result(Error error) : error_(error) {}

	[[gnu::always_inline]] constexpr bool ok() const { return error_ == Error::none; }
	[[gnu::always_inline]] constexpr Error error() const { return error_; }
};
using Status = Result<Done>;

} // namespace xengnt

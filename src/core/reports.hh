// SPDX-License-Identifier: GPL-2.0
//
// Wrong calls: counted, and reported with reference, domain and caller.
#pragma once

#include "../base/atomics.hh"
#include "../base/result.hh"
#include "../port/port.h"

namespace xengnt
{

class Reports
{
	u64 misused_ = 0; // atomic

public:
	void create() { misused_ = 0; }
	// Returns Error::misuse.
	Error misuse(xg_report what, GrantRef ref, Caller caller);
	u64 misused() const { return load_relaxed(&misused_); }
};

extern Reports reports;

} // namespace xengnt

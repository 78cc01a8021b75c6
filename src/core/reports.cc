// SPDX-License-Identifier: GPL-2.0
#include "reports.hh"

namespace xengnt
{

constinit Reports reports;

XG_RARE Error Reports::misuse(xg_report what, GrantRef ref, Caller caller)
{
	fetch_add(&misused_, u64{1});
	xg_port_report(what, ref.raw, 0, caller.raw);
	return Error::misuse;
}

} // namespace xengnt

// SPDX-License-Identifier: GPL-2.0
#include "sides.h"

#include <cstdlib>

#include "../../src/core/core.h"
#include "port_native.h"
#include "stock.h"

namespace
{

bool started;

} // namespace

void Stock::start(unsigned frames, unsigned)
{
	stock_start(frames);
}

void Xengnt::start(unsigned frames, unsigned cpus)
{
	if (started)
		xg_core_stop();
	lender_stock_start(frames);
	port_set_cpus(cpus);
	port_forget_allocated();
	// The module's defaults.
	xg_config config{};
	config.table_refs = frames * 512;
	config.lease_step = 64;
	config.spare_limit = 1024;
	config.table_version = 1;
	if (xg_core_start(&config))
		abort();
	port_core_started();
	started = true;
}

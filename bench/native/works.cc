// SPDX-License-Identifier: GPL-2.0
//
// The rows of the table once more, to be run by callgrind: what it counts repeats exactly, whatever
// else the machine does. Counted is all that a call executes: shim, core, port and lock. Each work
// leaves one dump named "NAME SIDE TIMES".
#include <cstdio>

#include <valgrind/callgrind.h>

#include "workloads.h"

namespace
{

constexpr unsigned frames = 64;

template <class Side, class Work> void counted(const char *name, unsigned times, Work work)
{
	// What is leased, allocated or sorted once is not what a call costs.
	for (int i = 0; i < 100; i++)
		work();
	CALLGRIND_TOGGLE_COLLECT;
	for (unsigned i = 0; i < times; i++)
		work();
	CALLGRIND_TOGGLE_COLLECT;
	char text[64];
	snprintf(text, sizeof(text), "%s %s %u", name, Side::name, times);
	CALLGRIND_DUMP_STATS_AT(text);
}

template <class Side> void all()
{
	std::vector<uint32_t> refs(256);
	TouchedList<Side> list_32(32), list_256(256);

	Side::start(frames);
	counted<Side>("one", 1000, one<Side>);
	counted<Side>("ones/256", 100, [&] { many_ones<Side>(refs); });
	counted<Side>("grant_end", 1000, grant_and_end<Side>);
	Side::start(frames);
	counted<Side>("list_untouched/32", 100, [] { list_untouched<Side>(32); });
	counted<Side>("list/32", 100, [&] { list_32.run(); });
	Side::start(frames);
	counted<Side>("list_untouched/256", 100, [] { list_untouched<Side>(256); });
	counted<Side>("list/256", 100, [&] { list_256.run(); });
	Side::start(frames);
	Ring<Side> ring;
	counted<Side>("claim_release", 1000, [&] { ring.step(); });
	Side::start(frames);
	PacketRing<Side> packets;
	counted<Side>("packet", 1000, [&] { packets.step(); });
	Side::start(frames);
	DiskRequest<Side> request;
	counted<Side>("request", 1000, [&] { request.run(); });
	Side::start(frames);
	ClaimedRef<Side> claimed;
	counted<Side>("claimed", 1000, [&] { claimed.run(); });
	Side::start(frames);
	counted<Side>("seq_empty/16", 1000, [] { sequence<Side>(16); });
	spread<Side>(fragmented_frames, 0.5);
	counted<Side>("seq16_fragmented", 10, [] { sequence<Side>(16); });
}

} // namespace

int main()
{
	all<Stock>();
	all<Xengnt>();
}

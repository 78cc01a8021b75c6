// SPDX-License-Identifier: GPL-2.0
//
// The random driver led by libFuzzer: the first four bytes choose the world, each step is six more,
// two for each of its numbers. A broken rule is a crash, which libFuzzer keeps and shrinks.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "random/driver.hh"

using namespace sim;

namespace
{

// So that no input takes long.
constexpr size_t most_steps = 2000;
constexpr size_t step_bytes = 3 * sizeof(uint16_t);
constexpr size_t often = 16; // steps between two full checks

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t world;
	if (size < sizeof(world))
		return -1;
	memcpy(&world, data, sizeof(world));
	size_t steps = (size - sizeof(world)) / step_bytes;
	Config config = random_config(world);
	config.table_version = 1 + world / 1024 % 2;
	Driver driver(config);
	for (size_t i = 0; i < steps && i < most_steps && driver.broken().empty(); i++) {
		uint16_t step[3];
		memcpy(step, data + sizeof(world) + i * step_bytes, step_bytes);
		driver.run({step[0], step[1], step[2]});
		if (i % often == often - 1)
			driver.check(true);
	}
	if (driver.broken().empty())
		driver.finish(world / 2048 % 2);
	if (!driver.broken().empty()) {
		fprintf(stderr, "broken: %s\n", driver.broken().c_str());
		abort();
	}
	return 0;
}

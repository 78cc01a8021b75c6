// SPDX-License-Identifier: GPL-2.0
//
// What the plots show: time per operation against table size, list length, fragmentation, and
// number of CPU caches.
#include <benchmark/benchmark.h>

#include "lock.h"
#include "port_native.h"
#include "workloads.h"

namespace
{

constexpr unsigned frames = 64;

// A table that was just filled pays for it in the first calls (summaries, caches of the machine):
// what is plotted is the call after that.
template <class Work> [[gnu::always_inline]] inline void measure(benchmark::State &state, Work work)
{
	for (int i = 0; i < 100; i++)
		work();
	for (auto _ : state)
		work();
}

// --- against the size of the table: half of it in use, every second reference -----------------

template <class Side> void size_one(benchmark::State &state)
{
	spread<Side>(static_cast<unsigned>(state.range(0) / 512), 0.5);
	measure(state, [] { one<Side>(); });
}

template <class Side> void size_list(benchmark::State &state)
{
	spread<Side>(static_cast<unsigned>(state.range(0) / 512), 0.5);
	TouchedList<Side> list(32);
	measure(state, [&] { list.run(); });
}

template <class Side> void size_sequence(benchmark::State &state)
{
	spread<Side>(static_cast<unsigned>(state.range(0) / 512), 0.5);
	measure(state, [] { sequence<Side>(16); });
}

// --- against the length of the list, per reference ----------------------------------------------

template <class Side> void length_list(benchmark::State &state)
{
	Side::start(frames);
	TouchedList<Side> list(static_cast<uint16_t>(state.range(0)));
	measure(state, [&] { list.run(); });
}

// --- against fragmentation: per cent of the table in use, at random -----------------------------

template <class Side> void use_list(benchmark::State &state)
{
	spread<Side>(frames, 1 - static_cast<double>(state.range(0)) / 100);
	TouchedList<Side> list(32);
	measure(state, [&] { list.run(); });
}

template <class Side> void use_sequence(benchmark::State &state)
{
	spread<Side>(frames, 1 - static_cast<double>(state.range(0)) / 100);
	measure(state, [] { sequence<Side>(16); });
}

// --- against the number of CPU caches
// -------------------------------------------------------------

// One thread plays all the processors, in turn: eight references each time.
template <class Side> void cpus_ones(benchmark::State &state)
{
	auto cpus = static_cast<unsigned>(state.range(0));
	Side::start(frames, cpus);
	size_t bare = port_allocated();
	std::vector<uint32_t> refs(8);
	bench_cpu = 0;
	for (auto _ : state) {
		bench_cpu = bench_cpu + 1 < cpus ? bench_cpu + 1 : 0;
		many_ones<Side>(refs);
	}
	bench_cpu = 0;
	state.counters["bytes"] = static_cast<double>(bare);
}

// What the table's metadata takes when all of it is leased.
template <class Side> void memory(benchmark::State &state)
{
	auto size = static_cast<unsigned>(state.range(0));
	std::vector<uint32_t> refs;
	for (auto _ : state) {
		Side::start(size / 512);
		size_t bare = port_allocated();
		uint32_t ref;
		while (!Side::alloc_seq(1, &ref))
			refs.push_back(ref);
		state.counters["bytes"] = static_cast<double>(port_allocated());
		state.counters["bytes_bare"] = static_cast<double>(bare);
		state.counters["refs"] = static_cast<double>(refs.size());
	}
}

} // namespace

#define BOTH(function)                                                                             \
	BENCHMARK_TEMPLATE(function, Stock)->Name(#function "/stock")->REST;                       \
	BENCHMARK_TEMPLATE(function, Xengnt)->Name(#function "/xengnt")->REST

#define REST RangeMultiplier(4)->Range(512, 524288)->Arg(1048576)
BOTH(size_one);
BOTH(size_list);
BOTH(size_sequence);
#undef REST
#define REST RangeMultiplier(2)->Range(1, 4096)
BOTH(length_list);
#undef REST
#define REST Arg(0)->Arg(10)->Arg(25)->Arg(50)->Arg(75)->Arg(90)->Arg(95)->Arg(99)
BOTH(use_list);
BOTH(use_sequence);
#undef REST
#define REST RangeMultiplier(2)->Range(1, 128)
BOTH(cpus_ones);
BENCHMARK_TEMPLATE(memory, Xengnt)->Name("memory/xengnt")->Arg(32768)->Iterations(1);

BENCHMARK_MAIN();

// SPDX-License-Identifier: GPL-2.0
//
// The rows of the table: each work on both sides, in rounds that Google Benchmark interleaves.
#include <benchmark/benchmark.h>

#include "two_cpus.h"
#include "workloads.h"

namespace
{

constexpr unsigned frames = 64; // what Xen allows a guest by default: 32,768 references

template <class Side> void bench_one(benchmark::State &state)
{
	Side::start(frames);
	for (auto _ : state)
		one<Side>();
}

// The time is that of one operation of either thread: half of what a round of both took.
template <class Side> void bench_two_cpus(benchmark::State &state)
{
	constexpr unsigned each = 10000;
	Side::start(frames);
	for (auto _ : state) {
		double seconds = TwoCpus().run([] {
			for (unsigned i = 0; i < each; i++)
				one<Side>();
		});
		if (seconds < 0) {
			state.SkipWithError("two threads never ran at the same time");
			break;
		}
		state.SetIterationTime(seconds / (2 * each));
	}
}

template <class Side> void bench_many_ones(benchmark::State &state)
{
	Side::start(frames);
	std::vector<uint32_t> refs(static_cast<size_t>(state.range(0)));
	for (auto _ : state)
		many_ones<Side>(refs);
}

template <class Side> void bench_grant_and_end(benchmark::State &state)
{
	Side::start(frames);
	for (auto _ : state)
		grant_and_end<Side>();
}

template <class Side> void bench_list_untouched(benchmark::State &state)
{
	Side::start(frames);
	auto count = static_cast<uint16_t>(state.range(0));
	for (auto _ : state)
		list_untouched<Side>(count);
}

template <class Side> void bench_list(benchmark::State &state)
{
	Side::start(frames);
	TouchedList<Side> list(static_cast<uint16_t>(state.range(0)));
	for (auto _ : state)
		list.run();
}

template <class Side> void bench_ring(benchmark::State &state)
{
	Side::start(frames);
	Ring<Side> ring;
	for (auto _ : state)
		ring.step();
}

template <class Side> void bench_packet(benchmark::State &state)
{
	Side::start(frames);
	PacketRing<Side> ring;
	for (auto _ : state)
		ring.step();
}

template <class Side> void bench_request(benchmark::State &state)
{
	Side::start(frames);
	DiskRequest<Side> request;
	for (auto _ : state)
		request.run();
}

template <class Side> void bench_claimed(benchmark::State &state)
{
	Side::start(frames);
	ClaimedRef<Side> claimed;
	for (auto _ : state)
		claimed.run();
}

// netfront's cycle on both CPUs, each with its own list.
template <class Side> void bench_two_packets(benchmark::State &state)
{
	constexpr unsigned each = 10000;
	Side::start(frames);
	for (auto _ : state) {
		double seconds = TwoCpus().run([] {
			PacketRing<Side> ring;
			for (unsigned i = 0; i < each; i++)
				ring.step();
			// A busy machine repeats a round many times: rings that keep their list
			// would use up the table.
			ring.give_back();
		});
		if (seconds < 0) {
			state.SkipWithError("two threads never ran at the same time");
			break;
		}
		state.SetIterationTime(seconds / (2 * each));
	}
}

// One CPU allocates, the other frees: netback's thread and netfront's softirq. The time is that of
// one reference, with its share of the queue between them.
template <class Side> void bench_across_cpus(benchmark::State &state)
{
	constexpr unsigned batches = 400;
	Side::start(frames);
	for (auto _ : state) {
		HandOver queue;
		double seconds = TwoCpus().run([&] {
			uint32_t refs[HandOver::batch];
			for (unsigned i = 0; i < batches; i++) {
				if (bench_cpu == 0) {
					for (uint32_t &ref : refs)
						must(!Side::alloc_seq(1, &ref));
					queue.put(refs);
				} else {
					queue.take(refs);
					for (uint32_t ref : refs)
						Side::free_one(ref);
				}
			}
		});
		if (seconds < 0) {
			state.SkipWithError("two threads never ran at the same time");
			break;
		}
		state.SetIterationTime(seconds / (batches * HandOver::batch));
	}
}

template <class Side> void bench_sequence(benchmark::State &state)
{
	Side::start(frames);
	for (auto _ : state)
		sequence<Side>(static_cast<unsigned>(state.range(0)));
}

template <class Side> void bench_sequence_fragmented(benchmark::State &state)
{
	spread<Side>(fragmented_frames, 0.5);
	for (auto _ : state)
		sequence<Side>(16);
}

} // namespace

#define BOTH(name, function)                                                                       \
	BENCHMARK_TEMPLATE(function, Stock)->Name(#name "/stock")->REST;                           \
	BENCHMARK_TEMPLATE(function, Xengnt)->Name(#name "/xengnt")->REST

#define REST Unit(benchmark::kNanosecond)
BOTH(one, bench_one);
BOTH(grant_end, bench_grant_and_end);
BOTH(claim_release, bench_ring);
BOTH(packet, bench_packet);
BOTH(request, bench_request);
BOTH(claimed, bench_claimed);
BOTH(seq16_fragmented, bench_sequence_fragmented);
#undef REST
#define REST Arg(256)
BOTH(ones, bench_many_ones);
#undef REST
#define REST Arg(32)->Arg(256)
BOTH(list_untouched, bench_list_untouched);
BOTH(list, bench_list);
#undef REST
#define REST Arg(16)
BOTH(seq_empty, bench_sequence);
#undef REST
#define REST UseManualTime()->Iterations(20)
BOTH(two_cpus, bench_two_cpus);
BOTH(two_packets, bench_two_packets);
BOTH(across_cpus, bench_across_cpus);

BENCHMARK_MAIN();

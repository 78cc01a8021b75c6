// SPDX-License-Identifier: GPL-2.0
//
// Cache lines that move between CPUs, counted: one thread plays 1 to 128 CPUs in random turns, each
// with drivers of its own, and every access that the two sides make to memory goes through a model
// of the caches. Prints one JSON object.
//
// Usage: cachelines [operations of each CPU [most CPUs]]
//        cachelines --where ROW SIDE CPUS
// The second prints where lines move: how many in each operation, the addresses of the code and of
// the line, and what is in it.
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "../../src/core/core.h"
#include "../../src/core/layout.h"
#include "lock.h"
#include "mesi.h"
#include "port_native.h"
#include "recorder.h"
#include "stock.h"
#include "workloads.h"

extern "C" {
void gnttab_end_foreign_access(uint32_t ref, void *page);
void xengnt_end_foreign_access(uint32_t ref, void *page);
}

namespace
{

constexpr unsigned frames = 512; // 262,144 references: 128 CPUs with two drivers each fit
constexpr unsigned list_length = 32;
constexpr unsigned in_a_row = 8;
constexpr unsigned deferred_at_once = 16;
constexpr uint16_t in_use = 8; // GTF_reading

// --- what sides.h does not have ----------------------------------------------------------------

// The flags of an entry, as the other domain sees them.
uint16_t &flags_of(void *frame, uint32_t ref)
{
	return static_cast<uint16_t *>(frame)[ref % 512 * 4];
}

struct StockMore : Stock {
	static void end(uint32_t ref, void *page) { gnttab_end_foreign_access(ref, page); }
	static uint16_t &flags(uint32_t ref) { return flags_of(stock_frame(ref / 512), ref); }
	// The timer's function takes up to ten.
	static void work()
	{
		stock_deferred_work();
		stock_deferred_work();
	}
};

struct XengntMore : Xengnt {
	static void end(uint32_t ref, void *page) { xengnt_end_foreign_access(ref, page); }
	static uint16_t &flags(uint32_t ref)
	{
		return flags_of(lender_stock_frame(ref / 512), ref);
	}
	static void work()
	{
		port_pass_ms(10000);
		xg_deferred_work();
	}
};

// --- what one CPU does --------------------------------------------------------------------------

alignas(64) char pages[deferred_at_once][64]; // of any driver, granted

// The references whose grants the other domain still uses.
struct Deferred {
	uint32_t refs[deferred_at_once];
	unsigned count = 0;
};

// Lines of its own: what is counted is not that drivers share one.
template <class Driver> struct alignas(64) Apart : Driver {
};

template <class Side> struct alignas(64) Cpu {
	std::unique_ptr<Apart<PacketRing<Side>>> ring;
	std::unique_ptr<Apart<DiskRequest<Side>>> disk;
	TouchedList<Side> list{list_length};
	uint32_t own[4]; // claimed, one by one
	unsigned turn = 0;
};

template <class Side> class Machine
{
	unsigned cpus_;
	std::unique_ptr<Cpu<Side>[]> cpu_;
	Deferred deferred_;
	std::mt19937 random_{1};

	unsigned any_cpu() { return random_() % cpus_; }

public:
	explicit Machine(unsigned cpus) : cpus_(cpus)
	{
		bench_cpu = 0;
		Side::start(frames, cpus);
		cpu_ = std::make_unique<Cpu<Side>[]>(cpus);
	}
	~Machine() { let_go(); } // the kernel's queue outlives the table
	Cpu<Side> &go_to(unsigned cpu)
	{
		bench_cpu = cpu;
		return cpu_[cpu];
	}
	Cpu<Side> &go_anywhere() { return go_to(any_cpu()); }
	uint32_t random() { return random_(); }

	void make_rings()
	{
		for (unsigned i = 0; i < cpus_; i++)
			go_to(i).ring = std::make_unique<Apart<PacketRing<Side>>>();
	}
	void make_disks()
	{
		for (unsigned i = 0; i < cpus_; i++)
			go_to(i).disk = std::make_unique<Apart<DiskRequest<Side>>>();
	}
	// Each CPU takes its own one by one, in turns with the others.
	void make_own()
	{
		for (unsigned k = 0; k < 4; k++)
			for (unsigned i = 0; i < cpus_; i++)
				must(!Side::alloc_seq(1, &go_to(i).own[k]));
	}
	// Neighbours go to different CPUs: the worst that can be.
	void deal_out()
	{
		uint32_t first;
		go_to(0);
		must(!Side::alloc_seq(4 * cpus_, &first));
		for (unsigned k = 0; k < 4; k++)
			for (unsigned i = 0; i < cpus_; i++)
				cpu_[i].own[k] = first + k * cpus_ + i;
	}

	void use_own(Cpu<Side> &cpu)
	{
		uint32_t ref = cpu.own[cpu.turn++ % 4];
		Side::grant_ref(ref, 1, 0x1234);
		must(Side::end_ref(ref) == 1);
	}
	// The worker comes on any CPU, when the other domain has let go of all.
	void end_late()
	{
		int ref = Side::grant(1, 0x1234);
		must(ref >= 0);
		deferred_.refs[deferred_.count] = static_cast<uint32_t>(ref);
		Side::flags(static_cast<uint32_t>(ref)) |= in_use;
		Side::end(static_cast<uint32_t>(ref), pages[deferred_.count]);
		if (++deferred_.count < deferred_at_once)
			return;
		go_anywhere();
		let_go();
	}
	void let_go()
	{
		while (deferred_.count)
			Side::flags(deferred_.refs[--deferred_.count]) &=
			    static_cast<uint16_t>(~in_use);
		Side::work();
	}
	// Allocated here, freed by another CPU.
	void hand_on(Cpu<Side> &)
	{
		uint32_t ref;
		must(!Side::alloc_seq(1, &ref));
		go_anywhere();
		Side::free_one(ref);
	}
};

// many_ones(), with the references on the stack.
template <class Side, unsigned count> void several()
{
	uint32_t refs[count];
	for (uint32_t &ref : refs)
		must(!Side::alloc_seq(1, &ref));
	for (uint32_t ref : refs)
		Side::free_one(ref);
}

// --- the rows -----------------------------------------------------------------------------------

template <class Side> struct Row {
	const char *key;
	unsigned per; // operations that one step stands for
	void (*prepare)(Machine<Side> &);
	void (*step)(Machine<Side> &, Cpu<Side> &);
};

template <class Side> using M = Machine<Side> &;
template <class Side> using C = Cpu<Side> &;

template <class Side> void nothing(M<Side>) {}

template <class Side>
const Row<Side> rows[] = {
    {"one", 1, nothing<Side>, [](M<Side>, C<Side>) { one<Side>(); }},
    {"ones/8", in_a_row, nothing<Side>, [](M<Side>, C<Side>) { several<Side, in_a_row>(); }},
    {"grant_end", 1, nothing<Side>, [](M<Side>, C<Side>) { grant_and_end<Side>(); }},
    {"packet", 1, [](M<Side> m) { m.make_rings(); },
     [](M<Side>, C<Side> cpu) { cpu.ring->step(); }},
    {"request", 1, [](M<Side> m) { m.make_disks(); },
     [](M<Side>, C<Side> cpu) { cpu.disk->run(); }},
    {"claimed", 1, [](M<Side> m) { m.make_own(); }, [](M<Side> m, C<Side> cpu) { m.use_own(cpu); }},
    {"list_untouched", list_length, nothing<Side>,
     [](M<Side>, C<Side>) { list_untouched<Side>(list_length); }},
    {"list", list_length, nothing<Side>, [](M<Side>, C<Side> cpu) { cpu.list.run(); }},
    {"ones/256", 256, nothing<Side>, [](M<Side>, C<Side>) { several<Side, 256>(); }},
    {"across_cpus", 1, nothing<Side>, [](M<Side> m, C<Side> cpu) { m.hand_on(cpu); }},
    {"deferred", 1, nothing<Side>, [](M<Side> m, C<Side>) { m.end_late(); }},
    {"dealt_out", 1, [](M<Side> m) { m.deal_out(); },
     [](M<Side> m, C<Side> cpu) { m.use_own(cpu); }},
};

// How often each comes in the mix, in 64: packets most of all.
constexpr struct {
	const char *key;
	unsigned share;
} mix[] = {{"packet", 32}, {"request", 12},       {"one", 8},     {"grant_end", 4}, {"claimed", 2},
	   {"list", 2},    {"list_untouched", 2}, {"deferred", 2}};

template <class Side> const Row<Side> &row_of(const char *key)
{
	for (const Row<Side> &row : rows<Side>)
		if (!strcmp(row.key, key))
			return row;
	fprintf(stderr, "cachelines: error: no row %s\n", key);
	exit(1);
}

bool first_line = true;

void print(const char *key, const char *side, unsigned cpus, uint64_t operations,
	   const Counted &counted)
{
	auto per = [&](uint64_t count) {
		return static_cast<double>(count) / static_cast<double>(operations);
	};
	printf("%s\n{\"row\": \"%s\", \"side\": \"%s\", \"cpus\": %u, \"operations\": %lu, "
	       "\"transfers\": %.6f, \"upgrades\": %.6f, \"locked\": %.4f, \"accesses\": %.2f}",
	       first_line ? "" : ",", key, side, cpus, operations, per(counted.transfers),
	       per(counted.upgrades), per(counted.locked), per(counted.accesses));
	first_line = false;
}

void name_memory(bool leases)
{
	recorder_name("entry", leases ? lender_stock_frame(0) : stock_frame(0), frames * 4096);
	if (leases)
		recorder_name("state word", xg_fast.refs, sizeof(*xg_fast.refs) * frames * 512);
}

template <class Side> Counted run_row(const Row<Side> &row, unsigned cpus, unsigned steps)
{
	Machine<Side> machine(cpus);
	row.prepare(machine);
	name_memory(Side::leases);
	recorder_start();
	// Each CPU has done it before: what is leased, allocated or met once is not counted.
	for (unsigned i = 0; i < 16 * cpus; i++)
		row.step(machine, machine.go_to(i % cpus));
	for (unsigned i = 0; i < steps * cpus; i++)
		row.step(machine, machine.go_anywhere());
	Counted counted;
	recorder_count(&counted);
	for (unsigned i = 0; i < steps * cpus; i++)
		row.step(machine, machine.go_anywhere());
	recorder_stop();
	return counted;
}

constexpr size_t kinds = sizeof(mix) / sizeof(mix[0]);

// What each kind of work in the mix moves, and how often it was done.
struct Mixed {
	Counted counted[kinds];
	uint64_t times[kinds] = {};
};

// Drivers of all kinds on every CPU. Places are kept for the one kind, if there is such a one.
template <class Side> Mixed run_mix(unsigned cpus, unsigned steps, const char *kept = "")
{
	Machine<Side> machine(cpus);
	const Row<Side> *row[kinds];
	for (size_t kind = 0; kind < kinds; kind++) {
		row[kind] = &row_of<Side>(mix[kind].key);
		row[kind]->prepare(machine);
	}
	name_memory(Side::leases);
	Mixed mixed;
	recorder_start();
	for (unsigned i = 0; i < 3 * steps * cpus; i++) {
		bool counts = i >= steps * cpus;
		Cpu<Side> &cpu = machine.go_anywhere();
		unsigned which = machine.random() % 64;
		size_t kind = 0;
		for (; which >= mix[kind].share; kind++)
			which -= mix[kind].share;
		recorder_count(counts ? &mixed.counted[kind] : nullptr);
		recorder_keep_places(!strcmp(mix[kind].key, kept));
		row[kind]->step(machine, cpu);
		mixed.times[kind] += counts ? row[kind]->per : 0;
	}
	recorder_stop();
	return mixed;
}

template <class Side> void all(unsigned steps, unsigned most_cpus)
{
	for (unsigned cpus = 1; cpus <= most_cpus; cpus *= 2) {
		for (const Row<Side> &row : rows<Side>)
			print(row.key, Side::name, cpus, uint64_t{row.per} * steps * cpus,
			      run_row(row, cpus, steps));
		Mixed mixed = run_mix<Side>(cpus, steps);
		for (size_t kind = 0; kind < kinds; kind++)
			if (mixed.times[kind])
				print(("mix/" + std::string(mix[kind].key)).c_str(), Side::name,
				      cpus, mixed.times[kind], mixed.counted[kind]);
	}
}

template <class Side> void where(const char *key, unsigned cpus)
{
	constexpr unsigned steps = 400;
	const char *in_mix = strncmp(key, "mix/", 4) ? nullptr : key + 4;
	const Row<Side> &row = row_of<Side>(in_mix ? in_mix : key);
	uint64_t operations = uint64_t{row.per} * steps * cpus;
	if (in_mix) {
		Mixed mixed = run_mix<Side>(cpus, steps, in_mix);
		for (size_t kind = 0; kind < kinds; kind++)
			if (!strcmp(mix[kind].key, in_mix))
				operations = mixed.times[kind];
	} else {
		recorder_keep_places(true);
		run_row(row, cpus, steps);
	}
	for (const auto &[place, times] : recorder_places())
		printf("%.4f 0x%lx 0x%lx %s\n",
		       static_cast<double>(times) / static_cast<double>(operations), place.code - 1,
		       place.line, place.what);
}

unsigned number(const char *text)
{
	int value = atoi(text);
	if (value < 1) {
		fprintf(stderr, "cachelines: error: not a number above 0: %s\n", text);
		exit(2);
	}
	return static_cast<unsigned>(value);
}

} // namespace

int main(int argc, char **argv)
{
	recorder_ignore(pages, sizeof(pages));
	if (argc == 5 && !strcmp(argv[1], "--where")) {
		unsigned cpus = std::min(number(argv[4]), Mesi::max_cpus);
		if (!strcmp(argv[3], Stock::name))
			where<StockMore>(argv[2], cpus);
		else
			where<XengntMore>(argv[2], cpus);
		return 0;
	}
	unsigned steps = argc > 1 ? number(argv[1]) : 200;
	unsigned most_cpus = std::min(argc > 2 ? number(argv[2]) : Mesi::max_cpus, Mesi::max_cpus);
	printf("{\"steps\": %u, \"rows\": [", steps);
	all<StockMore>(steps, most_cpus);
	all<XengntMore>(steps, most_cpus);
	printf("\n]}\n");
}

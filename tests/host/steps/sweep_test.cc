// SPDX-License-Identifier: GPL-2.0
//
// Every operation against a resume, a port call that fails, an interrupt that does any other
// operation, and another CPU that does, at every step that the scheduler knows. XENGNT_SWEEP=long
// in the environment: all of it with two changes of the CPU, and with a third driver; else as much
// as takes seconds.
#include "sweep.hh"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

using namespace sim;

namespace
{

// What one world of the sweep is like.
struct Sweep {
	std::vector<const Operation *> who;
	bool interrupt = false; // the second interrupts the first
	unsigned version = 1;
	unsigned resumed = 0;   // a resume, in that version; 0: none
	uint32_t more_refs = 0; // beyond what they need
	bool somebody_waits = false;
	uint32_t lease_step = 1;
	long failing = 0;     // this port call fails
	bool forever = false; // and all later ones, until everything is quiet
	uint32_t waits_for = 0;
};

// The parties of the world that is tried; a world's own, so cleared by prepare.
struct Try {
	std::vector<Party> parties;
	Party waiter;
} tried;

uint32_t refs_of(const Sweep &sweep)
{
	uint32_t refs = sweep.more_refs;
	for (const Operation *operation : sweep.who)
		refs += operation->most;
	return refs;
}

std::string name_of(const Sweep &sweep)
{
	std::string name;
	for (const Operation *operation : sweep.who)
		name += (name.empty()      ? ""
			 : sweep.interrupt ? ", interrupted: "
					   : " | ") +
			std::string(operation->name);
	name += "; version " + std::to_string(sweep.version) + ", " +
		std::to_string(refs_of(sweep)) + " references";
	if (sweep.somebody_waits)
		name += ", one waits";
	if (sweep.resumed)
		name += ", resumed in version " + std::to_string(sweep.resumed);
	if (sweep.failing)
		name += ", call " + std::to_string(sweep.failing) + " fails" +
			(sweep.forever ? " and all later ones" : "");
	return name;
}

std::vector<Task> prepare(World &w, const Sweep &sweep)
{
	tried = {};
	tried.parties.resize(sweep.who.size());
	run_on(0);
	for (size_t i = 0; i < sweep.who.size(); i++)
		sweep.who[i]->prepare(w, tried.parties[i]);
	if (sweep.somebody_waits) {
		// One more than there are now.
		uint32_t there = refs_of(sweep);
		for (const Party &party : tried.parties)
			there -= static_cast<uint32_t>(party.refs.size()) + party.in_sequence +
				 (party.list != XG_NO_REF ? 3 : 0) + (party.pages[0] != nullptr) +
				 (party.pages[1] != nullptr) + (party.pages[2] != nullptr) +
				 (party.pool ? 2 : 0);
		tried.waiter.waiting.request(
		    w.pool(), static_cast<uint16_t>(std::min(there + 1, refs_of(sweep))));
	}
	// A kernel that has references lends them: it does not go on refusing.
	if (sweep.failing)
		w.faults.fail(sweep.failing,
			      sweep.forever ? any_call & ~only(Call::lease) : any_call,
			      sweep.forever);
	std::vector<Task> tasks;
	for (size_t i = 0; i < sweep.who.size(); i++) {
		bool interrupts = sweep.interrupt && i == 1;
		tasks.push_back({interrupts ? 0 : static_cast<unsigned>(i),
				 [&w, &sweep, i] { sweep.who[i]->run(w, tried.parties[i]); },
				 interrupts ? 0 : -1});
	}
	if (sweep.resumed) {
		Task resume{static_cast<unsigned>(sweep.who.size()), [&w, &sweep] {
				    w.xen.start_anew();
				    w.xen.change_version(sweep.resumed);
				    if (xg_core_resume(sweep.resumed))
					    w.verdict.broken("all can be reached, and some cannot");
			    }};
		resume.stops_all = true;
		tasks.push_back(resume);
	}
	return tasks;
}

// The other callers leave enough for each.
bool wrongly_refused(const Sweep &sweep, size_t which)
{
	uint32_t others = 0;
	for (size_t i = 0; i < sweep.who.size(); i++)
		others += i == which ? 0 : sweep.who[i]->most;
	return others + sweep.who[which]->most <= refs_of(sweep);
}

// An open entry is that of a granted reference, for the backend, with a page of this guest.
std::string look_at_entries(World &w)
{
	for (uint32_t ref = 0; ref < w.config.table_refs; ref++) {
		if (w.xen.is_idle(ref) || !w.kernel.is_leased(ref))
			continue;
		std::string entry = "entry " + std::to_string(ref);
		if (w.xen.domid(ref) != backend || !w.pages.find(w.xen.frame_of(ref)))
			return entry + " is open for domain " + std::to_string(w.xen.domid(ref)) +
			       ", frame " + std::to_string(w.xen.frame_of(ref));
		xg_ref_info info;
		xg_read_ref(ref, &info);
		if (info.state != XG_REF_GRANTED && info.state != XG_REF_DEFERRED)
			return entry + " is open and not granted";
	}
	return {};
}

// In the end everything can be had, granted, mapped, and ended.
std::string use_everything(World &w, uint32_t refs)
{
	uint32_t head = XG_NO_REF;
	if (xg_alloc_list(w.pool(), refs, &head) != XG_OK)
		return "some references are lost: " + std::to_string(w.kernel.could_lease()) +
		       " + " + std::to_string(w.stats().free) + " of " + std::to_string(refs);
	Page *page = w.pages.alloc();
	if (!page)
		return "a page is lost";
	while (head != XG_NO_REF) {
		auto ref = static_cast<uint32_t>(xg_claim(&head, 1));
		if (w.grant(ref, backend, page) != XG_OK || !w.xen.map(ref, backend, false))
			return "what is granted cannot be mapped";
		if (w.end(ref))
			return "not busy, and mapped";
		w.xen.unmap(ref, backend, false);
		if (w.try_end(ref) != 1)
			return "busy, and not mapped";
	}
	w.pages.put(page);
	return w.pages.in_use() ? "a page is lost" : "";
}

std::string judge(World &w, const Sweep &sweep)
{
	run_on(0);
	w.faults.none();
	std::string broken = look_at_entries(w);
	if (broken.empty())
		broken = w.verdict.first();
	for (size_t i = 0; i < sweep.who.size() && broken.empty(); i++) {
		Party &party = tried.parties[i];
		if (!party.broken.empty())
			broken = party.broken;
		else if (party.refused && !sweep.failing && wrongly_refused(sweep, i))
			broken = "refused what is there: " + std::string(sweep.who[i]->name);
	}
	// Time enough for what failed to be tried again.
	if (sweep.failing)
		w.clock.advance(3000);
	for (Party &party : tried.parties)
		if (broken.empty())
			broken = party.waiting.judge(w);
	if (broken.empty())
		broken = tried.waiter.waiting.judge(w);
	if (!broken.empty())
		return broken;
	for (size_t i = 0; i < sweep.who.size(); i++) {
		Party &party = tried.parties[i];
		sweep.who[i]->finish(w, party);
		if (!party.broken.empty())
			return party.broken;
	}
	give_all_back(w, tried.waiter);
	w.clock.advance(10000);
	broken = use_everything(w, refs_of(sweep));
	if (broken.empty() && w.log.size())
		broken = "a report nobody expected: " + std::to_string(w.log.take()[0].what);
	return broken;
}

// Tries all schedules of a sweep, and says what broke.
std::string explore_sweep(const Sweep &sweep, unsigned preemptions, size_t most, size_t *schedules)
{
	Config config = config_with(refs_of(sweep));
	config.table_version = sweep.version;
	config.cpus = 4;
	config.pages = 12;
	config.spare_limit = 0;
	config.lease_step = sweep.lease_step;
	Scenario scenario{config, [&](World &w) { return prepare(w, sweep); },
			  [&](World &w) { return judge(w, sweep); }};
	Explored explored = explore(scenario, preemptions, most);
	*schedules += explored.schedules;
	return explored.broken;
}

// Many sweeps, in processes of their own: a crash is a failure of one of them.
class Sweeper
{
	struct Shared {
		size_t at;
		size_t schedules;
		char broken[400];
	};
	Shared *shared_;
	size_t schedules_ = 0;
	int failures_ = 0;
	std::vector<Sweep> sweeps_;
	unsigned preemptions_;
	size_t most_;

	static constexpr unsigned seconds = 60; // for one: more is a loop without end

	[[noreturn]] void child(size_t from)
	{
		for (size_t i = from; i < sweeps_.size(); i++) {
			alarm(seconds);
			shared_->at = i;
			size_t schedules = 0;
			std::string broken =
			    explore_sweep(sweeps_[i], preemptions_, most_, &schedules);
			shared_->schedules += schedules;
			if (broken.empty())
				continue;
			std::snprintf(shared_->broken, sizeof(shared_->broken), "%s",
				      broken.c_str());
			_exit(1);
		}
		shared_->at = sweeps_.size();
		_exit(0);
	}

public:
	Sweeper(unsigned preemptions, size_t most = 2000000)
	    : shared_(static_cast<Shared *>(mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
						 MAP_SHARED | MAP_ANONYMOUS, -1, 0))),
	      preemptions_(preemptions), most_(most)
	{
	}
	~Sweeper() { munmap(shared_, sizeof(Shared)); }
	Sweeper(const Sweeper &) = delete;
	Sweeper &operator=(const Sweeper &) = delete;
	void add(const Sweep &sweep) { sweeps_.push_back(sweep); }
	void run()
	{
		const int enough = long_runs() ? 1000 : 20;
		const char *only = std::getenv("XENGNT_SWEEP_ONLY");
		if (only)
			std::erase_if(sweeps_, [&](const Sweep &sweep) {
				return name_of(sweep).find(only) == std::string::npos;
			});
		ASSERT_NE(shared_, MAP_FAILED);
		for (size_t from = 0; from < sweeps_.size() && failures_ < enough;) {
			*shared_ = {from, 0, ""};
			std::fflush(nullptr);
			pid_t pid = fork();
			ASSERT_GE(pid, 0);
			if (!pid)
				child(from);
			int status = 0;
			ASSERT_EQ(waitpid(pid, &status, 0), pid);
			schedules_ += shared_->schedules;
			if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
				break;
			failures_++;
			std::string what = shared_->broken;
			if (WIFSIGNALED(status))
				what = "signal " + std::to_string(WTERMSIG(status));
			ADD_FAILURE() << name_of(sweeps_[shared_->at]) << ": " << what;
			from = shared_->at + 1;
		}
		std::cout << "  " << sweeps_.size() << " sweeps, " << schedules_ << " schedules"
			  << std::endl;
	}
};

// Schedules of one sweep of two operations.
size_t most_of_two()
{
	return long_runs() ? 600 : 60;
}

// Half of the pairs with each version of the table, unless there is time.
bool is_for_this_version(const Operation &first, const Operation &second)
{
	auto pair = &first - operations().data() + (&second - operations().data());
	return long_runs() || pair % 2 == default_table_version() % 2;
}

// With as many references as they need, and with one waiting.
void add_shapes(Sweeper &sweeper, Sweep sweep)
{
	if (!refs_of(sweep))
		sweep.more_refs = 2;
	sweeper.add(sweep);
	sweep.somebody_waits = true;
	sweeper.add(sweep);
}

} // namespace

TEST(Sweep, AResumeAtEveryStep)
{
	Sweeper sweeper(1);
	for (const Operation &operation : operations())
		for (unsigned version : {1u, 2u})
			for (unsigned resumed : {1u, 2u}) {
				Sweep sweep{{&operation}};
				sweep.version = version;
				sweep.resumed = resumed;
				add_shapes(sweeper, sweep);
			}
	sweeper.run();
}

TEST(Sweep, AResumeWhileTwoAreAtWork)
{
	Sweeper sweeper(long_runs() ? 2 : 1, long_runs() ? 20000 : 60);
	for (const Operation &first : operations())
		for (const Operation &second : operations()) {
			if (&second < &first || !is_for_this_version(first, second))
				continue;
			Sweep sweep{{&first, &second}};
			sweep.version = sweep.resumed = default_table_version();
			if (!refs_of(sweep))
				sweep.more_refs = 2;
			sweeper.add(sweep);
		}
	sweeper.run();
}

TEST(Sweep, APortCallThatFails)
{
	Sweeper sweeper(0);
	for (const Operation &operation : operations())
		for (long nth = 1; nth <= 12; nth++)
			for (bool forever : {false, true}) {
				Sweep sweep{{&operation}};
				sweep.version = default_table_version();
				sweep.failing = nth;
				sweep.forever = forever;
				add_shapes(sweeper, sweep);
			}
	sweeper.run();
}

TEST(Sweep, APortCallThatFailsWhileTwoAreAtWork)
{
	if (!long_runs())
		return;
	Sweeper sweeper(1);
	for (const Operation &first : operations())
		for (const Operation &second : operations())
			for (long nth = 1; nth <= 4 && &first <= &second; nth++) {
				Sweep sweep{{&first, &second}};
				sweep.version = default_table_version();
				sweep.failing = nth;
				sweep.forever = nth % 2;
				add_shapes(sweeper, sweep);
			}
	sweeper.run();
}

TEST(Sweep, AnInterruptAtEveryStep)
{
	Sweeper sweeper(long_runs() ? 2 : 1, most_of_two());
	for (const Operation &below : operations())
		for (const Operation &interrupt : operations()) {
			if (!interrupt.in_interrupts || !is_for_this_version(below, interrupt))
				continue;
			Sweep sweep{{&below, &interrupt}};
			sweep.version = default_table_version();
			sweep.interrupt = true;
			add_shapes(sweeper, sweep);
		}
	sweeper.run();
}

TEST(Sweep, AnotherCpuAtEveryStep)
{
	Sweeper sweeper(long_runs() ? 2 : 1, most_of_two());
	for (const Operation &first : operations())
		for (const Operation &second : operations()) {
			if (&second < &first || !is_for_this_version(first, second))
				continue;
			Sweep sweep{{&first, &second}};
			sweep.version = default_table_version();
			add_shapes(sweeper, sweep);
		}
	sweeper.run();
}

TEST(Sweep, TwoOtherCpus)
{
	if (!long_runs())
		return;
	Sweeper sweeper(1, 5000);
	for (const Operation &first : operations())
		for (const Operation &second : operations())
			for (const Operation &third : operations()) {
				if (&second < &first || &third < &second)
					continue;
				Sweep sweep{{&first, &second, &third}};
				sweep.version = default_table_version();
				if (!refs_of(sweep))
					sweep.more_refs = 2;
				sweeper.add(sweep);
			}
	sweeper.run();
}

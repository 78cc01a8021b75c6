// SPDX-License-Identifier: GPL-2.0
#include "scheduler.hh"

#include <cstring>
#include <deque>
#include <memory>
#include <set>

#include <ucontext.h>

#include "sim/hooks.hh"

namespace sim
{

namespace
{

constexpr size_t stack_bytes = 64 * 1024;
// A store that no other CPU has seen yet.
struct Pending {
	void *where;
	unsigned bytes;
	uint64_t value;
};

constexpr size_t buffer_slots = 16;
constexpr unsigned most_points = 100000; // in one schedule: more is a livelock

struct Fiber {
	Task task;
	Context context;
	ucontext_t registers;
	std::unique_ptr<char[]> stack{new char[stack_bytes]};
	const void *wants = nullptr; // the lock it waits for
	std::deque<Pending> buffer;
	bool started = false;
	bool ended = false;
};

// One place where there was a choice.
struct Choice {
	unsigned taken;
	unsigned offered;
	bool costs; // all but the first are preemptions
};

class Scheduler
{
	std::vector<std::unique_ptr<Fiber>> fibers_;
	std::set<const void *> held_;
	std::vector<Choice> &choices_;
	bool delay_stores_;
	size_t depth_ = 0;
	unsigned points_ = 0;
	Fiber *current_ = nullptr;
	ucontext_t main_{};

	static bool can_be_stopped(const Fiber &fiber)
	{
		const Context &at = fiber.context;
		return !fiber.started || fiber.ended ||
		       (fiber.task.interrupts < 0 && !at.locks && !at.pinned && !at.irqs_off &&
			!at.in_call && !at.in_kernel);
	}
	bool may_run(const Fiber &fiber) const
	{
		if (fiber.ended || (fiber.wants && held_.count(fiber.wants)))
			return false;
		for (const auto &other : fibers_) {
			if (other.get() == &fiber)
				continue;
			if (other->task.stops_all && other->started && !other->ended)
				return false;
			if (fiber.task.stops_all && !fiber.started && !can_be_stopped(*other))
				return false;
		}
		if (!fiber.started && fiber.task.interrupts >= 0) {
			const Fiber &below = *fibers_[static_cast<size_t>(fiber.task.interrupts)];
			const Context &at = below.context;
			return below.ended || (below.started && !at.locks && !at.in_call &&
					       !at.irqs_off && !at.in_kernel);
		}
		for (const auto &other : fibers_)
			if (other->started && !other->ended && other->task.interrupts >= 0 &&
			    fibers_[static_cast<size_t>(other->task.interrupts)].get() == &fiber)
				return false; // interrupted
		return true;
	}
	Fiber *choose(bool leave)
	{
		std::vector<Fiber *> able;
		bool stay = current_ && !leave && may_run(*current_);
		if (stay)
			able.push_back(current_);
		for (const auto &fiber : fibers_)
			if (fiber.get() != current_ && may_run(*fiber))
				able.push_back(fiber.get());
		if (able.empty() && current_ && may_run(*current_))
			return current_;
		if (able.empty())
			return nullptr;
		if (able.size() == 1)
			return able[0];
		if (depth_ == choices_.size())
			choices_.push_back({0, static_cast<unsigned>(able.size()), stay});
		return able[choices_[depth_++].taken];
	}
	static void body(unsigned low, unsigned high)
	{
		auto *fiber = reinterpret_cast<Fiber *>(low | static_cast<uintptr_t>(high) << 32);
		fiber->task.run();
		drain(*fiber);
		fiber->ended = true;
		active->pass(true);
	}
	static void store(const Pending &pending)
	{
		std::memcpy(pending.where, &pending.value, pending.bytes);
	}
	static void drain(Fiber &fiber)
	{
		for (; !fiber.buffer.empty(); fiber.buffer.pop_front())
			store(fiber.buffer.front());
	}
	void enter(Fiber *next)
	{
		// Its interrupts run on the same CPU, and see its stores.
		if (current_ && current_->task.cpu == next->task.cpu)
			drain(*current_);
		current_ = next;
		set_context(&next->context);
		next->started = true;
	}

public:
	static Scheduler *active;

	Scheduler(std::vector<Task> tasks, bool delay_stores, std::vector<Choice> &choices)
	    : choices_(choices), delay_stores_(delay_stores)
	{
		for (Task &task : tasks) {
			auto fiber = std::make_unique<Fiber>();
			fiber->context.cpu = task.cpu;
			fiber->context.irqs_off = task.interrupts >= 0;
			fiber->task = std::move(task);
			getcontext(&fiber->registers);
			fiber->registers.uc_stack.ss_sp = fiber->stack.get();
			fiber->registers.uc_stack.ss_size = stack_bytes;
			fiber->registers.uc_link = nullptr;
			auto address = reinterpret_cast<uintptr_t>(fiber.get());
			makecontext(&fiber->registers, reinterpret_cast<void (*)()>(body), 2,
				    static_cast<unsigned>(address),
				    static_cast<unsigned>(address >> 32));
			fibers_.push_back(std::move(fiber));
		}
	}
	// False: not all could end.
	bool run()
	{
		active = this;
		Fiber *first = choose(false);
		enter(first);
		swapcontext(&main_, &first->registers);
		active = nullptr;
		set_context(nullptr);
		for (const auto &fiber : fibers_)
			if (!fiber->ended)
				return false;
		return true;
	}
	bool delay(const Pending &pending)
	{
		if (!delay_stores_ || !switching())
			return false;
		std::deque<Pending> &buffer = current_->buffer;
		if (buffer.size() == buffer_slots) {
			store(buffer.front());
			buffer.pop_front();
		}
		buffer.push_back(pending);
		return true;
	}
	// The latest store of this CPU to there. A load that such a store covers only in part waits
	// until the buffer is empty, as on x86.
	bool forward(const void *where, unsigned bytes, void *value)
	{
		if (!current_)
			return false;
		auto begin = reinterpret_cast<uintptr_t>(where);
		const std::deque<Pending> &buffer = current_->buffer;
		for (auto pending = buffer.rbegin(); pending != buffer.rend(); ++pending) {
			auto stored = reinterpret_cast<uintptr_t>(pending->where);
			if (stored >= begin + bytes || begin >= stored + pending->bytes)
				continue;
			if (begin < stored || begin + bytes > stored + pending->bytes) {
				drain(*current_);
				return false;
			}
			std::memcpy(value,
				    reinterpret_cast<const char *>(&pending->value) +
					(begin - stored),
				    bytes);
			return true;
		}
		return false;
	}
	void drain()
	{
		if (current_)
			drain(*current_);
	}
	bool switching() const { return current_ && !current_->context.in_kernel; }
	// A point of choice; `leave` when this fiber cannot or should not go on.
	void pass(bool leave)
	{
		Fiber *before = current_;
		Fiber *next = ++points_ > most_points ? nullptr : choose(leave);
		if (next == before)
			return;
		if (!next) {
			// All have ended, or none can go on.
			current_ = nullptr;
			swapcontext(&before->registers, &main_);
			return;
		}
		enter(next);
		swapcontext(&before->registers, &next->registers);
	}
	void acquire(const void *lock)
	{
		pass(false);
		drain();
		current_->wants = lock;
		while (held_.count(lock))
			pass(true);
		current_->wants = nullptr;
		held_.insert(lock);
	}
	void acquire_for_host(const void *lock)
	{
		current_->wants = lock;
		while (held_.count(lock))
			pass(true);
		current_->wants = nullptr;
		held_.insert(lock);
	}
	void release_for_host(const void *lock) { held_.erase(lock); }
	void release(const void *lock)
	{
		drain();
		held_.erase(lock);
	}
};

Scheduler *Scheduler::active = nullptr;

// To the next schedule in the order of the search; false when there is none.
bool advance(std::vector<Choice> &choices, unsigned preemptions)
{
	while (!choices.empty()) {
		Choice &last = choices.back();
		unsigned spent = 0;
		for (const Choice &choice : choices)
			spent += choice.costs && choice.taken && &choice != &last;
		if (last.taken + 1 < last.offered && (!last.costs || spent < preemptions)) {
			last.taken++;
			return true;
		}
		choices.pop_back();
	}
	return false;
}

std::string describe(const std::vector<Choice> &choices)
{
	std::string text = "; schedule:";
	for (const Choice &choice : choices)
		text += ' ' + std::to_string(choice.taken);
	return text;
}

} // namespace

Explored explore(const Scenario &scenario, unsigned preemptions, size_t most)
{
	Explored explored;
	std::vector<Choice> choices;
	do {
		auto owned = std::make_unique<World>(scenario.config);
		World &world = *owned;
		world.start();
		std::vector<Task> tasks = scenario.prepare(world);
		auto scheduler =
		    std::make_unique<Scheduler>(std::move(tasks), scenario.delay_stores, choices);
		explored.schedules++;
		if (!scheduler->run()) {
			explored.broken = "tasks wait for ever" + describe(choices);
			// What they hold is lost with them, so this world can never be stopped.
			(void)scheduler.release();
			(void)owned.release();
			return explored;
		}
		world.clock.advance(3000);
		std::string broken = scenario.judge(world);
		if (broken.empty())
			broken = world.check();
		if (!broken.empty()) {
			explored.broken = broken + describe(choices);
			world.excused = true;
			return explored;
		}
	} while (explored.schedules < most && advance(choices, preemptions));
	return explored;
}

namespace
{

std::function<void()> meddle;

} // namespace

void at_every_step(std::function<void()> what)
{
	meddle = std::move(what);
}

void step_here()
{
	if (!Scheduler::active && meddle)
		meddle();
	if (Scheduler::active && Scheduler::active->switching())
		Scheduler::active->pass(false);
}

namespace hooks
{

void lock_acquire(std::mutex &mutex)
{
	if (Scheduler::active)
		Scheduler::active->acquire(&mutex);
}

void lock_release(std::mutex &mutex)
{
	if (Scheduler::active)
		Scheduler::active->release(&mutex);
}

void host_lock_acquire(std::mutex &mutex)
{
	if (Scheduler::active)
		Scheduler::active->acquire_for_host(&mutex);
}

void host_lock_release(std::mutex &mutex)
{
	if (Scheduler::active)
		Scheduler::active->release_for_host(&mutex);
}

void relax()
{
	if (!Scheduler::active)
		return;
	Scheduler::active->drain();
	Scheduler::active->pass(true);
}

} // namespace hooks

} // namespace sim

extern "C" void sim_step(void)
{
	sim::step_here();
}

extern "C" bool sim_delay(void *where, unsigned bytes, const void *value)
{
	if (!sim::Scheduler::active)
		return false;
	sim::Pending pending{where, bytes, 0};
	std::memcpy(&pending.value, value, bytes);
	return sim::Scheduler::active->delay(pending);
}

extern "C" bool sim_forward(const void *where, unsigned bytes, void *value)
{
	return sim::Scheduler::active && sim::Scheduler::active->forward(where, bytes, value);
}

extern "C" void sim_drain(void)
{
	if (sim::Scheduler::active)
		sim::Scheduler::active->drain();
}

// SPDX-License-Identifier: GPL-2.0
//
// src/linux/port_work.c on stubs: the earliest deadline wins, wherever an interrupt comes, another
// CPU asks too, or the worker starts. Every interleaving of the points below is run.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <ucontext.h>
#include <vector>

#include "kernel.h"
#include "port/port.h"

extern "C" int xengnt_port_init(void);
extern "C" void xengnt_port_stop_work(void);
extern "C" void xengnt_port_exit(void);

namespace
{

constexpr unsigned long now = 1000;

struct Actor {
	std::function<void()> run;
	// The actor that this one interrupts; it goes on when this one has ended. None: -1.
	int interrupts = -1;
	// Only possible while this holds.
	std::function<bool()> can_start = [] { return true; };
	bool must_run = true; // else it may not have its turn

	bool started = false, ended = false, irqs_off = false;
	const raw_spinlock_t *waits_for = nullptr;
	ucontext_t registers{};
	std::vector<char> stack;
};

struct Request {
	unsigned long due;
	int begun; // number of runs of the work before it
};

struct World {
	std::vector<std::unique_ptr<Actor>> actors;
	ucontext_t main{};
	int current = -1;

	delayed_work *item = nullptr; // of the lease
	int runs = 0;
	std::vector<Request> requests;
};
World *world;

// Another actor may have its turn here.
void point()
{
	if (!world || world->current < 0)
		return;
	Actor &self = *world->actors[world->current];
	swapcontext(&self.registers, &world->main);
}

void enter()
{
	Actor &self = *world->actors[world->current];
	self.run();
	self.ended = true;
	swapcontext(&self.registers, &world->main);
}

bool can_go_on(int number)
{
	Actor &actor = *world->actors[number];
	if (actor.ended)
		return false;
	for (auto &other : world->actors)
		if (other->interrupts == number && other->started && !other->ended)
			return false;
	if (actor.started)
		return !actor.waits_for || !actor.waits_for->held;
	if (actor.interrupts >= 0) {
		Actor &below = *world->actors[actor.interrupts];
		if (!below.started || below.ended || below.irqs_off)
			return false;
	}
	return actor.can_start();
}

void go_on(int number)
{
	Actor &actor = *world->actors[number];
	if (!actor.started) {
		actor.started = true;
		actor.stack.resize(1 << 16);
		getcontext(&actor.registers);
		actor.registers.uc_stack.ss_sp = actor.stack.data();
		actor.registers.uc_stack.ss_size = actor.stack.size();
		makecontext(&actor.registers, enter, 0);
	}
	world->current = number;
	swapcontext(&world->main, &actor.registers);
	world->current = -1;
}

// When each request is served: by a run that began after it, or by the pending one.
std::string late_request()
{
	for (const Request &request : world->requests) {
		if (world->runs > request.begun)
			continue;
		if (!world->item || !world->item->pending)
			return "due at " + std::to_string(request.due) + ", never runs";
		if (time_before(request.due, world->item->expires))
			return "due at " + std::to_string(request.due) + ", runs at " +
			       std::to_string(world->item->expires);
	}
	return "";
}

void ask(unsigned delay_ms)
{
	world->requests.push_back({now + delay_ms, world->runs});
	xg_port_schedule(XG_WORK_LEASE, delay_ms);
}

Actor task(unsigned delay_ms)
{
	Actor actor;
	actor.run = [=] { ask(delay_ms); };
	return actor;
}

Actor interrupt(int below, unsigned delay_ms)
{
	Actor actor = task(delay_ms);
	actor.interrupts = below;
	actor.must_run = false;
	return actor;
}

// Starts the work if it is due, as a worker of the kernel does.
Actor worker()
{
	Actor actor;
	actor.can_start = [] {
		return world->item && world->item->pending &&
		       !time_before(now, world->item->expires);
	};
	actor.must_run = false;
	actor.run = [] {
		world->item->pending = false;
		point();
		world->item->work.fn(&world->item->work);
	};
	return actor;
}

struct Explored {
	int schedules = 0;
	std::string broken;
};

// Depth first through all choices of who goes on at each point.
Explored explore(const std::function<std::vector<Actor>()> &actors)
{
	Explored explored;
	std::vector<size_t> choices;
	for (;;) {
		World fresh;
		world = &fresh;
		EXPECT_EQ(xengnt_port_init(), 0);
		for (Actor &actor : actors())
			fresh.actors.push_back(std::make_unique<Actor>(std::move(actor)));
		std::vector<size_t> options;
		std::string way;
		for (size_t step = 0;; step++) {
			std::vector<int> able;
			bool unfinished = false;
			for (int i = 0; i < static_cast<int>(fresh.actors.size()); i++) {
				Actor &actor = *fresh.actors[i];
				unfinished |= !actor.ended && (actor.started || actor.must_run);
				if (can_go_on(i))
					able.push_back(i);
			}
			if (!unfinished)
				break;
			if (able.empty()) {
				explored.broken = "stuck after " + way;
				break;
			}
			if (step == choices.size())
				choices.push_back(0);
			options.push_back(able.size());
			int chosen = able[choices[step]];
			way += std::to_string(chosen) + " ";
			go_on(chosen);
		}
		explored.schedules++;
		std::string late = late_request();
		xengnt_port_exit();
		world = nullptr;
		if (explored.broken.empty() && !late.empty())
			explored.broken = late + ", after " + way;
		choices.resize(options.size());
		while (!choices.empty() && choices.back() + 1 == options[choices.size() - 1])
			choices.pop_back();
		if (!explored.broken.empty() || choices.empty())
			return explored;
		choices.back()++;
	}
}

} // namespace

// --- the kernel ---

extern "C" {

void xg_deferred_work(void) {}
void xg_lease_work(void)
{
	world->runs++;
}

unsigned long test_jiffies(void)
{
	return now;
}

void raw_spin_lock_init(raw_spinlock_t *lock)
{
	lock->held = 0;
}

unsigned long test_lock(raw_spinlock_t *lock)
{
	if (!world || world->current < 0)
		return 0;
	Actor &self = *world->actors[world->current];
	bool were_off = self.irqs_off;
	point();
	self.irqs_off = true;
	self.waits_for = lock;
	while (lock->held)
		point();
	self.waits_for = nullptr;
	lock->held = 1;
	return were_off;
}

void test_unlock(raw_spinlock_t *lock, unsigned long flags)
{
	lock->held = 0;
	if (!world || world->current < 0)
		return;
	world->actors[world->current]->irqs_off = flags;
	point();
}

workqueue_struct *alloc_workqueue(const char *, unsigned, int)
{
	static int queue;
	return reinterpret_cast<workqueue_struct *>(&queue);
}
void destroy_workqueue(workqueue_struct *) {}

// Takes the item off its timer or queue and queues it for then.
bool mod_delayed_work(workqueue_struct *, delayed_work *work, unsigned long delay)
{
	point();
	bool was_pending = work->pending;
	work->pending = true;
	work->expires = now + delay;
	if (world)
		world->item = work;
	return was_pending;
}

bool cancel_delayed_work_sync(delayed_work *work)
{
	bool was_pending = work->pending;
	work->pending = false;
	return was_pending;
}

} // extern "C"

namespace
{

TEST(PortWork, AnInterruptAsksForAnEarlierRun)
{
	Explored explored = explore([] { return std::vector{task(5000), interrupt(0, 0)}; });
	EXPECT_EQ(explored.broken, "");
	EXPECT_GT(explored.schedules, 2);
}

TEST(PortWork, AnInterruptAsksForALaterRun)
{
	Explored explored = explore([] { return std::vector{task(0), interrupt(0, 5000)}; });
	EXPECT_EQ(explored.broken, "");
}

TEST(PortWork, TwoCpusAskAtOnce)
{
	Explored explored = explore([] { return std::vector{task(5000), task(10)}; });
	EXPECT_EQ(explored.broken, "");
	EXPECT_GT(explored.schedules, 5);
}

TEST(PortWork, TwoCpusAndAnInterrupt)
{
	Explored explored = explore([] {
		return std::vector{task(5000), task(10), interrupt(0, 0)};
	});
	EXPECT_EQ(explored.broken, "");
}

TEST(PortWork, TheWorkerStartsMeanwhile)
{
	Explored explored = explore([] { return std::vector{task(0), task(5000), worker()}; });
	EXPECT_EQ(explored.broken, "");
	explored = explore([] { return std::vector{task(0), task(0), worker()}; });
	EXPECT_EQ(explored.broken, "");
}

// Once the work has been stopped nothing is queued any more, even by who had already begun.
TEST(PortWork, NothingIsQueuedOnceStopped)
{
	Explored explored = explore([] {
		Actor stop;
		stop.run = [] {
			xengnt_port_stop_work();
			world->requests.clear();
			if (world->item && world->item->pending)
				world->requests.push_back({0, world->runs});
		};
		Actor late = task(10);
		late.run = [] {
			xg_port_schedule(XG_WORK_LEASE, 10);
			if (world->actors[0]->ended && world->item && world->item->pending)
				world->requests.push_back({0, world->runs});
		};
		return std::vector{std::move(stop), std::move(late)};
	});
	EXPECT_EQ(explored.broken, "");
	EXPECT_GT(explored.schedules, 2);
}

} // namespace

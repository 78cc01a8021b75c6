// SPDX-License-Identifier: GPL-2.0
#include "host.hh"

#include <cstdlib>
#include <cstring>

namespace sim
{

namespace
{

thread_local Context own_context;
thread_local Context *current = nullptr;

} // namespace

Context &context()
{
	return current ? *current : own_context;
}

Context *set_context(Context *other)
{
	Context *before = current;
	current = other;
	return before;
}

void run_on(unsigned cpu)
{
	context().cpu = cpu;
}

void Verdict::broken(const std::string &rule)
{
	std::lock_guard guard(mutex_);
	if (first_.empty())
		first_ = rule;
}

std::string Verdict::first()
{
	std::lock_guard guard(mutex_);
	return first_;
}

void Log::add(const Report &report)
{
	std::lock_guard guard(mutex_);
	reports_.push_back(report);
}

std::vector<Report> Log::take()
{
	std::lock_guard guard(mutex_);
	std::vector<Report> taken;
	taken.swap(reports_);
	return taken;
}

size_t Log::size()
{
	std::lock_guard guard(mutex_);
	return reports_.size();
}

void Faults::fail(long nth, unsigned calls, bool forever)
{
	calls_ = calls;
	forever_ = forever;
	countdown_ = nth;
}

bool Faults::due(Call call)
{
	seen_++;
	if (!(calls_ & only(call)) || countdown_ <= 0)
		return false;
	if (countdown_ == 1 && forever_)
		return true;
	return --countdown_ == 0;
}

Clock::Clock(Verdict &verdict) : verdict_(verdict)
{
	cancel_all();
}

void Clock::schedule(enum xg_work work, unsigned delay_ms)
{
	uint64_t at = now_ms_ + delay_ms;
	uint64_t due = due_ms_[work];
	while (at < due && !due_ms_[work].compare_exchange_weak(due, at))
		;
}

void Clock::cancel_all()
{
	for (auto &due : due_ms_)
		due = never;
}

unsigned Clock::run_due()
{
	unsigned ran = 0;
	for (int work = 0; work < XG_WORKS; work++) {
		// Never two of one kind at a time.
		std::unique_lock guard(running_[work], std::try_to_lock);
		if (!guard)
			continue;
		uint64_t due = due_ms_[work];
		if (due > now_ms_ || !due_ms_[work].compare_exchange_strong(due, never))
			continue;
		if (work == XG_WORK_DEFERRED)
			xg_deferred_work();
		else
			xg_lease_work();
		ran++;
	}
	runs_ += ran;
	return ran;
}

void Clock::advance(uint64_t ms)
{
	uint64_t end = now_ms_ + ms;
	unsigned at_once = 0;
	for (;;) {
		if (run_due()) {
			if (++at_once == 100000) {
				verdict_.broken("a work item runs again and again without a pause");
				return;
			}
			continue;
		}
		uint64_t next = end;
		for (auto &due : due_ms_)
			next = due < next ? due.load() : next;
		at_once = 0;
		if (next >= end && now_ms_ == end)
			return;
		now_ms_ = next;
	}
}

void *Memory::page()
{
	void *page = std::aligned_alloc(XG_PORT_PAGE_SIZE, XG_PORT_PAGE_SIZE);
	std::memset(page, 0, XG_PORT_PAGE_SIZE);
	pages_++;
	return page;
}

void Memory::free_page(void *page)
{
	pages_--;
	std::free(page);
}

void *Memory::block(size_t bytes)
{
	size_t rounded = (bytes + 63) / 64 * 64;
	void *block = std::aligned_alloc(64, rounded);
	std::memset(block, 0, rounded);
	blocks_++;
	return block;
}

void Memory::free_block(void *block)
{
	if (!block)
		return;
	blocks_--;
	std::free(block);
}

} // namespace sim

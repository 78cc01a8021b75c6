// SPDX-License-Identifier: GPL-2.0
#include "driver.hh"

#include <algorithm>

namespace sim
{

namespace
{

constexpr unsigned long culprit = 0xbad;

} // namespace

Config random_config(uint64_t seed)
{
	static constexpr uint32_t sizes[] = {40, 72, 136, 300, 520, 1032, 2000};
	static constexpr uint32_t steps[] = {1, 7, 32, XG_LEASE_BATCH};
	Config config;
	config.table_refs = sizes[seed % 7];
	config.lease_step = steps[seed / 7 % 4];
	config.spare_limit = seed / 28 % 3 ? config.table_refs / 8 : 0;
	config.lease_limit = seed / 84 % 3 ? 0 : config.table_refs / 2;
	config.cpus = 1 + seed / 252 % 4;
	config.pages = 64;
	return config;
}

Driver::Driver(const Config &config) : w_(config), ours_(config.table_refs)
{
	run_on(0);
	expect(w_.start() == XG_OK, "the core starts");
	for (Waiter &waiter : waiters_)
		waiter.driver = this;
}

Driver::~Driver() = default;

void Driver::expect(bool holds, const char *rule)
{
	if (!holds && broken_.empty())
		broken_ = rule;
}

void Driver::check(bool everything)
{
	std::string broken = everything ? w_.check() : w_.check_quickly();
	expect(broken.empty(), broken.c_str());
}

void Driver::got(int64_t ref)
{
	expect(ref >= Kernel::first_ref && ref < w_.config.table_refs,
	       "a reference is in the table");
	if (!broken_.empty())
		return;
	expect(!ours_[static_cast<size_t>(ref)], "no reference is handed out twice");
	expect(w_.kernel.is_leased(static_cast<uint32_t>(ref)), "what is handed out is leased");
	ours_[static_cast<size_t>(ref)] = true;
}

// How many references the core could find at most.
uint64_t Driver::obtainable()
{
	xg_stats stats = w_.stats();
	return stats.free + stats.cached +
	       std::min<uint64_t>(stats.lease_limit - stats.leased, w_.kernel.could_lease());
}

void Driver::refused(int64_t result, uint64_t count)
{
	expect(result == XG_NO_SPACE, "an allocation fails with no other error");
	if (!faulty_)
		expect(obtainable() < count,
		       "an allocation fails only when too few are free anywhere");
}

void Driver::alloc_one()
{
	int64_t ref = w_.alloc();
	if (ref < 0)
		return refused(ref, 1);
	got(ref);
	claimed_.push_back(static_cast<uint32_t>(ref));
}

void Driver::free_one(uint32_t which)
{
	if (claimed_.empty())
		return;
	uint32_t ref = take(claimed_, which);
	lost(ref);
	expect(w_.free(ref) == XG_OK, "what is claimed can be freed");
}

void Driver::alloc_list(uint32_t amount)
{
	uint32_t count = amount % 5 ? amount % 70 : amount % (w_.config.table_refs + 50);
	uint32_t head = 12345;
	int result = xg_alloc_list(w_.pool(), count, &head);
	if (result != XG_OK)
		return refused(result, count);
	lists_.push_back({head, count});
}

void Driver::free_list(uint32_t which)
{
	if (lists_.empty())
		return;
	List list = take(lists_, which);
	expect(xg_free_list(&list.head, 1) == XG_OK && list.head == XG_NO_REF,
	       "a list can be freed");
}

void Driver::claim(uint32_t which)
{
	if (lists_.empty())
		return;
	List &list = lists_[which % lists_.size()];
	int64_t ref = xg_claim(&list.head, 1);
	if (!list.count)
		return expect(ref == XG_NO_SPACE, "an empty list has nothing to claim");
	got(ref);
	if (!broken_.empty())
		return;
	claimed_.push_back(static_cast<uint32_t>(ref));
	list.count--;
	expect((list.head == XG_NO_REF) == (list.count == 0), "a list ends after its last member");
}

void Driver::release(uint32_t which, uint32_t amount)
{
	if (lists_.empty() || claimed_.empty())
		return;
	List &list = lists_[amount % lists_.size()];
	uint32_t ref = take(claimed_, which);
	lost(ref);
	expect(xg_release(&list.head, ref, 1) == XG_OK && list.head == ref,
	       "what is claimed can be released");
	list.count++;
}

void Driver::alloc_sequence(uint32_t amount)
{
	uint32_t count = 1 + (amount % 5 ? amount % 20 : amount % w_.config.table_refs);
	uint32_t first = 0;
	int result = xg_alloc_seq(w_.pool(), count, &first);
	if (result != XG_OK)
		return expect(result == XG_NO_SPACE, "a sequence fails with no other error");
	for (uint32_t i = 0; i < count && broken_.empty(); i++)
		got(first + i);
	if (amount % 3)
		return sequences_.push_back({first, count});
	for (uint32_t i = 0; i < count; i++)
		claimed_.push_back(first + i);
}

void Driver::free_sequence(uint32_t which)
{
	if (sequences_.empty())
		return;
	Sequence sequence = take(sequences_, which);
	for (uint32_t i = 0; i < sequence.count; i++)
		lost(sequence.first + i);
	expect(xg_free_seq(&sequence.first, &sequence.count, 1) == XG_OK && !sequence.count,
	       "a sequence can be freed");
}

// Calls that are wrong, whatever state the reference is in.
void Driver::misuse(uint32_t which, uint32_t how)
{
	uint32_t ref = which % (w_.config.table_refs + 4);
	if (ref < w_.config.table_refs && ours_[ref])
		return;
	// The kernel's own drivers may release theirs to any list.
	if (how % 6 == 4 && !xg_is_leased(ref))
		return;
	int64_t result = 0;
	uint32_t none = XG_NO_REF;
	uint32_t count = 1;
	uint32_t at = ref;
	switch (how % 6) {
	case 0:
		result = w_.free(ref, culprit);
		break;
	case 1:
		result = xg_grant(ref, 1, 0x10001, false, culprit);
		break;
	case 2:
		result = w_.end(ref, culprit) - 1;
		break;
	case 3:
		result = w_.try_end(ref, culprit) - 1;
		break;
	case 4:
		result = xg_release(&none, ref, culprit);
		break;
	case 5:
		result = xg_free_seq(&at, &count, culprit);
		break;
	}
	expect(result < 0, "a wrong call is refused");
	bool leased = xg_is_leased(ref);
	std::vector<Report> reports = w_.log.take();
	expect(reports.size() == leased, "a wrong call is reported once");
	if (!reports.empty())
		expect(reports[0].ref == ref && reports[0].caller == culprit,
		       "a report names reference and caller");
}

void Driver::called(void *arg)
{
	auto *waiter = static_cast<Waiter *>(arg);
	Driver *driver = waiter->driver;
	driver->expect(waiter->waiting, "no callback runs that was not asked for");
	waiter->waiting = false;
	if (waiter->again) {
		waiter->again = false;
		waiter->waiting = true;
		xg_request_callback(xg_default_pool(), &waiter->callback, called, waiter,
				    waiter->count);
	} else {
		driver->alloc_one();
	}
}

void Driver::wait(uint32_t which, uint32_t amount)
{
	Waiter &waiter = waiters_[which % 4];
	if (amount % 4 == 0) {
		xg_cancel_callback(&waiter.callback);
		waiter.waiting = false;
		return;
	}
	if (!waiter.waiting) {
		waiter.count = static_cast<uint16_t>(amount % 64);
		waiter.again = amount % 4 == 1;
		waiter.waiting = true;
	}
	xg_request_callback(xg_default_pool(), &waiter.callback, called, &waiter, waiter.count);
}

void Driver::kernel(uint32_t how, uint32_t amount)
{
	if (how % 2)
		w_.kernel.drivers_take(amount % 50);
	else
		w_.kernel.drivers_free(amount % 60);
}

// Lets all work finish: every callback that could be served has been called.
void Driver::rest(uint32_t amount)
{
	w_.faults.none();
	w_.clock.advance(4000 + amount % 8000);
	faulty_ = false;
	uint64_t there = obtainable();
	for (Waiter &waiter : waiters_)
		expect(!waiter.waiting || waiter.count > there, "nobody waits who could be served");
}

void Driver::run(const Step &step)
{
	run_on(step.what / 64 % w_.config.cpus);
	uint32_t which = step.which;
	uint32_t amount = step.amount;
	switch (step.what % 64) {
	case 0 ... 8:
		return alloc_one();
	case 9 ... 17:
		return free_one(which);
	case 18 ... 20:
		return alloc_list(amount);
	case 21 ... 23:
		return free_list(which);
	case 24 ... 26:
		return claim(which);
	case 27 ... 28:
		return release(which, amount);
	case 29 ... 30:
		return alloc_sequence(amount);
	case 31 ... 32:
		return free_sequence(which);
	case 33 ... 35:
		return grant(which, amount);
	case 36 ... 38:
		return grant_new(amount);
	case 39 ... 45:
		return end(which, amount);
	case 46 ... 48:
		return map(which, amount);
	case 49 ... 51:
		return unmap(which);
	case 52 ... 54:
		return misuse(which, amount);
	case 55 ... 57:
		return wait(which, amount);
	case 58 ... 59:
		return kernel(which, amount);
	case 60:
		if (which % w_.config.table_refs < w_.config.table_refs &&
		    w_.xen.is_idle(which % w_.config.table_refs))
			w_.xen.scribble(which % w_.config.table_refs, amount);
		return;
	case 61:
		faulty_ = true;
		return w_.faults.fail(1 + amount % 6);
	case 62:
		return rest(amount);
	default:
		return w_.clock.advance(amount % 50);
	}
}

void Driver::finish(bool keep_maps)
{
	w_.faults.none();
	for (Waiter &waiter : waiters_)
		xg_cancel_callback(&waiter.callback);
	while (!keep_maps && !mappings_.empty())
		unmap(0);
	while (!granted_.empty())
		end(0, 2);
	while (!claimed_.empty())
		free_one(0);
	while (!lists_.empty())
		free_list(0);
	while (!sequences_.empty())
		free_sequence(0);
	w_.kernel.drivers_free(w_.config.table_refs);
	if (!keep_maps)
		w_.clock.advance(10000);
	check(true);
	xg_stats stats = w_.stats();
	expect(keep_maps || stats.free + stats.cached == stats.leased, "nothing is left over");
	w_.stop();
	expect(w_.log.size() == 0, "nothing is reported at the end");
	while (!mappings_.empty())
		unmap(0);
	w_.kernel.look_at_deferred();
	expect(w_.pages.in_use() == 0, "no page is lost");
	expect(w_.kernel.leased() == 0 && w_.kernel.deferred() == 0, "no reference is lost");
	expect(w_.verdict.first().empty(), w_.verdict.first().c_str());
}

} // namespace sim

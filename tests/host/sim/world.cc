// SPDX-License-Identifier: GPL-2.0
#include "world.hh"

#include <cstdio>
#include <cstdlib>

#include "core/layout.h"

namespace sim
{

namespace
{

World *the_world = nullptr;

std::string number(const char *what, uint64_t a, uint64_t b)
{
	return std::string(what) + ": " + std::to_string(a) + " and " + std::to_string(b);
}

} // namespace

World &world()
{
	return *the_world;
}

unsigned default_table_version()
{
	const char *version = std::getenv("XENGNT_TABLE_VERSION");
	return version && std::string(version) == "2" ? 2 : 1;
}

bool default_strict()
{
	const char *strict = std::getenv("XENGNT_STRICT");
	return strict && std::string(strict) == "1";
}

World::World(const Config &wanted)
    : config(wanted), xen(verdict, wanted.table_refs, wanted.table_version),
      pages(verdict, xen, wanted.pages), kernel(verdict, xen, pages, wanted.table_refs)
{
	xen.connect(pages);
	the_world = this;
}

World::~World()
{
	stop();
	std::string broken = verdict.first();
	if (broken.empty() && memory.outstanding())
		broken = "memory is left behind";
	if (broken.empty() && kernel.leased())
		broken = number("leases left behind", kernel.leased(), 0);
	the_world = nullptr;
	if (broken.empty() || excused)
		return;
	// A test that looked has said so already; nobody may miss it.
	std::fprintf(stderr, "world: %s\n", broken.c_str());
	std::abort();
}

int World::start()
{
	xg_config core{config.table_refs,  config.lease_limit,    config.lease_step,
		       config.spare_limit, config.kernel_reserve, config.table_version,
		       config.strict};
	int result = xg_core_start(&core);
	running_ = result == XG_OK;
	return result;
}

void World::stop()
{
	if (!running_)
		return;
	running_ = false;
	clock.cancel_all();
	xg_core_stop();
	clock.cancel_all();
}

void World::before_lock(long nth, unsigned cpu, std::function<void()> what)
{
	meddle_cpu_ = cpu;
	meddle_in_ = nth;
	meddle_ = std::move(what);
}

void World::lock_is_wanted()
{
	locks_taken_++;
	if (!meddle_ || meddle_in_ <= 0 || --meddle_in_)
		return;
	Context other;
	other.cpu = meddle_cpu_;
	Context *before = set_context(&other);
	meddle_();
	set_context(before);
}

xg_stats World::stats() const
{
	xg_stats stats;
	xg_read_stats(&stats);
	return stats;
}

std::string World::check_quickly()
{
	std::string broken = verdict.first();
	if (!broken.empty() || !running_)
		return broken;
	if (int rule = xg_check_invariants())
		return number("invariant", static_cast<uint64_t>(rule), 0);
	xg_stats now = stats();
	if (now.leased != kernel.leased())
		return number("leased, said and seen", now.leased, kernel.leased());
	if (now.leased > now.lease_limit)
		return number("leased beyond the limit", now.leased, now.lease_limit);
	uint64_t held = 0;
	xg_pool_stats account;
	for (uint32_t pool = 0; xg_read_pool(pool, &account); pool++)
		held += account.held;
	if (held != now.leased - now.free - now.lost)
		return number("the pools' accounts and what is out", held,
			      now.leased - now.free - now.lost);
	uint64_t out = now.allocated_total - now.freed_total;
	if (!wrong_callers_raced && out != now.listed + now.claimed + now.granted + now.deferred)
		return number("allocated and not freed, counted and seen", out,
			      now.listed + now.claimed + now.granted + now.deferred);
	if (now.deferred != now.deferred_total - now.reclaimed_total)
		return number("deferred, seen and counted", now.deferred,
			      now.deferred_total - now.reclaimed_total);
	return {};
}

std::string World::check()
{
	std::string broken = check_quickly();
	if (!broken.empty() || !running_)
		return broken;
	uint64_t in_use = 0;
	for (uint32_t ref = 0; ref < config.table_refs; ref++) {
		if (xg_is_leased(ref) != kernel.is_leased(ref))
			return number("leased or not, reference", ref, xg_is_leased(ref));
		if (xg_is_leased(ref) && !xen.is_idle(ref))
			in_use++;
	}
	xg_stats now = stats();
	// A deferred end has taken the permission out of its entry, unless a resume came in
	// between. After one, what was granted before has a blank entry. In version 2 an end that
	// finds the entry busy has closed it already.
	bool may_be_closed = xen.is_v2() || xen.was_started_anew();
	if ((in_use < now.granted && !may_be_closed) || in_use > now.granted + now.deferred)
		return number("open entries and grants", in_use, now.granted + now.deferred);
	return {};
}

// --- what a driver does
// ---------------------------------------------------------------------------

int64_t World::alloc()
{
	return xg_alloc_one(pool());
}

int World::free(uint32_t ref, unsigned long caller)
{
	return xg_free_one(ref, caller);
}

int World::grant(uint32_t ref, uint16_t domid, Page *page, bool readonly, unsigned long caller)
{
	// Noted first: from the call on the other side may reach the page.
	pages.note_grant(page, ref);
	return xg_grant(ref, domid, page->frame, readonly, caller);
}

int64_t World::grant_new(uint16_t domid, Page *page, bool readonly, unsigned long caller)
{
	int64_t ref = xg_grant_new(pool(), domid, page->frame, readonly, caller);
	if (ref >= 0)
		pages.note_grant(page, static_cast<uint32_t>(ref));
	return ref;
}

int World::end(uint32_t ref, unsigned long caller)
{
	return xg_end(ref, caller);
}

int World::try_end(uint32_t ref, unsigned long caller)
{
	return xg_try_end(ref, caller);
}

int World::end_and_put(uint32_t ref, Page *page, unsigned long caller)
{
	int ended = xg_end_and_put(ref, page, caller);
	return ended > 0 ? 0 : ended;
}

} // namespace sim

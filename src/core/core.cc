// SPDX-License-Identifier: GPL-2.0
//
// The C boundary: one core, its parts, and what each exported call does with them. Results become
// numbers here and nowhere else.
#include "core.h"

#include "batch.hh"
#include "deferred_end.hh"
#include "free_callbacks.hh"
#include "grant_entry.hh"
#include "lease.hh"
#include "ref_allocator.hh"

using namespace xengnt;

struct xg_pool : Pool {
};

namespace
{

// How often pools that were given up with references still out are looked at.
constexpr unsigned reap_interval_ms = 2000;

struct Core {
	FreeStore store;
	Lease lease{store};
	FreeCallbacks callbacks;
	RefAllocator allocator{store, lease, callbacks};
	DeferredEnds deferred{allocator};
	Batches batches{store, allocator};
	Pool *default_pool = nullptr;

	constexpr Core() : callbacks(allocator, store, lease) {}
};

constinit Core core;

[[gnu::noinline, gnu::cold]] int number(Error error)
{
	switch (error) {
	case Error::no_space:
		return XG_NO_SPACE;
	case Error::not_leased:
		return XG_NOT_LEASED;
	case Error::misuse:
		return XG_MISUSE;
	case Error::bad_frame:
		return XG_INVALID;
	case Error::busy:
		return XG_SLOW;
	case Error::none:
		break;
	}
	return XG_INVALID;
}

[[gnu::always_inline]] inline int number(Status status)
{
	return status.ok() ? XG_OK : number(status.error());
}

[[gnu::always_inline]] inline int64_t number(Result<GrantRef> ref)
{
	return ref.ok() ? static_cast<int64_t>(ref.value().raw) : number(ref.error());
}

[[gnu::always_inline]] inline Pool &pool_of(xg_pool *pool)
{
	return *pool;
}

[[gnu::noinline, gnu::cold]] Error bad_frame(GrantRef ref, DomId domid, Caller caller)
{
	xg_port_report(XG_REPORT_GRANT_BAD_FRAME, ref.raw, domid.raw, caller.raw);
	return Error::bad_frame;
}

[[gnu::always_inline]] inline CpuCache &counters(RefWord word, unsigned cpu)
{
	return core.allocator.cache(core.allocator.pool(word.pool()), cpu);
}

// Opens the entry of a claimed reference.
Status grant(GrantRef ref, unsigned cpu, DomId domid, Gfn frame, bool readonly, Caller caller)
{
	u64 *raw = ref_table.find(ref);
	RefWord word{raw ? load_relaxed(raw) : 0};
	if (word.state() != RefState::claimed) [[unlikely]] {
		if (word.state() == RefState::unleased)
			return Error::not_leased;
		return core.allocator.misuse(word.state() == RefState::granted
						 ? XG_REPORT_GRANT_TWICE
						 : XG_REPORT_GRANT_UNCLAIMED,
					     ref, caller);
	}
	if (!entry_holds(frame)) [[unlikely]]
		return bad_frame(ref, domid, caller);
	if (!ref_table.swap(ref.raw, word, word.next_generation(RefState::granted))) [[unlikely]]
		return core.allocator.misuse(XG_REPORT_GRANT_TWICE, ref, caller);
	entry_grant(ref_table.entry(ref.raw), domid, frame, readonly);
	count(&counters(word, cpu).granted);
	return Done{};
}

// Nobody else may end this one: not granted (1), or whose it is.
Result<int> end_ungranted(GrantRef ref, RefWord word, Caller caller)
{
	switch (word.state()) {
	case RefState::claimed:
		return 1;
	case RefState::unleased:
		return Error::not_leased;
	default:
		return core.allocator.misuse(XG_REPORT_END_UNCLAIMED, ref, caller);
	}
}

void release_leaked(u32 ref, RefWord word)
{
	EntryV1 *entry = ref_table.entry(ref);
	xg_port_report(XG_REPORT_LEAKED, ref, load_relaxed(&entry->domid), 0);
	core.lease.forget(1);
	ref_table.write(ref, RefWord::make(RefState::unleased, {0}, 0));
	if (word.state() == RefState::granted && !entry_end(entry)) {
		// The kernel keeps the granted page until the other side lets go.
		xg_port_hand_over(ref, nullptr);
		return;
	}
	xg_port_unlease(&ref, 1);
}

} // namespace

// --- life ----------------------------------------------------------------------------------------

int xg_core_start(const struct xg_config *config)
{
	if (!config->table_refs || config->table_refs > max_table_refs || !config->lease_step ||
	    config->lease_step > XG_LEASE_BATCH)
		return XG_INVALID;

	u32 usable = config->table_refs > reserved_refs ? config->table_refs - reserved_refs : 0;
	u32 limit =
	    config->lease_limit && config->lease_limit < usable ? config->lease_limit : usable;
	core.callbacks.create();
	core.deferred.create();
	core.lease.create(limit, config->lease_step, config->spare_limit);
	core.allocator.create();
	ref_table.create(config->table_refs);
	if (core.store.create(config->table_refs)) {
		core.default_pool = core.allocator.create_pool("default", ~0u, true);
		if (core.default_pool)
			return XG_OK;
	}
	core.allocator.destroy();
	core.store.destroy();
	ref_table.destroy();
	return XG_NO_MEMORY;
}

void xg_core_stop(void)
{
	xg_port_watch_kernel(0);
	core.lease.forget(core.deferred.hand_over());
	core.allocator.drain_all();
	core.lease.give_all_back();
	for (u32 ref = 0; ref < ref_table.size(); ref++) {
		u64 *raw = ref_table.find({ref});
		RefWord word{raw ? load_relaxed(raw) : 0};
		if (word.state() != RefState::unleased)
			release_leaked(ref, word);
	}
	core.default_pool = nullptr;
	core.allocator.destroy();
	core.store.destroy();
	ref_table.destroy();
}

struct xg_pool *xg_default_pool(void)
{
	return static_cast<xg_pool *>(core.default_pool);
}

struct xg_pool *xg_pool_create(const char *name, uint32_t reserve, uint32_t limit, bool may_sleep,
			       int *error)
{
	Pool *pool = core.allocator.create_pool(name, limit, may_sleep);
	*error = XG_NO_MEMORY;
	if (!pool)
		return nullptr;
	*error = XG_NO_SPACE;
	if (reserve && !core.allocator.reserve(*pool, reserve)) {
		core.allocator.destroy_pool(*pool);
		return nullptr;
	}
	*error = XG_OK;
	return static_cast<xg_pool *>(pool);
}

const char *xg_pool_name(const struct xg_pool *pool)
{
	return pool->name;
}

uint32_t xg_pool_destroy(struct xg_pool *pool)
{
	u32 out = core.allocator.destroy_pool(pool_of(pool));
	if (out)
		xg_port_schedule(XG_WORK_LEASE, reap_interval_ms);
	return out;
}

// --- references ----------------------------------------------------------------------------------

[[gnu::flatten]] int64_t xg_alloc_one_fast(struct xg_pool *pool, unsigned int cpu)
{
	return number(core.allocator.alloc_fast(pool_of(pool), cpu, RefState::claimed));
}

int64_t xg_alloc_one(struct xg_pool *pool)
{
	return number(core.allocator.alloc(pool_of(pool)));
}

[[gnu::flatten]] int xg_free_one_fast(uint32_t ref, unsigned int cpu)
{
	return number(core.allocator.free_fast({ref}, RefState::claimed, cpu));
}

int xg_free_one(uint32_t ref, unsigned long caller)
{
	return number(core.allocator.free({ref}, RefState::claimed, {caller}));
}

int xg_alloc_list(struct xg_pool *pool, uint32_t count, uint32_t *head)
{
	Result<GrantRef> list = core.allocator.alloc_list(pool_of(pool), count);
	if (!list.ok())
		return number(list.error());
	*head = list.value().raw;
	return XG_OK;
}

int xg_free_list(uint32_t *head, unsigned long caller)
{
	return number(core.allocator.free_list(head, {caller}));
}

namespace
{

[[gnu::noinline, gnu::cold]] int unclaimed(Error error, uint32_t *head)
{
	return error == Error::not_leased ? xg_port_kernel_claim(head) : XG_NO_SPACE;
}

[[gnu::noinline, gnu::cold]] int unreleased(Error error, uint32_t *head, uint32_t ref,
					    unsigned long caller)
{
	if (error != Error::not_leased)
		return number(error);
	// The kernel would free a whole list without asking whose its members are.
	if (*head != no_ref.raw && xg_is_leased(*head))
		return number(core.allocator.misuse(XG_REPORT_RELEASE_UNCLAIMED, {ref}, {caller}));
	return xg_port_kernel_release(head, ref);
}

} // namespace

[[gnu::flatten]] int xg_claim(uint32_t *head, unsigned long caller)
{
	Result<GrantRef> claimed = core.allocator.claim(head, {caller});
	if (!claimed.ok()) [[unlikely]]
		return unclaimed(claimed.error(), head);
	return static_cast<int>(claimed.value().raw);
}

[[gnu::flatten]] int xg_release(uint32_t *head, uint32_t ref, unsigned long caller)
{
	Status released = core.allocator.release(head, {ref}, {caller});
	if (!released.ok()) [[unlikely]]
		return unreleased(released.error(), head, ref, caller);
	return XG_OK;
}

int xg_alloc_seq(struct xg_pool *pool, uint32_t count, uint32_t *first)
{
	if (!count)
		return XG_INVALID;
	Result<GrantRef> sequence = core.allocator.alloc_sequence(pool_of(pool), count);
	if (!sequence.ok())
		return number(sequence.error());
	*first = sequence.value().raw;
	return XG_OK;
}

int xg_free_seq(uint32_t *first, uint32_t *count, unsigned long caller)
{
	return number(core.allocator.free_sequence(first, count, {caller}));
}

bool xg_is_leased(uint32_t ref)
{
	u64 *raw = ref_table.find({ref});
	return raw && RefWord{load_relaxed(raw)}.state() != RefState::unleased;
}

// --- granting and ending -------------------------------------------------------------------------

[[gnu::flatten]] int xg_grant(uint32_t ref, unsigned int cpu, uint16_t domid, uint64_t frame,
			      bool readonly, unsigned long caller)
{
	return number(grant({ref}, cpu, {domid}, {frame}, readonly, {caller}));
}

[[gnu::flatten]] int64_t xg_grant_new_fast(struct xg_pool *pool, unsigned int cpu, uint16_t domid,
					   uint64_t frame, bool readonly, unsigned long caller)
{
	if (!entry_holds({frame})) [[unlikely]]
		return number(bad_frame(no_ref, {domid}, {caller}));
	Result<GrantRef> ref = core.allocator.alloc_fast(pool_of(pool), cpu, RefState::granted);
	if (!ref.ok())
		return number(ref.error());
	entry_grant(ref_table.entry(ref.value().raw), {domid}, {frame}, readonly);
	count(&core.allocator.cache(pool_of(pool), cpu).granted);
	return ref.value().raw;
}

int64_t xg_grant_new(struct xg_pool *pool, uint16_t domid, uint64_t frame, bool readonly,
		     unsigned long caller)
{
	if (!entry_holds({frame}))
		return number(bad_frame(no_ref, {domid}, {caller}));
	Result<GrantRef> ref = core.allocator.alloc(pool_of(pool));
	if (!ref.ok())
		return number(ref.error());
	unsigned cpu = xg_port_pin();
	(void)grant(ref.value(), cpu, {domid}, {frame}, readonly, {caller});
	xg_port_unpin();
	return ref.value().raw;
}

int xg_end(uint32_t ref, unsigned int cpu, unsigned long caller)
{
	u64 *raw = ref_table.find({ref});
	RefWord word{raw ? load_relaxed(raw) : 0};
	if (word.state() != RefState::granted) {
		Result<int> ended = end_ungranted({ref}, word, {caller});
		return ended.ok() ? ended.value() : number(ended.error());
	}
	if (!entry_end(ref_table.entry(ref)))
		return 0;
	// Another end at the same time may have won: access has ended either way.
	if (ref_table.swap(ref, word, word.with(RefState::claimed)))
		count(&counters(word, cpu).ended);
	return 1;
}

[[gnu::flatten]] int xg_try_end_fast(uint32_t ref, unsigned int cpu)
{
	u64 *raw = ref_table.find({ref});
	RefWord word{raw ? load_relaxed(raw) : 0};
	if (word.state() != RefState::granted)
		return XG_SLOW;
	if (!entry_end(ref_table.entry(ref)))
		return 0;
	Status freed = core.allocator.free_fast({ref}, RefState::granted, cpu);
	if (!freed.ok())
		return XG_SLOW;
	count(&counters(word, cpu).ended);
	return 1;
}

int xg_try_end(uint32_t ref, unsigned long caller)
{
	unsigned cpu = xg_port_pin();
	int ended = xg_end(ref, cpu, caller);
	xg_port_unpin();
	if (ended != 1)
		return ended;
	int freed = xg_free_one(ref, caller);
	return freed ? freed : 1;
}

namespace
{

// Ends access now (1), or marks the reference as deferred (0) with the page that is to be kept.
int end_or_defer(uint32_t ref, void **page, unsigned long caller)
{
	u64 *raw = ref_table.find({ref});
	RefWord word{raw ? load_relaxed(raw) : 0};
	int ended = xg_try_end(ref, caller);
	if (ended)
		return ended;
	void *kept = *page;
	if (!kept)
		kept = xg_port_page_of_frame(load_relaxed(&ref_table.entry(ref)->frame));
	if (!ref_table.swap(ref, word,
			    RefWord::make(RefState::deferred, word.pool(), no_ref.raw))) {
		// Somebody else ended it meanwhile, and will put what is theirs.
		if (!*page && kept)
			xg_port_page_put(kept);
		return number(core.allocator.misuse(XG_REPORT_END_UNCLAIMED, {ref}, {caller}));
	}
	*page = kept;
	return 0;
}

DomId granted_to(uint32_t ref)
{
	return {load_relaxed(&ref_table.entry(ref)->domid)};
}

} // namespace

int xg_end_and_put(uint32_t ref, void *page, unsigned long caller)
{
	int ended = end_or_defer(ref, &page, caller);
	if (ended < 0)
		return ended;
	if (!ended)
		core.deferred.add({ref}, granted_to(ref), page);
	else if (page)
		xg_port_page_put(page);
	return XG_OK;
}

int xg_end_notify(struct xg_end_notice *notice, uint32_t ref, void *page, void (*fn)(void *arg),
		  void *arg, unsigned long caller)
{
	*notice = {fn, arg, page, ref};
	int ended = end_or_defer(ref, &notice->page, caller);
	if (ended < 0)
		return ended;
	if (!ended) {
		core.deferred.add({ref}, granted_to(ref), notice);
		return XG_OK;
	}
	if (page)
		xg_port_page_put(page);
	fn(arg);
	return XG_OK;
}

void xg_cancel_notice(struct xg_end_notice *notice)
{
	core.deferred.cancel(notice);
}

int xg_grant_batch(struct xg_pool *pool, uint16_t domid, const unsigned long *frames, uint32_t nr,
		   bool readonly, uint32_t *refs, unsigned long caller)
{
	Status granted = core.batches.grant(pool_of(pool), {domid}, frames, nr, readonly, refs);
	if (!granted.ok() && granted.error() == Error::bad_frame)
		return number(bad_frame(no_ref, {domid}, {caller}));
	if (!granted.ok())
		return number(granted.error());
	unsigned cpu = xg_port_pin();
	count(&core.allocator.cache(pool_of(pool), cpu).granted, nr);
	xg_port_unpin();
	return XG_OK;
}

uint32_t xg_end_batch(uint32_t *refs, void **pages, uint32_t nr, unsigned long caller)
{
	constexpr u32 at_once = 64;
	u32 left[at_once];
	u32 foreign = 0;
	for (u32 done = 0; done < nr;) {
		u32 here = nr - done < at_once ? nr - done : at_once;
		u32 nr_left =
		    core.batches.end(refs + done, pages ? pages + done : nullptr, here, left);
		unsigned cpu = xg_port_pin();
		count(&core.allocator.cache(*core.default_pool, cpu).ended, u64{here - nr_left});
		xg_port_unpin();
		for (u32 i = 0; i < nr_left; i++) {
			u32 at = done + left[i];
			void *page = pages ? pages[at] : nullptr;
			if (xg_end_and_put(refs[at], page, caller) != XG_NOT_LEASED)
				continue;
			refs[foreign] = refs[at];
			if (pages)
				pages[foreign] = page;
			foreign++;
		}
		done += here;
	}
	return foreign;
}

// --- free callbacks ------------------------------------------------------------------------------

void xg_request_callback(struct xg_free_callback *callback, void (*fn)(void *arg), void *arg,
			 uint16_t count)
{
	core.callbacks.request(callback, fn, arg, count);
}

void xg_cancel_callback(struct xg_free_callback *callback)
{
	core.callbacks.cancel(callback);
}

void xg_refuse(enum xg_report what, uint32_t ref, unsigned long caller)
{
	(void)core.allocator.misuse(what, {ref}, {caller});
}

// --- called by the host --------------------------------------------------------------------------

void xg_kernel_has_room(void)
{
	core.lease.kernel_has_room();
	xg_port_schedule(XG_WORK_LEASE, 0);
}

void xg_deferred_work(void)
{
	core.deferred.work();
}

void xg_lease_work(void)
{
	core.callbacks.lease_for_waiting();
	if (core.callbacks.waiting())
		core.lease.put_off_shrinking();
	else
		core.lease.shrink();
	if (core.allocator.reap_pools())
		xg_port_schedule(XG_WORK_LEASE, reap_interval_ms);
}

// --- watching ------------------------------------------------------------------------------------

void xg_read_stats(struct xg_stats *stats)
{
	u64 in_state[ref_states] = {};
	for (u32 ref = 0; ref < ref_table.size(); ref++) {
		u64 *raw = ref_table.find({ref});
		if (!raw)
			continue;
		RefWord word{load_relaxed(raw)};
		in_state[static_cast<unsigned>(word.state())] +=
		    word.state() == RefState::listed ? word.run() : 1;
	}
	*stats = {};
	stats->leased = core.lease.leased();
	stats->lease_limit = core.lease.limit();
	stats->free = core.store.free_count();
	stats->cached = in_state[static_cast<unsigned>(RefState::cached)];
	stats->listed = in_state[static_cast<unsigned>(RefState::listed)];
	stats->claimed = in_state[static_cast<unsigned>(RefState::claimed)];
	stats->granted = in_state[static_cast<unsigned>(RefState::granted)];
	stats->deferred = in_state[static_cast<unsigned>(RefState::deferred)];
	for (u32 number = 0; const Pool *pool = core.allocator.pool_at(number); number++) {
		stats->allocated_total += load_relaxed(&pool->allocated);
		stats->freed_total += load_relaxed(&pool->freed);
	}
	core.allocator.each_cache([&](const CpuCache &cache) {
		stats->allocated_total += load_relaxed(&cache.allocated);
		stats->freed_total += load_relaxed(&cache.freed);
		stats->granted_total += load_relaxed(&cache.granted);
		stats->ended_total += load_relaxed(&cache.ended);
	});
	stats->deferred_total = core.deferred.deferred_total();
	stats->reclaimed_total = core.deferred.reclaimed_total();
	stats->handed_back_total = core.deferred.handed_over();
	stats->misuse_total = core.allocator.misused();
	stats->enospc_total = core.allocator.failed();
	stats->callbacks_total = core.callbacks.called();
	stats->waiting = core.callbacks.waiting();
	stats->leased_total = core.lease.leased_total();
	stats->unleased_total = core.lease.unleased_total();
}

bool xg_read_pool(uint32_t number, struct xg_pool_stats *stats)
{
	const Pool *pool = core.allocator.pool_at(number);
	if (!pool)
		return false;
	*stats = {};
	for (u32 i = 0; i < pool_name_size; i++)
		stats->name[i] = pool->name[i];
	stats->used = pool->life == Pool::Life::used;
	stats->held = core.store.held(*pool);
	stats->limit = pool->limit;
	stats->reserve = pool->reserve;
	stats->allocated_total = load_relaxed(&pool->allocated);
	stats->freed_total = load_relaxed(&pool->freed);
	for (u32 cpu = 0; cpu < core.allocator.cpus(); cpu++) {
		stats->allocated_total += load_relaxed(&pool->caches[cpu].allocated);
		stats->freed_total += load_relaxed(&pool->caches[cpu].freed);
	}
	return true;
}

void xg_read_ref(uint32_t ref, struct xg_ref_info *info)
{
	u64 *raw = ref_table.find({ref});
	RefWord word{raw ? load_relaxed(raw) : 0};
	*info = {};
	switch (word.state()) {
	case RefState::claimed:
		info->state = XG_REF_CLAIMED;
		break;
	case RefState::granted:
		info->state = XG_REF_GRANTED;
		break;
	case RefState::deferred:
		info->state = XG_REF_DEFERRED;
		break;
	default:
		return;
	}
	info->pool = static_cast<const xg_pool *>(&core.allocator.pool(word.pool()));
	info->domid = granted_to(ref).raw;
	info->frame = load_relaxed(&ref_table.entry(ref)->frame);
}

bool xg_read_deferred(uint32_t *ref, struct xg_deferred *deferred)
{
	while (*ref < ref_table.size()) {
		u32 here = (*ref)++;
		if (ref_table.find({here}) && core.deferred.read(here, deferred))
			return true;
	}
	return false;
}

int xg_check_invariants(void)
{
	if (int broken = core.store.check_invariants())
		return broken;
	if (int broken = core.deferred.check_invariants())
		return broken;
	xg_stats stats;
	xg_read_stats(&stats);
	u64 found = stats.free + stats.cached + stats.listed + stats.claimed + stats.granted +
		    stats.deferred;
	return found == stats.leased ? 0 : 30; // every leased reference is in one state
}

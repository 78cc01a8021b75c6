// SPDX-License-Identifier: GPL-2.0
#include "ref_allocator.hh"

#include "fast_paths.h"
#include "free_callbacks.hh"
#include "reports.hh"
#include "take_or_grow.hh"

namespace xengnt
{

constinit RefAllocator allocator;

namespace
{

// Members of a sequence that come back under one hold of the lock.
constexpr u32 sequence_per_put = 512;

} // namespace

// --- CPU caches ---

// Moves all but the first `keep` into the central list. On the cache's own CPU.
void RefAllocator::flush(Pool &pool, CpuCache &cache, u32 keep)
{
	CacheUse use(cache);
	if (!use.granted())
		return;
	for (u32 used = load_relaxed(&cache.used); used > keep;) {
		u32 nr = min(used - keep, run_target);
		used -= nr;
		// The hints go last, so that other CPUs find all that is still cached.
		central_list.collect(pool, cache.slots + used, nr);
		store_relaxed(&cache.used, used);
	}
}

// Takes what is in another CPU's cache, without its help.
void RefAllocator::drain(Pool &pool, const CpuCache &cache)
{
	u32 used = min(load_acquire(&cache.used), cache_slots);
	for (u32 at = 0; at < used; at += run_target)
		central_list.collect(pool, cache.slots + at, min(used - at, run_target));
}

void RefAllocator::freed_some(u32 free_now)
{
	full_barrier();
	if (load_relaxed(&xg_fast.starving))
		callbacks.run();
	else if (free_now)
		lease.look_for_spare();
}

void RefAllocator::flush_for_waiters(Pool &pool, unsigned cpu)
{
	flush(pool, pool.caches[cpu], 0);
	callbacks.run();
}

void RefAllocator::drain_all()
{
	// A CPU that fills a cache now, not having seen that somebody starves, is done once we had
	// the lock.
	(void)central_list.free_count();
	pools.each([](Pool &pool) {
		for (u32 cpu = 0; cpu < pools.cpus(); cpu++)
			drain(pool, pool.caches[cpu]);
	});
}

u32 RefAllocator::drain_idle()
{
	u32 before = central_list.free_count();
	pools.each([](Pool &pool) {
		for (u32 cpu = 0; cpu < pools.cpus(); cpu++) {
			CpuCache &cache = pool.caches[cpu];
			u64 uses = load_relaxed(&cache.allocated) + load_relaxed(&cache.freed);
			if (load_relaxed(&cache.used) && cache.seen == uses)
				drain(pool, cache);
			cache.seen = uses;
		}
	});
	u32 now = central_list.free_count();
	return now > before ? now - before : 0;
}

// --- single references ---

u32 RefAllocator::missing(const Pool &pool, u32 count, bool contiguous)
{
	if (count > lease.limit() || count > CentralFreeList::allowed(pool))
		return 0;
	u32 there = central_list.available(pool);
	// A sequence may lack any number, and a list that others have taken from at least one.
	return there < count ? count - there : contiguous ? count : 1;
}

// Takes one reference for the caller and, with it, a run for this CPU's cache.
Result<GrantRef> RefAllocator::refill(Pool &pool)
{
	unsigned cpu = xg_port_pin();
	Result<GrantRef> got = Error::no_space;
	{
		CpuCache &cache = pool.caches[cpu];
		CacheUse use(cache);
		// If we interrupted this cache's owner, take only one reference and leave the cache
		// alone.
		bool mine = use.granted() && !load_relaxed(&cache.used);
		got = central_list.take_one(pool, mine ? &cache : nullptr, &xg_fast.starving);
		if (got.ok())
			xg_increment(&cache.allocated);
	}
	xg_port_unpin();
	return got;
}

Result<GrantRef> RefAllocator::alloc(Pool &pool)
{
	u32 high = static_cast<u32>(RefWord::make(RefState::claimed, id_of(pool), 0).raw >> 32);
	GrantRef cached{xg_fast_take(&pool, &pool.caches[xg_port_pin()], high)};
	xg_port_unpin();
	if (cached != no_ref)
		return cached;
	return take_or_grow([&] { return refill(pool); }, [&] { return missing(pool, 1, false); });
}

// Into the central list by itself; the word is free already.
void RefAllocator::put_into_list(GrantRef ref, RefWord word)
{
	u32 free_now = central_list.put_runs(pools.at(word.pool()), {}, {ref, ref, 1});
	freed_some(free_now);
}

bool RefAllocator::put_into_cache(GrantRef ref, RefWord word, unsigned cpu)
{
	Pool &owner = pools.at(word.pool());
	CpuCache &cache = owner.caches[cpu];
	if (load_relaxed(&cache.used) == cache_slots) {
		flush(owner, cache, cache_slots / 2);
		lease.look_for_spare();
	}
	if (!xg_fast_put(ref.raw, static_cast<u32>(word.raw >> 32), cpu))
		return false;
	if (waiters::any_after_swap())
		flush_for_waiters(owner, cpu);
	return true;
}

Status RefAllocator::free(GrantRef ref, Caller caller)
{
	RefWord word = ref_table.look_up(ref);
	switch (word.state()) {
	case RefState::claimed:
		break;
	case RefState::unleased:
		return Error::not_leased;
	case RefState::granting:
	case RefState::granted:
		return reports.misuse(XG_REPORT_FREE_OF_GRANTED, ref, caller);
	case RefState::deferred:
		return reports.misuse(XG_REPORT_FREE_OF_DEFERRED, ref, caller);
	default:
		return reports.misuse(XG_REPORT_FREE_OF_FREE, ref, caller);
	}

	unsigned cpu = xg_port_pin();
	bool done = put_into_cache(ref, word, cpu);
	xg_port_unpin();
	if (done)
		return Done{};
	if (ref_table.swap(ref, word, {free_word})) {
		put_into_list(ref, word);
		return Done{};
	}
	// It changed under us: another call freed or granted it at the same time.
	return reports.misuse(XG_REPORT_FREE_OF_FREE, ref, caller);
}

void RefAllocator::free_owned(GrantRef ref, RefWord word)
{
	unsigned cpu = xg_port_pin();
	bool done = put_into_cache(ref, word, cpu);
	xg_port_unpin();
	if (done)
		return;
	if (ref_table.swap(ref, word, {free_word}))
		put_into_list(ref, word);
}

// --- sequences ---

Result<GrantRef> RefAllocator::alloc_sequence(Pool &pool, u32 count)
{
	if (count > ref_table.size()) {
		count_failed();
		return Error::no_space;
	}
	Result<GrantRef> first =
	    take_or_grow([&] { return central_list.take_sequence(pool, count); },
			 [&] { return missing(pool, count, true); });
	if (!first.ok())
		return first;
	u64 claimed = RefWord::make(RefState::claimed, id_of(pool), 0).raw;
	for (u32 i = 0; i < count; i++)
		store_relaxed(ref_table.word({first.value().raw + i}), claimed);
	return first;
}

Status RefAllocator::free_sequence(GrantRef *first, u32 *count, Caller caller)
{
	Status result = Done{};
	u32 free_now = 0;
	while (*count) {
		RefWord word = ref_table.look_up(*first);
		if (word.state() == RefState::unleased) {
			result = Error::not_leased;
			break;
		}
		// The first one decides between two calls that free the same sequence at once.
		if (word.state() != RefState::claimed ||
		    !ref_table.swap(*first, word, {free_word})) {
			if (!free(*first, caller).ok())
				result = Error::misuse;
			++first->raw;
			--*count;
			continue;
		}
		u32 most = min(*count, ref_table.size() - first->raw);
		most = min(most, sequence_per_put);
		u32 length = 1;
		for (; length < most; length++) {
			GrantRef ref{first->raw + length};
			if (!ref_table.read(ref).is(RefState::claimed, word.pool()))
				break;
			ref_table.write(ref, {free_word});
		}
		CentralFreeList::SequencePut put =
		    central_list.put_sequence(pools.at(word.pool()), *first, length);
		free_now = put.free;
		if (put.twice) [[unlikely]]
			result = reports.misuse(XG_REPORT_FREE_OF_FREE, *first, caller);
		first->raw += length;
		*count -= length;
	}
	freed_some(free_now);
	return result;
}

// --- pools ---

Status RefAllocator::set_pool(Pool &pool, u32 reserve, u32 limit)
{
	Result<GrantRef> set = take_or_grow(
	    [&]() -> Result<GrantRef> {
		    if (central_list.set_account(pool, limit, reserve))
			    return no_ref;
		    return Error::no_space;
	    },
	    [&] { return central_list.missing_for(pool, reserve); });
	if (!set.ok())
		return set.error();
	// A smaller reserve, or a larger limit, may be what somebody waits for.
	callbacks.limits_changed();
	return Done{};
}

Status RefAllocator::create_pool(const char *name, u32 reserve, u32 limit, bool may_sleep,
				 Pool **pool)
{
	reap_pools();
	*pool = pools.add(name, limit, may_sleep);
	if (!*pool)
		return Done{};
	if (!reserve || set_pool(**pool, reserve, limit).ok())
		return Done{};
	destroy_pool(**pool);
	*pool = nullptr;
	return Error::no_space;
}

u32 RefAllocator::destroy_pool(Pool &pool)
{
	callbacks.forget(pool);
	(void)central_list.set_account(pool, 0, 0);
	for (u32 cpu = 0; cpu < pools.cpus(); cpu++)
		drain(pool, pool.caches[cpu]);
	u32 out = central_list.held(pool);
	pools.give_up(pool);
	callbacks.limits_changed();
	return out;
}

bool RefAllocator::reap_pools()
{
	return pools.reap([](Pool &pool) {
		for (u32 cpu = 0; cpu < pools.cpus(); cpu++)
			drain(pool, pool.caches[cpu]);
		return central_list.held(pool) == 0;
	});
}

} // namespace xengnt

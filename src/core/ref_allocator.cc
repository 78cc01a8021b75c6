// SPDX-License-Identifier: GPL-2.0
#include "ref_allocator.hh"

#include "free_callbacks.hh"

namespace xengnt
{

// --- setting up ---

bool RefAllocator::create()
{
	cpus_ = xg_port_cpus();
	starving_ = 0;
	failed_ = misused_ = 0;
	pools_lock_.init(XG_LOCK_POOLS);
	return true;
}

Error RefAllocator::misuse(enum xg_report what, GrantRef ref, Caller caller)
{
	fetch_add(&misused_, u64{1});
	xg_port_report(what, ref.raw, 0, caller.raw);
	return Error::misuse;
}

// --- CPU caches ---

Result<GrantRef> RefAllocator::alloc_fast(Pool &pool, unsigned cpu)
{
	return alloc_fast(pool, cpu, RefState::claimed,
			  [](GrantRef, u64 *, RefWord, CpuCache &) {});
}

// `word` is what the reference was last seen to be.
Status RefAllocator::put(GrantRef ref, RefWord word, unsigned cpu, bool ended)
{
	CpuCache &cache = caches_[word.pool().raw][cpu];
	{
		CacheUse use(cache);
		u32 used = load_relaxed(&cache.used);
		if (!use.granted() || used == cache_slots) [[unlikely]]
			return Error::busy;
		// The hint comes before the state: whoever sees the state can find the reference,
		// and whoever set `starving_` before the swap is seen after it.
		store_release(&cache.slots[used], ref.raw);
		store_release(&cache.used, used + 1);
		if (!ref_table.swap(ref.raw, word, word.with(RefState::cached))) [[unlikely]] {
			store_relaxed(&cache.used, used);
			return Error::misuse;
		}
		count(&cache.freed);
		if (ended)
			count(&cache.ended);
	}
	fence_after_swap();
	if (load_relaxed(&starving_)) [[unlikely]] {
		flush(pool(word.pool()), cache, 0);
		callbacks_.run();
	}
	return Done{};
}

Status RefAllocator::free_fast(GrantRef ref, RefState from, unsigned cpu)
{
	u64 *raw = ref_table.find(ref);
	if (!raw) [[unlikely]]
		return Error::busy;
	RefWord word{load_relaxed(raw)};
	if (word.state() != from) [[unlikely]]
		return Error::busy;
	// When somebody else was faster the slow way says what is wrong, and reports it.
	return put(ref, word, cpu).ok() ? Status(Done{}) : Error::busy;
}

Status RefAllocator::free_ended(GrantRef ref, RefWord word, unsigned cpu)
{
	return put(ref, word, cpu, true).ok() ? Status(Done{}) : Error::busy;
}

// Moves all but the first `keep` into the store. On the cache's own CPU.
void RefAllocator::flush(Pool &pool, CpuCache &cache, u32 keep)
{
	CacheUse use(cache);
	if (!use.granted())
		return;
	for (u32 used = load_relaxed(&cache.used); used > keep;) {
		u32 nr = smaller(used - keep, run_target);
		used -= nr;
		// The hints go last, so that other CPUs find all that is still cached.
		store_.collect(pool, cache.slots + used, nr);
		store_relaxed(&cache.used, used);
	}
}

// Takes what is in another CPU's cache, without its help.
void RefAllocator::drain(Pool &pool, CpuCache &cache)
{
	u32 used = load_acquire(&cache.used);
	for (u32 at = 0; at < used; at += run_target)
		store_.collect(pool, cache.slots + at, smaller(used - at, run_target));
}

void RefAllocator::freed_some(u32 free_now)
{
	fence_after_swap();
	if (load_relaxed(&starving_))
		callbacks_.run();
	else
		lease_.store_has(free_now);
}

void RefAllocator::drain_all()
{
	// Whoever fills a cache now without having seen `starving_` is done once we had the lock.
	(void)store_.free_count();
	for (Pool *pool : pools_)
		for (u32 cpu = 0; pool && cpu < cpus_; cpu++)
			drain(*pool, pool->caches[cpu]);
}

// --- taking, growing, looking everywhere ---

template <class Take>
[[gnu::always_inline]] inline Result<GrantRef>
RefAllocator::take_or_grow(Pool &pool, u32 count, bool contiguous, Take take)
{
	Result<GrantRef> taken = take();
	if (taken.ok()) [[likely]]
		return taken;
	return grow_and_take(pool, count, contiguous, take);
}

template <class Take>
Result<GrantRef> RefAllocator::grow_and_take(Pool &pool, u32 count, bool contiguous, Take take)
{
	Result<GrantRef> taken = Error::no_space;
	bool looked_everywhere = false;
	bool moving = false;
	for (int patience = 1000; patience; patience--) {
		u32 there = store_.available(pool);
		u32 missing = there < count ? count - there : contiguous ? count : 1;
		bool may_grow = count <= lease_.limit() && store_.account_allows(pool, count);
		if (may_grow && lease_.grow(missing)) {
			patience = 1000;
		} else if (!looked_everywhere) {
			looked_everywhere = true;
			starve();
			drain_all();
		} else if (!moving) {
			break;
		} else {
			xg_port_relax();
		}
		// What others are leasing counts against the limit before it is in the store; what
		// another long sequence has gathered may come back.
		moving = lease_.is_moving() || store_.is_undecided();
		taken = take();
		if (taken.ok())
			break;
	}
	if (looked_everywhere)
		feed();
	if (!taken.ok()) {
		fetch_add(&failed_, u64{1});
		// What was leased in vain is somebody else's chance.
		lease_.store_has(store_.free_count(), 0);
	}
	return taken;
}

// Takes one reference for the caller and, with it, a run for this CPU's cache.
Result<GrantRef> RefAllocator::refill(Pool &pool)
{
	unsigned cpu = xg_port_pin();
	Result<GrantRef> got = Error::no_space;
	{
		CpuCache &cache = pool.caches[cpu];
		CacheUse use(cache);
		// With an interrupted owner below no more than the one.
		bool mine = use.granted() && !load_relaxed(&cache.used);
		got = store_.take_one(pool, mine ? &cache : nullptr, &starving_);
		if (got.ok())
			count(&cache.allocated);
	}
	xg_port_unpin();
	return got;
}

Result<GrantRef> RefAllocator::alloc(Pool &pool)
{
	unsigned cpu = xg_port_pin();
	Result<GrantRef> got = alloc_fast(pool, cpu);
	xg_port_unpin();
	if (got.ok())
		return got;
	return take_or_grow(pool, 1, false, [&] { return refill(pool); });
}

// A reference that this CPU's cache cannot take: into the store by itself.
void RefAllocator::put_into_store(GrantRef ref, RefWord word)
{
	store_.put_runs(pool(word.pool()), {}, {ref.raw, ref.raw, 1});
}

Status RefAllocator::free(GrantRef ref, RefState from, Caller caller)
{
	u64 *raw = ref_table.find(ref);
	RefWord word{raw ? load_relaxed(raw) : 0};
	if (word.state() == RefState::unleased)
		return Error::not_leased;
	if (word.state() != from) {
		enum xg_report what =
		    word.state() == RefState::granted || word.state() == RefState::granting
			? XG_REPORT_FREE_OF_GRANTED
		    : word.state() == RefState::deferred ? XG_REPORT_FREE_OF_DEFERRED
							 : XG_REPORT_FREE_OF_FREE;
		return misuse(what, ref, caller);
	}

	unsigned cpu = xg_port_pin();
	Pool &owner = pool(word.pool());
	CpuCache &cache = owner.caches[cpu];
	if (load_relaxed(&cache.used) == cache_slots) {
		flush(owner, cache, cache_slots / 2);
		lease_.store_has(store_.free_count());
	}
	Status done = put(ref, word, cpu);
	xg_port_unpin();
	if (done.ok())
		return done;

	if (done.error() == Error::busy &&
	    ref_table.swap(ref.raw, word, RefWord::make(RefState::free, {0}, 0))) {
		put_into_store(ref, word);
		fence_after_swap();
		if (load_relaxed(&starving_))
			callbacks_.run();
		return Done{};
	}
	// It changed under us: somebody else freed or granted it at the same time.
	return misuse(XG_REPORT_FREE_OF_FREE, ref, caller);
}

// --- lists ---

Result<GrantRef> RefAllocator::alloc_list(Pool &pool, u32 count)
{
	return take_or_grow(pool, count, false, [&] { return store_.take_list(pool, count); });
}

// --- sequences ---

namespace
{

// How many of the references from `ref` up to `end` have their words side by side.
u32 in_segment(u32 ref, u32 end)
{
	u32 here = segment_refs - ref % segment_refs;
	return smaller(here, end - ref);
}

} // namespace

Result<GrantRef> RefAllocator::alloc_sequence(Pool &pool, u32 count)
{
	if (count > ref_table.size()) {
		fetch_add(&failed_, u64{1});
		return Error::no_space;
	}
	Result<GrantRef> first =
	    take_or_grow(pool, count, true, [&] { return store_.take_sequence(pool, count); });
	if (!first.ok()) {
		// Those who wait may have looked while a part of it was gathered.
		freed_some(store_.free_count());
		return first;
	}
	u64 claimed = RefWord::make(RefState::claimed, pool.id, 0).raw;
	for (u32 ref = first.value().raw, end = ref + count; ref < end;) {
		u64 *word = ref_table.word(ref);
		for (u32 left = in_segment(ref, end); left; left--, ref++)
			store_relaxed(word++, claimed);
	}
	return first;
}

Status RefAllocator::free_sequence(u32 *first, u32 *count, Caller caller)
{
	Status result = Done{};
	u32 free_now = 0;
	while (*count) {
		u64 *raw = ref_table.find({*first});
		RefWord word{raw ? load_relaxed(raw) : 0};
		if (word.state() == RefState::unleased) {
			result = Error::not_leased;
			break;
		}
		u64 freed = RefWord::make(RefState::free, {0}, 0).raw;
		// The first one decides between two that free the same sequence at once.
		if (word.state() != RefState::claimed || !compare_and_swap(raw, word.raw, freed)) {
			result = free({*first}, RefState::claimed, caller);
			++*first;
			--*count;
			continue;
		}
		u64 alike = RefWord::make(RefState::claimed, word.pool(), 0).raw >> 32;
		u32 length = 1;
		for (u32 most = in_segment(*first, *first + *count); length < most; length++) {
			if (load_relaxed(raw + length) >> 32 != alike)
				break;
			store_relaxed(raw + length, freed);
		}
		FreeStore::SequencePut put =
		    store_.put_sequence(pool(word.pool()), {*first}, length);
		free_now = put.free;
		if (put.twice) [[unlikely]]
			result = misuse(XG_REPORT_FREE_OF_FREE, {*first}, caller);
		*first += length;
		*count -= length;
	}
	freed_some(free_now);
	return result;
}

} // namespace xengnt

// SPDX-License-Identifier: GPL-2.0
//
// The C boundary: granting and ending.
#include "grant_entry.hh"
#include "parts.hh"

using namespace xengnt;

namespace
{

XG_RARE Error bad_frame(GrantRef ref, DomId domid, Caller caller)
{
	xg_port_report(XG_REPORT_GRANT_BAD_FRAME, ref.raw, domid.raw, caller.raw);
	return Error::bad_frame;
}

[[gnu::always_inline]] inline CpuCache &counters(RefWord word, unsigned cpu)
{
	return core.allocator.cache(word.pool(), cpu);
}

bool is_granted(RefWord word)
{
	return word.state() == RefState::granted || word.state() == RefState::granting;
}

// Opens the entry of a claimed reference; `open` writes it.
template <class Open>
[[gnu::always_inline]] inline Status grant(GrantRef ref, unsigned cpu, Caller caller, Open open)
{
	u64 *raw = ref_table.find(ref);
	RefWord word{raw ? load_relaxed(raw) : 0};
	if (word.state() != RefState::claimed) [[unlikely]] {
		if (word.state() == RefState::unleased)
			return Error::not_leased;
		return core.allocator.misuse(is_granted(word) ? XG_REPORT_GRANT_TWICE
							      : XG_REPORT_GRANT_UNCLAIMED,
					     ref, caller);
	}
	RefWord granting = word.next_generation(RefState::granting);
	if (!ref_table.swap(ref.raw, word, granting)) [[unlikely]]
		return core.allocator.misuse(XG_REPORT_GRANT_TWICE, ref, caller);
	open(ref_table.entry(ref.raw));
	store_release(raw, granting.with(RefState::granted).raw);
	count(&counters(word, cpu).granted);
	return Done{};
}

Status grant_page(GrantRef ref, unsigned cpu, DomId domid, Gfn frame, bool readonly, Caller caller)
{
	if (!ref_table.entry_holds(frame)) [[unlikely]]
		return xg_is_leased(ref.raw) ? bad_frame(ref, domid, caller) : Error::not_leased;
	return grant(ref, cpu, caller,
		     [=](GrantEntry entry) { entry_grant(entry, domid, frame, readonly); });
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

} // namespace

[[gnu::flatten]] int xg_grant(uint32_t ref, unsigned int cpu, uint16_t domid, uint64_t frame,
			      bool readonly, unsigned long caller)
{
	return number(grant_page({ref}, cpu, {domid}, {frame}, readonly, {caller}));
}

[[gnu::flatten]] int64_t xg_grant_new_fast(struct xg_pool *pool, unsigned int cpu, uint16_t domid,
					   uint64_t frame, bool readonly, unsigned long caller)
{
	if (!ref_table.entry_holds({frame})) [[unlikely]]
		return number(bad_frame(no_ref, {domid}, {caller}));
	return number(core.allocator.alloc_fast(
	    pool_of(pool), cpu, RefState::granting,
	    [=](GrantRef ref, u64 * raw, RefWord granting, CpuCache & cache)
		__attribute__((flatten)) {
			entry_grant(ref_table.entry(ref.raw), {domid}, {frame}, readonly);
			store_release(raw, granting.with(RefState::granted).raw);
			count(&cache.granted);
		}));
}

int64_t xg_grant_new(struct xg_pool *pool, uint16_t domid, uint64_t frame, bool readonly,
		     unsigned long caller)
{
	if (!ref_table.entry_holds({frame}))
		return number(bad_frame(no_ref, {domid}, {caller}));
	Result<GrantRef> ref = core.allocator.alloc(pool_of(pool));
	if (!ref.ok())
		return number(ref.error());
	unsigned cpu = xg_port_pin();
	(void)grant_page(ref.value(), cpu, {domid}, {frame}, readonly, {caller});
	xg_port_unpin();
	return ref.value().raw;
}

int xg_grant_part(uint32_t ref, unsigned int cpu, uint16_t domid, uint64_t frame, bool readonly,
		  uint16_t offset, uint16_t length, unsigned long caller)
{
	if (!ref_table.is_v2())
		return XG_UNSUPPORTED;
	if (!length || offset + length > XG_PORT_FRAME_SIZE)
		return XG_INVALID;
	if (!ref_table.entry_holds({frame}))
		return number(bad_frame({ref}, {domid}, {caller}));
	return number(grant({ref}, cpu, {caller}, [=](GrantEntry entry) {
		entry_grant_part(entry.v2(), {domid}, {frame}, readonly, {offset, length});
	}));
}

int xg_grant_transitive(uint32_t ref, unsigned int cpu, uint16_t domid, bool readonly,
			uint16_t source_domid, uint32_t source_ref, unsigned long caller)
{
	if (!ref_table.is_v2())
		return XG_UNSUPPORTED;
	return number(grant({ref}, cpu, {caller}, [=](GrantEntry entry) {
		entry_grant_transitive(entry.v2(), {domid}, readonly, {source_domid}, {source_ref});
	}));
}

namespace
{

// Another end at the same time has won, and may have granted it to somebody else since: what has
// been closed would be theirs.
XG_RARE int end_again(u32 ref, unsigned cpu, unsigned long caller)
{
	return xg_end(ref, cpu, caller);
}

} // namespace

int xg_end(uint32_t ref, unsigned int cpu, unsigned long caller)
{
	u64 *raw = ref_table.find({ref});
	RefWord word{raw ? load_acquire(raw) : 0};
	if (word.state() != RefState::granted) {
		Result<int> ended = end_ungranted({ref}, word, {caller});
		return ended.ok() ? ended.value() : number(ended.error());
	}
	if (!entry_end(ref_table.entry(ref)))
		return 0;
	if (!ref_table.swap(ref, word, word.with(RefState::claimed))) [[unlikely]]
		return end_again(ref, cpu, caller);
	count(&counters(word, cpu).ended);
	return 1;
}

[[gnu::flatten]] int xg_try_end_fast(uint32_t ref, unsigned int cpu)
{
	u64 *raw = ref_table.find({ref});
	RefWord word{raw ? load_acquire(raw) : 0};
	if (word.state() != RefState::granted)
		return XG_SLOW;
	if (!entry_end(ref_table.entry(ref)))
		return 0;
	// As it was seen before the end: else this could free what has been granted since.
	return core.allocator.free_ended({ref}, word, cpu).ok() ? 1 : XG_SLOW;
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
		kept = xg_port_page_of_frame(entry_frame(ref_table.entry(ref)).raw);
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
	return ended;
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
		return ended;
	}
	if (page)
		xg_port_page_put(page);
	fn(arg);
	return ended;
}

void xg_cancel_notice(struct xg_end_notice *notice)
{
	core.deferred.cancel(notice);
}

bool xg_end_unleased(uint32_t ref)
{
	return ref_table.reach_entry(ref) && entry_end(ref_table.entry(ref));
}

void *xg_keep_page_of(uint32_t ref)
{
	if (!ref_table.reach_entry(ref))
		return nullptr;
	return xg_port_page_of_frame(entry_frame(ref_table.entry(ref)).raw);
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
	count(&core.allocator.cache(pool_of(pool).id, cpu).granted, nr);
	xg_port_unpin();
	return XG_OK;
}

uint32_t xg_end_batch(uint32_t *refs, void **pages, uint32_t nr, unsigned long caller)
{
	constexpr u32 at_once = 64;
	u32 left[at_once];
	u32 foreign = 0;
	for (u32 done = 0; done < nr;) {
		u32 here = smaller(nr - done, at_once);
		u32 nr_left =
		    core.batches.end(refs + done, pages ? pages + done : nullptr, here, left);
		unsigned cpu = xg_port_pin();
		count(&core.allocator.cache(xg_default_pool()->id, cpu).ended, u64{here - nr_left});
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

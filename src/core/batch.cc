// SPDX-License-Identifier: GPL-2.0
#include "batch.hh"

namespace xengnt
{

namespace
{

constexpr u32 entries_per_barrier = 32;

} // namespace

Status Batches::grant(Pool &pool, DomId domid, const unsigned long *frames, u32 count,
		      bool readonly, u32 *refs)
{
	for (u32 i = 0; i < count; i++)
		if (!ref_table.entry_holds({frames[i]}))
			return Error::bad_frame;
	Result<GrantRef> list = allocator_.alloc_list(pool, count);
	if (!list.ok())
		return list.error();

	// The list is nobody else's: its members can be taken in order, without a claim each.
	u32 ref = list.value().raw;
	for (u32 done = 0; done < count;) {
		u32 first = done;
		for (; done < count && done - first < entries_per_barrier; done++) {
			u32 next = ref_table.read(ref).link();
			entry_prepare(ref_table.entry(ref), domid, {frames[done]});
			refs[done] = ref;
			ref = next;
		}
		entries_prepared();
		// Until its entry is open a member is on the list, and nobody can end it.
		for (u32 i = first; i < done; i++) {
			entry_open(ref_table.entry(refs[i]), readonly);
			store_release(ref_table.word(refs[i]),
				      RefWord::make(RefState::granted, pool.id, 0).raw);
		}
	}
	return Done{};
}

u32 Batches::end(const u32 *refs, void *const *pages, u32 count, u32 *left)
{
	u32 nr_left = 0;
	u32 free_now = 0;
	Run run;
	PoolId owner{0};
	auto hand_over = [&] {
		if (run.count)
			free_now = store_.put_runs(allocator_.pool(owner), {}, run);
		run = {};
	};

	for (u32 i = 0; i < count; i++) {
		u64 *raw = ref_table.find({refs[i]});
		RefWord word{raw ? load_acquire(raw) : 0};
		if (word.state() == RefState::granted && word.pool() != owner) {
			hand_over();
			owner = word.pool();
		}
		if (word.state() != RefState::granted || !entry_end(ref_table.entry(refs[i])) ||
		    !ref_table.swap(refs[i], word, RefWord::make(RefState::free, {0}, run.head))) {
			left[nr_left++] = i;
			continue;
		}
		run.head = refs[i];
		if (!run.count++)
			run.tail = refs[i];
		if (run.count == run_target)
			hand_over();
		if (pages && pages[i])
			xg_port_page_put(pages[i]);
	}
	hand_over();
	allocator_.freed_some(free_now);
	return nr_left;
}

} // namespace xengnt

// SPDX-License-Identifier: GPL-2.0
#include "ref_table.hh"

namespace xengnt
{

constinit RefTable ref_table{};

void RefTable::destroy()
{
	for (u32 i = 0; i < max_segments; i++) {
		void *pages[] = {words_[i], notes_[2 * i], notes_[2 * i + 1]};
		for (void *page : pages)
			if (page)
				xg_port_page_free(page);
		words_[i] = nullptr;
		notes_[2 * i] = notes_[2 * i + 1] = nullptr;
		entries_[i] = nullptr;
	}
	nr_refs_ = 0;
}

// Several CPUs may prepare the same segment at once: the first page in stays.
bool RefTable::install(void **where, void *page)
{
	if (!page)
		return false;
	void *expected = nullptr;
	if (!__atomic_compare_exchange_n(where, &expected, page, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		xg_port_page_free(page);
	return true;
}

bool RefTable::prepare(GrantRef ref)
{
	if (ref.raw >= nr_refs_)
		return false;
	u32 segment = ref.raw / segment_refs;
	if (load_acquire(&words_[segment]))
		return true;
	// The words come last: whoever sees them sees the rest.
	if (!load_acquire(&entries_[segment])) {
		void *frame = xg_port_table_frame(segment);
		if (!frame)
			return false;
		store_release(&entries_[segment], static_cast<EntryV1 *>(frame));
	}
	for (u32 half = 2 * segment; half < 2 * segment + 2; half++)
		if (!load_acquire(&notes_[half]) &&
		    !install(reinterpret_cast<void **>(&notes_[half]), xg_port_page_alloc()))
			return false;
	return install(reinterpret_cast<void **>(&words_[segment]), xg_port_page_alloc());
}

} // namespace xengnt

// SPDX-License-Identifier: GPL-2.0
#include "ref_table.hh"

namespace xengnt
{

bool RefTable::create(u32 refs)
{
	u32 segments = (refs + segment_refs - 1) / segment_refs;
	segments_ = static_cast<Segment *>(xg_port_alloc(segments * sizeof(Segment)));
	if (!segments_)
		return false;
	nr_refs_ = refs;
	return true;
}

void RefTable::destroy()
{
	for (u32 i = 0; i * segment_refs < nr_refs_; i++) {
		Segment &segment = segments_[i];
		void *pages[] = {segment.words, segment.notes[0], segment.notes[1]};
		for (void *page : pages)
			if (page)
				xg_port_page_free(page);
	}
	xg_port_free(segments_);
	segments_ = nullptr;
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
	Segment &segment = segments_[ref.raw / segment_refs];
	if (load_acquire(&segment.words))
		return true;
	// The words come last: whoever sees them sees the rest.
	if (!load_acquire(&segment.entries)) {
		void *frame = xg_port_table_frame(ref.raw / segment_refs);
		if (!frame)
			return false;
		store_release(&segment.entries, static_cast<EntryV1 *>(frame));
	}
	for (RefNote *&notes : segment.notes)
		if (!load_acquire(&notes) && !install(reinterpret_cast<void **>(&notes),
						      xg_port_page_alloc()))
			return false;
	return install(reinterpret_cast<void **>(&segment.words), xg_port_page_alloc());
}

} // namespace xengnt

// SPDX-License-Identifier: GPL-2.0
//
// What the random driver grants and ends, and what its backend does with it.
#include "driver.hh"

namespace sim
{

void Driver::grant(uint32_t which, uint32_t amount)
{
	Page *page = claimed_.empty() ? nullptr : w_.pages.alloc();
	if (!page)
		return;
	uint32_t ref = take(claimed_, which);
	auto domid = static_cast<uint16_t>(1 + amount % 3);
	expect(w_.grant(ref, domid, page, amount & 8) == XG_OK, "what is claimed can be granted");
	grants_[ref] = {page, domid};
	granted_.push_back(ref);
}

void Driver::grant_new(uint32_t amount)
{
	Page *page = w_.pages.alloc();
	if (!page)
		return;
	auto domid = static_cast<uint16_t>(1 + amount % 3);
	int64_t ref = w_.grant_new(domid, page, amount & 8);
	if (ref < 0) {
		w_.pages.put(page);
		return refused(ref, 1);
	}
	got(ref);
	grants_[static_cast<uint32_t>(ref)] = {page, domid};
	granted_.push_back(static_cast<uint32_t>(ref));
}

void Driver::end(uint32_t which, uint32_t how)
{
	if (granted_.empty())
		return;
	// Forgotten before the call: a callback that runs inside may be given the reference.
	uint32_t ref = take(granted_, which);
	Granted grant = grants_[ref];
	grants_.erase(ref);
	bool busy = w_.xen.maps(ref);
	bool frees = how % 4 != 1;
	if (frees)
		lost(ref);
	if (how % 4 >= 2) {
		// With NULL a page of its own is held when busy; ours we may put at once.
		bool with_page = how % 4 == 2 || faulty_;
		int result = w_.end_and_put(ref, with_page ? grant.page : nullptr);
		expect(result == XG_OK, "an end is done or deferred");
		if (!with_page)
			w_.pages.put(grant.page);
		return;
	}
	int result = frees ? w_.try_end(ref) : w_.end(ref);
	expect(result == !busy, "an end is refused when, and only when, it is mapped");
	if (busy) {
		ours_[ref] = true;
		grants_[ref] = grant;
		granted_.push_back(ref);
		return;
	}
	w_.pages.put(grant.page);
	if (!frees)
		claimed_.push_back(ref);
}

void Driver::map(uint32_t which, uint32_t amount)
{
	// Mostly what is granted, now and then whatever the backend comes up with.
	uint32_t ref = amount % 8 && !granted_.empty() ? granted_[which % granted_.size()]
						       : which % w_.config.table_refs;
	auto domid = static_cast<uint16_t>(1 + amount / 8 % 3);
	bool readonly = amount & 1;
	if (amount % 16 == 5)
		return void(w_.xen.copy(ref, domid, readonly));
	if (w_.xen.map(ref, domid, readonly))
		mappings_.push_back({ref, domid, readonly});
}

void Driver::unmap(uint32_t which)
{
	if (mappings_.empty())
		return;
	Mapping mapping = take(mappings_, which);
	expect(w_.xen.unmap(mapping.ref, mapping.domid, mapping.readonly),
	       "Xen unmaps what is mapped");
}

} // namespace sim

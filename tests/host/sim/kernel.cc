// SPDX-License-Identifier: GPL-2.0
#include "kernel.hh"

#include <algorithm>

namespace sim
{

Kernel::Kernel(Verdict &verdict, Xen &xen, Pages &pages, uint32_t limit)
    : verdict_(verdict), xen_(xen), pages_(pages), owner_(limit, Owner::nobody),
      links_(limit, no_ref), grown_(first_ref), limit_(limit)
{
}

// The table grows frame by frame; the first ones freed are the first of the frame.
bool Kernel::grow_to(size_t count)
{
	while (free_.size() < count && grown_ < limit_) {
		uint32_t end =
		    std::min(limit_, (grown_ / xen_.frame_refs() + 1) * xen_.frame_refs());
		std::vector<uint32_t> more;
		for (uint32_t ref = end; ref-- > grown_;) {
			owner_[ref] = Owner::free;
			more.push_back(ref);
		}
		// What was free before is handed out first.
		more.insert(more.end(), free_.begin(), free_.end());
		free_.swap(more);
		grown_ = end;
	}
	return free_.size() >= count;
}

void Kernel::change(uint32_t ref, Owner from, Owner to)
{
	if (ref >= owner_.size() || owner_[ref] != from) {
		verdict_.broken("reference " + std::to_string(ref) + " is not whose it should be");
		return;
	}
	owner_[ref] = to;
	if (to == Owner::free) {
		if (!xen_.is_idle(ref))
			verdict_.broken("reference " + std::to_string(ref) + " comes back open");
		free_.push_back(ref);
	}
	leased_ += (to == Owner::leased) - (from == Owner::leased);
}

void Kernel::check_watch()
{
	if (!watch_ || free_.size() < watch_)
		return;
	watch_ = 0;
	xg_kernel_has_room();
}

unsigned Kernel::lease(unsigned count, uint32_t *refs)
{
	KernelLock lock(mutex_);
	if (!count || count > XG_LEASE_BATCH)
		verdict_.broken("a lease of " + std::to_string(count));
	if (!grow_to(count))
		return 0;
	for (unsigned i = 0; i < count; i++) {
		refs[i] = free_.back();
		free_.pop_back();
		change(refs[i], Owner::free, Owner::leased);
	}
	return count;
}

void Kernel::unlease(const uint32_t *refs, unsigned count)
{
	KernelLock lock(mutex_);
	if (!count)
		verdict_.broken("nothing is given back");
	for (unsigned i = 0; i < count; i++)
		change(refs[i], Owner::leased, Owner::free);
	check_watch();
}

void Kernel::watch(unsigned count)
{
	KernelLock lock(mutex_);
	watch_ = count;
	check_watch();
}

void Kernel::hand_over(uint32_t ref, Page *page)
{
	{
		KernelLock lock(mutex_);
		change(ref, Owner::leased, Owner::deferred);
		if (!page && xen_.exists(ref))
			page = pages_.get(xen_.frame_of(ref));
		deferred_.push_back({ref, page});
	}
	look_at_deferred();
}

size_t Kernel::drivers_take(size_t count)
{
	KernelLock lock(mutex_);
	grow_to(count);
	for (; count && !free_.empty(); count--) {
		drivers_.push_back(free_.back());
		free_.pop_back();
		change(drivers_.back(), Owner::free, Owner::drivers);
	}
	return drivers_.size();
}

void Kernel::drivers_free(size_t count)
{
	KernelLock lock(mutex_);
	for (; count && !drivers_.empty(); count--) {
		change(drivers_.back(), Owner::drivers, Owner::free);
		drivers_.pop_back();
		check_watch();
	}
}

bool Kernel::is_drivers(uint32_t ref) const
{
	return ref < owner_.size() && owner_[ref] == Owner::drivers;
}

bool Kernel::is_held_by_driver(uint32_t ref) const
{
	KernelLock lock(mutex_);
	return is_drivers(ref);
}

bool Kernel::alloc_list(unsigned count, uint32_t *head)
{
	KernelLock lock(mutex_);
	if (!grow_to(count))
		return false;
	*head = no_ref;
	for (unsigned i = 0; i < count; i++) {
		uint32_t ref = free_.back();
		free_.pop_back();
		change(ref, Owner::free, Owner::drivers);
		links_[ref] = *head;
		*head = ref;
	}
	return true;
}

int64_t Kernel::claim(uint32_t *head)
{
	KernelLock lock(mutex_);
	uint32_t ref = *head;
	if (!is_drivers(ref))
		return -1;
	*head = links_[ref];
	return ref;
}

bool Kernel::release(uint32_t *head, uint32_t ref)
{
	KernelLock lock(mutex_);
	if (!is_drivers(ref))
		return false;
	links_[ref] = *head;
	*head = ref;
	return true;
}

void Kernel::free_list(uint32_t head)
{
	KernelLock lock(mutex_);
	for (size_t members = 0; head != no_ref; members++) {
		if (!is_drivers(head) || members > limit_) {
			verdict_.broken("the kernel frees a list with reference " +
					std::to_string(head) + ", which is not its own");
			return;
		}
		uint32_t next = links_[head];
		change(head, Owner::drivers, Owner::free);
		head = next;
	}
	check_watch();
}

void Kernel::look_at_deferred()
{
	std::vector<Page *> ended;
	{
		KernelLock lock(mutex_);
		std::vector<Deferred> busy;
		for (const Deferred &end : deferred_) {
			if (!xen_.exists(end.ref) || !entry_end(xen_.entry(end.ref))) {
				busy.push_back(end);
				continue;
			}
			if (end.page)
				ended.push_back(end.page);
			change(end.ref, Owner::deferred, Owner::free);
		}
		deferred_.swap(busy);
	}
	for (Page *page : ended)
		pages_.put(page);
}

bool Kernel::is_leased(uint32_t ref) const
{
	std::lock_guard guard(mutex_);
	return ref < owner_.size() && owner_[ref] == Owner::leased;
}

size_t Kernel::leased() const
{
	std::lock_guard guard(mutex_);
	return leased_;
}

size_t Kernel::free_count() const
{
	std::lock_guard guard(mutex_);
	return free_.size();
}

size_t Kernel::could_lease() const
{
	std::lock_guard guard(mutex_);
	return free_.size() + (limit_ - grown_);
}

size_t Kernel::deferred() const
{
	std::lock_guard guard(mutex_);
	return deferred_.size();
}

unsigned Kernel::watched() const
{
	std::lock_guard guard(mutex_);
	return watch_;
}

} // namespace sim

// SPDX-License-Identifier: GPL-2.0
#include "xen.hh"

#include <cstdlib>
#include <cstring>

#include "core/grant_entry.hh"
#include "pages.hh"

namespace sim
{

using namespace xengnt;

namespace
{

constexpr uint16_t type_mask = 3;

EntryV1 *entry_at(void *frame, uint32_t ref)
{
	return static_cast<EntryV1 *>(frame) + ref % 512;
}

} // namespace

Xen::Xen(Verdict &verdict, uint32_t table_refs)
    : verdict_(verdict), frames_((table_refs + 511) / 512), active_(frames_.size() * 512)
{
	for (void *&frame : frames_) {
		frame = std::aligned_alloc(4096, 4096);
		std::memset(frame, 0, 4096);
	}
}

Xen::~Xen()
{
	for (void *frame : frames_)
		std::free(frame);
}

uint16_t *Xen::flags(uint32_t ref) const
{
	return &entry_at(frames_[ref / 512], ref)->flags;
}

uint16_t *Xen::domid(uint32_t ref) const
{
	return &entry_at(frames_[ref / 512], ref)->domid;
}

uint32_t *Xen::frame_of(uint32_t ref) const
{
	return &entry_at(frames_[ref / 512], ref)->frame;
}

bool Xen::is_open(uint32_t ref, uint64_t frame) const
{
	uint16_t now = load_acquire(flags(ref));
	return load_relaxed(frame_of(ref)) == frame &&
	       now & (type_mask | entry_reading | entry_writing);
}

bool Xen::is_idle(uint32_t ref) const
{
	return !(load_acquire(flags(ref)) & (type_mask | entry_reading | entry_writing));
}

// Flags and domid are looked at and changed as one word, as Xen does it.
bool Xen::set_status(uint32_t ref, uint16_t domid, bool readonly)
{
	auto *both = reinterpret_cast<uint32_t *>(flags(ref));
	for (;;) {
		uint32_t seen = load_acquire(both);
		auto now = static_cast<uint16_t>(seen);
		if ((now & type_mask) != entry_permit_access || seen >> 16 != domid)
			return false;
		if (!readonly && now & entry_readonly)
			return false;
		uint32_t bits = readonly ? u32{entry_reading} : entry_reading | entry_writing;
		if (compare_and_swap(both, seen, seen | bits))
			return true;
	}
}

void Xen::clear_status(uint32_t ref, uint16_t bits)
{
	__atomic_fetch_and(flags(ref), static_cast<uint16_t>(~bits), __ATOMIC_SEQ_CST);
}

bool Xen::pin(uint32_t ref, uint16_t domid, bool readonly)
{
	if (ref >= active_.size())
		return false;
	Active &active = active_[ref];
	bool in_use = active.readers || active.writers;
	if (in_use && active.domid != domid)
		return false;
	if (!in_use || (!readonly && !active.writers)) {
		if (!set_status(ref, domid, readonly))
			return false;
		if (!in_use) {
			active.domid = domid;
			active.frame = load_relaxed(frame_of(ref));
		}
	}
	(readonly ? active.readers : active.writers)++;
	if (Page *page = pages_->find(active.frame)) {
		page->maps++;
		if (page->owners <= 0)
			verdict_.broken("the other side maps a page that is free, reference " +
					std::to_string(ref));
	}
	return true;
}

void Xen::unpin(uint32_t ref, bool readonly)
{
	Active &active = active_[ref];
	if (Page *page = pages_->find(active.frame))
		page->maps--;
	uint16_t done = 0;
	if (!readonly && --active.writers == 0)
		done |= entry_writing;
	if (readonly)
		active.readers--;
	if (!active.readers && !active.writers)
		done |= entry_reading;
	if (done)
		clear_status(ref, done);
}

bool Xen::map(uint32_t ref, uint16_t domid, bool readonly)
{
	std::lock_guard guard(mutex_);
	return pin(ref, domid, readonly);
}

bool Xen::unmap(uint32_t ref, uint16_t domid, bool readonly)
{
	std::lock_guard guard(mutex_);
	Active &active = active_[ref];
	if (!(readonly ? active.readers : active.writers) || active.domid != domid)
		return false;
	unpin(ref, readonly);
	return true;
}

bool Xen::copy(uint32_t ref, uint16_t domid, bool write)
{
	std::lock_guard guard(mutex_);
	if (!pin(ref, domid, !write))
		return false;
	unpin(ref, !write);
	return true;
}

unsigned Xen::maps(uint32_t ref)
{
	std::lock_guard guard(mutex_);
	return active_[ref].readers + active_[ref].writers;
}

void Xen::start_anew()
{
	std::lock_guard guard(mutex_);
	for (Active &active : active_) {
		if (Page *page = pages_->find(active.frame))
			page->maps -= static_cast<int>(active.readers + active.writers);
		active = {};
	}
	for (void *frame : frames_)
		std::memset(frame, 0, 4096);
}

void Xen::scribble(uint32_t ref, uint64_t garbage)
{
	EntryV1 *entry = entry_at(frames_[ref / 512], ref);
	store_relaxed(&entry->domid, static_cast<u16>(garbage));
	store_relaxed(&entry->frame, static_cast<u32>(garbage >> 16));
}

} // namespace sim

// SPDX-License-Identifier: GPL-2.0
#include "xen.hh"

#include <cstdlib>
#include <cstring>

#include "core/grant_entry.hh"
#include "hooks.hh"
#include "pages.hh"

namespace sim
{

using namespace xengnt;

namespace
{

// Interrupts of the guest's CPU that acts for the other side here have nothing to do with it.
class XenLock
{
	std::mutex &mutex_;

public:
	explicit XenLock(std::mutex &mutex) : mutex_(mutex)
	{
		context().irqs_off++;
		hooks::host_lock_acquire(mutex_);
	}
	XenLock(const XenLock &) = delete;
	XenLock &operator=(const XenLock &) = delete;
	~XenLock()
	{
		hooks::host_lock_release(mutex_);
		context().irqs_off--;
	}
};

constexpr uint16_t in_use = entry_reading | entry_writing;

void *new_frame()
{
	void *frame = std::aligned_alloc(XG_PORT_FRAME_SIZE, XG_PORT_FRAME_SIZE);
	std::memset(frame, 0, XG_PORT_FRAME_SIZE);
	return frame;
}

// Whether flags and domid, read as one word, let this domain have the page.
bool allows(uint32_t header, uint16_t domid, uint16_t bits)
{
	auto flags = static_cast<uint16_t>(header);
	if ((flags & entry_type) != entry_permit_access || header >> 16 != domid)
		return false;
	return !(bits & entry_writing && flags & entry_readonly);
}

} // namespace

Xen::Xen(Verdict &verdict, uint32_t table_refs, unsigned version)
    : verdict_(verdict), is_v2_(version == 2)
{
	for (uint32_t ref = 0; ref < table_refs; ref += frame_refs())
		frames_.push_back(new_frame());
	change_version(version);
	active_.resize(frames_.size() * frame_refs());
}

Xen::~Xen()
{
	for (const auto &frames : {frames_, status_frames_})
		for (void *frame : frames)
			std::free(frame);
}

void *Xen::frame(uint32_t index) const
{
	if (index >= frames_.size() || index >= frame_limit_ || index == hidden_frame_)
		return nullptr;
	return frames_[index];
}

void *Xen::status_frame(uint32_t index) const
{
	if (index >= status_frames_.size() || index == hidden_status_frame_)
		return nullptr;
	return status_frames_[index];
}

void Xen::change_version(unsigned version)
{
	is_v2_ = version == 2;
	size_t statuses = frames_.size() * frame_refs() * sizeof(EntryStatus);
	while (is_v2_ && status_frames_.size() * XG_PORT_FRAME_SIZE < statuses)
		status_frames_.push_back(new_frame());
}

uint32_t Xen::frame_refs() const
{
	return XG_PORT_FRAME_SIZE / (is_v2_ ? sizeof(EntryV2) : sizeof(EntryV1));
}

GrantEntry Xen::entry(uint32_t ref) const
{
	void *frame = frames_[ref / frame_refs()];
	if (!is_v2_)
		return {static_cast<EntryV1 *>(frame) + ref % frame_refs(), nullptr};
	return {static_cast<EntryV2 *>(frame) + ref % frame_refs(), status(ref)};
}

uint16_t *Xen::flags(uint32_t ref) const
{
	return static_cast<uint16_t *>(entry(ref).shared);
}

uint16_t *Xen::status(uint32_t ref) const
{
	if (!is_v2_)
		return flags(ref);
	constexpr uint32_t per_frame = XG_PORT_FRAME_SIZE / sizeof(EntryStatus);
	return static_cast<EntryStatus *>(status_frames_[ref / per_frame]) + ref % per_frame;
}

// Xen's own counts say what is in use: status bits may be set for a moment on behalf of a domain
// that will be refused.
bool Xen::is_open(uint32_t ref, uint64_t frame)
{
	// In this order: a reference that is open for another page by now has that page's frame.
	return exists(ref) && !is_idle(ref) && frame_of(ref) == frame;
}

bool Xen::is_idle(uint32_t ref)
{
	return !exists(ref) || (!(load_acquire(flags(ref)) & entry_type) && !maps(ref));
}

// Flags and domid are looked at and changed as one word.
bool Xen::set_status_v1(uint32_t ref, uint16_t domid, uint16_t bits)
{
	auto *header = reinterpret_cast<uint32_t *>(flags(ref));
	for (;;) {
		uint32_t seen = load_acquire(header);
		if (!allows(seen, domid, bits))
			return false;
		if (compare_and_swap(header, seen, seen | bits))
			return true;
	}
}

// The guest clears the flags and then looks at the status: so the flags are looked at again once
// the status is set.
bool Xen::set_status_v2(uint32_t ref, uint16_t domid, uint16_t bits)
{
	auto *header = reinterpret_cast<uint32_t *>(flags(ref));
	if (!allows(load_acquire(header), domid, bits))
		return false;
	uint16_t before = __atomic_fetch_or(status(ref), bits, __ATOMIC_SEQ_CST);
	full_barrier();
	if (allows(load_acquire(header), domid, bits))
		return true;
	clear_status(ref, static_cast<uint16_t>(bits & ~before));
	return false;
}

void Xen::clear_status(uint32_t ref, uint16_t bits)
{
	__atomic_fetch_and(status(ref), static_cast<uint16_t>(~bits), __ATOMIC_SEQ_CST);
}

bool Xen::pin(uint32_t ref, uint16_t domid, bool readonly)
{
	if (!exists(ref))
		return false;
	Active &active = active_[ref];
	bool mapped = active.readers || active.writers;
	if (mapped && active.domid != domid)
		return false;
	if (!mapped || (!readonly && !active.writers)) {
		uint16_t bits = readonly ? uint16_t{entry_reading} : in_use;
		if (!(is_v2_ ? set_status_v2(ref, domid, bits) : set_status_v1(ref, domid, bits)))
			return false;
		if (!mapped) {
			active.domid = domid;
			active.frame = frame_of(ref);
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
	XenLock lock(mutex_);
	return pin(ref, domid, readonly);
}

bool Xen::unmap(uint32_t ref, uint16_t domid, bool readonly)
{
	XenLock lock(mutex_);
	Active &active = active_[ref];
	if (!(readonly ? active.readers : active.writers) || active.domid != domid)
		return false;
	unpin(ref, readonly);
	return true;
}

bool Xen::copy(uint32_t ref, uint16_t domid, bool write)
{
	XenLock lock(mutex_);
	if (!pin(ref, domid, !write))
		return false;
	unpin(ref, !write);
	return true;
}

unsigned Xen::maps(uint32_t ref)
{
	XenLock lock(mutex_);
	return active_[ref].readers + active_[ref].writers;
}

void Xen::start_anew()
{
	XenLock lock(mutex_);
	started_anew_ = true;
	for (Active &active : active_) {
		if (Page *page = pages_->find(active.frame))
			page->maps -= static_cast<int>(active.readers + active.writers);
		active = {};
	}
	for (const auto &frames : {frames_, status_frames_})
		for (void *frame : frames)
			std::memset(frame, 0, XG_PORT_FRAME_SIZE);
}

void Xen::scribble(uint32_t ref, uint64_t garbage)
{
	GrantEntry at = entry(ref);
	if (is_v2_) {
		store_relaxed(&at.v2()->domid, static_cast<u16>(garbage));
		store_relaxed(&at.v2()->frame, garbage >> 16);
		return;
	}
	store_relaxed(&at.v1()->domid, static_cast<u16>(garbage));
	store_relaxed(&at.v1()->frame, static_cast<u32>(garbage >> 16));
}

} // namespace sim

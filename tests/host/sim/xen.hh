// SPDX-License-Identifier: GPL-2.0
//
// Xen's side of a grant table of either version, as its public interface describes it. Version 1:
// status bits set by compare-and-swap on the entry. Version 2: status bits set in a word of their
// own, then the entry looked at once more. Both under a lock of Xen's that the guest cannot see.
// The other domain, friendly or not, acts through map(), unmap() and copy().
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "core/grant_entry.hh"
#include "host.hh"

namespace sim
{

class Pages;

class Xen
{
	// What Xen keeps about a reference that is in use.
	struct Active {
		unsigned readers = 0;
		unsigned writers = 0;
		uint16_t domid = 0;
		uint64_t frame = 0;
	};

	Verdict &verdict_;
	Pages *pages_ = nullptr;
	bool started_anew_ = false;
	bool is_v2_;
	uint32_t frame_limit_ = ~0u;
	uint32_t hidden_frame_ = ~0u;
	uint32_t hidden_status_frame_ = ~0u;
	std::vector<void *> frames_;
	std::vector<void *> status_frames_;
	std::vector<Active> active_;
	std::mutex mutex_;

	bool set_status_v1(uint32_t ref, uint16_t domid, uint16_t bits);
	bool set_status_v2(uint32_t ref, uint16_t domid, uint16_t bits);
	void clear_status(uint32_t ref, uint16_t bits);
	bool pin(uint32_t ref, uint16_t domid, bool readonly);
	void unpin(uint32_t ref, bool readonly);

public:
	Xen(Verdict &verdict, uint32_t table_refs, unsigned version);
	~Xen();
	void connect(Pages &pages) { pages_ = &pages; }

	bool is_v2() const { return is_v2_; }
	uint32_t frame_refs() const;
	// Null beyond the table.
	void *frame(uint32_t index) const;
	void *status_frame(uint32_t index) const;
	// Whether the table has no such frame now; one that only cannot be mapped is there.
	bool is_gone(uint32_t index) const
	{
		return index >= frames_.size() || index >= frame_limit_;
	}
	// What a suspend may change: how many frames there are, the version. The frames stay.
	void limit_frames(uint32_t frames) { frame_limit_ = frames; }
	// One that the guest cannot map now; ~0: all can be mapped.
	void hide_frame(uint32_t index) { hidden_frame_ = index; }
	void hide_status_frame(uint32_t index) { hidden_status_frame_ = index; }
	void change_version(unsigned version);
	// Whether the table has an entry of that number.
	bool exists(uint32_t ref) const { return ref / frame_refs() < frames_.size(); }
	xengnt::GrantEntry entry(uint32_t ref) const;
	uint16_t *flags(uint32_t ref) const;
	uint16_t domid(uint32_t ref) const { return entry_domid(entry(ref)).raw; }
	uint64_t frame_of(uint32_t ref) const { return entry_frame(entry(ref)).raw; }
	// Where the bits for reading and writing are.
	uint16_t *status(uint32_t ref) const;

	// Is the entry valid for that frame, or in use?
	bool is_open(uint32_t ref, uint64_t frame);
	// May the entry be given away: closed and not in use?
	bool is_idle(uint32_t ref);

	// What domain `domid` asks for; false: refused.
	bool map(uint32_t ref, uint16_t domid, bool readonly);
	bool unmap(uint32_t ref, uint16_t domid, bool readonly);
	bool copy(uint32_t ref, uint16_t domid, bool write);
	unsigned maps(uint32_t ref);
	// As after a save and a restore: an empty table, and nobody has anything mapped.
	void start_anew();
	bool was_started_anew() const { return started_anew_; }
	// Garbage in an entry that grants nothing: nobody may take it for a grant.
	void scribble(uint32_t ref, uint64_t garbage);
};

} // namespace sim

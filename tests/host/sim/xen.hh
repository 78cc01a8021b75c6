// SPDX-License-Identifier: GPL-2.0
//
// Xen's side of a version 1 grant table, as its public interface describes it: status bits set and
// cleared by compare-and-swap on the entry, under a lock of Xen's own that the guest cannot see.
// The other domain, friendly or not, acts through map(), unmap() and copy().
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

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
	std::vector<void *> frames_;
	std::vector<Active> active_;
	std::mutex mutex_;

	bool set_status(uint32_t ref, uint16_t domid, bool readonly);
	void clear_status(uint32_t ref, uint16_t bits);
	bool pin(uint32_t ref, uint16_t domid, bool readonly);
	void unpin(uint32_t ref, bool readonly);

public:
	Xen(Verdict &verdict, uint32_t table_refs);
	~Xen();
	void connect(Pages &pages) { pages_ = &pages; }

	void *frame(uint32_t index) const { return frames_[index]; }
	uint16_t *flags(uint32_t ref) const;
	uint16_t *domid(uint32_t ref) const;
	uint32_t *frame_of(uint32_t ref) const;

	// Is the entry valid for that frame, or in use?
	bool is_open(uint32_t ref, uint64_t frame) const;
	// May the entry be given away: closed and not in use?
	bool is_idle(uint32_t ref) const;

	// What domain `domid` asks for; false: refused.
	bool map(uint32_t ref, uint16_t domid, bool readonly);
	bool unmap(uint32_t ref, uint16_t domid, bool readonly);
	bool copy(uint32_t ref, uint16_t domid, bool write);
	unsigned maps(uint32_t ref);
	// As after a save and a restore: an empty table, and nobody has anything mapped.
	void start_anew();
	// Garbage in an entry that grants nothing: nobody may take it for a grant.
	void scribble(uint32_t ref, uint64_t garbage);
};

} // namespace sim

// SPDX-License-Identifier: GPL-2.0
//
// The guest's pages: who owns each, who has it mapped, and that none is freed while the other side
// can reach it.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "host.hh"

namespace sim
{

struct Page {
	uint64_t frame = 0;
	std::atomic<int> owners{0};
	std::atomic<int> maps{0}; // by the other side
};

class Xen;

class Pages
{
	static constexpr uint64_t first_frame = 0x10000;

	Verdict &verdict_;
	Xen &xen_;
	std::vector<Page> pages_;
	std::mutex mutex_;
	std::vector<Page *> free_;                  // last in, first out: reuse comes quickly
	std::vector<std::vector<uint32_t>> grants_; // by page: references it was granted with

	size_t index(const Page *page) const { return page - pages_.data(); }

public:
	Pages(Verdict &verdict, Xen &xen, size_t count);

	// A page with one owner, or nullptr when all are in use.
	Page *alloc();
	void put(Page *page);
	// The page behind a frame with one owner more; nullptr for a frame that is none or is free.
	Page *get(uint64_t frame);
	// The page behind a frame, its owners as they are.
	Page *find(uint64_t frame);
	void note_grant(const Page *page, uint32_t ref);
	size_t in_use();
};

} // namespace sim

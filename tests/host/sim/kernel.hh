// SPDX-License-Identifier: GPL-2.0
//
// The kernel's own grant-table allocator, from which the core leases: a free list over a table that
// grows up to a bound, other drivers that use it too, one free callback, its own deferred ends.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "host.hh"
#include "pages.hh"
#include "xen.hh"

namespace sim
{

class Kernel
{
	enum class Owner : uint8_t { nobody, free, drivers, leased, deferred };
	struct Deferred {
		uint32_t ref;
		Page *page;
	};

	Verdict &verdict_;
	Xen &xen_;
	Pages &pages_;
	mutable std::mutex mutex_;
	std::vector<uint32_t> free_;
	std::vector<Owner> owner_;
	std::vector<uint32_t> links_;   // what follows on a private list
	std::vector<uint32_t> drivers_; // taken by other drivers of the kernel
	std::vector<Deferred> deferred_;
	uint32_t grown_; // entries that the table has now
	uint32_t limit_;
	uint32_t watch_ = 0;
	size_t leased_ = 0;

	bool grow_to(size_t count);
	void change(uint32_t ref, Owner from, Owner to);
	void check_watch();
	bool is_drivers(uint32_t ref) const;

public:
	static constexpr uint32_t first_ref = 8; // those below are Xen's

	Kernel(Verdict &verdict, Xen &xen, Pages &pages, uint32_t limit);

	unsigned lease(unsigned count, uint32_t *refs);
	void unlease(const uint32_t *refs, unsigned count);
	void watch(unsigned count);
	void hand_over(uint32_t ref, Page *page);

	// Other drivers take and free references. What they get counts all they have.
	size_t drivers_take(size_t count);
	void drivers_free(size_t count);
	// What a driver does with the kernel's own functions for private lists. These follow and
	// write links in the kernel's own array, and know nothing of ours: no_ref ends a list.
	static constexpr uint32_t no_ref = ~0u;
	bool alloc_list(unsigned count, uint32_t *head);
	// The next reference, or a negative number.
	int64_t claim(uint32_t *head);
	bool release(uint32_t *head, uint32_t ref);
	// Walks the whole list, the kernel's members and ours.
	void free_list(uint32_t head);
	bool is_held_by_driver(uint32_t ref) const;
	// The kernel's own timer looks at what it was handed.
	void look_at_deferred();

	bool is_leased(uint32_t ref) const;
	uint32_t table_refs() const { return limit_; }
	size_t leased() const;
	size_t free_count() const;
	// Free, or free once the table has grown.
	size_t could_lease() const;
	size_t deferred() const;
	unsigned watched() const;
};

} // namespace sim

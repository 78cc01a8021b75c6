// SPDX-License-Identifier: GPL-2.0
//
// The work that is measured, and the tables it starts from, for either side.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <random>
#include <vector>

#include "sides.h"

// Stops the program when a side refuses what it must be able to do: a refusal is fast.
inline void must(bool true_in_any_case)
{
	if (!true_in_any_case)
		abort();
}

template <class Side> [[gnu::always_inline]] inline void one()
{
	uint32_t ref;
	must(!Side::alloc_seq(1, &ref));
	Side::free_one(ref);
}

// More at once than a CPU's cache holds, freed in the order of their allocation.
template <class Side> [[gnu::always_inline]] inline void many_ones(std::vector<uint32_t> &refs)
{
	for (uint32_t &ref : refs)
		must(!Side::alloc_seq(1, &ref));
	for (uint32_t ref : refs)
		Side::free_one(ref);
}

template <class Side> [[gnu::always_inline]] inline void grant_and_end()
{
	int ref = Side::grant(1, 0x1234);
	must(ref >= 0);
	must(Side::try_end(static_cast<uint32_t>(ref)) == 1);
}

template <class Side> [[gnu::always_inline]] inline void list_untouched(uint16_t count)
{
	uint32_t head;
	must(!Side::alloc_list(count, &head));
	Side::free_list(head);
}

// What a driver does with a list: all claimed, all released, in an order of their own.
template <class Side> class TouchedList
{
	std::vector<uint32_t> refs_;
	std::vector<uint16_t> order_;

public:
	explicit TouchedList(uint16_t count) : refs_(count), order_(count)
	{
		for (uint16_t i = 0; i < count; i++)
			order_[i] = i;
		std::shuffle(order_.begin(), order_.end(), std::mt19937(count));
	}
	[[gnu::always_inline]] void run()
	{
		uint32_t head;
		must(!Side::alloc_list(static_cast<uint16_t>(refs_.size()), &head));
		for (uint32_t &ref : refs_)
			ref = static_cast<uint32_t>(Side::claim(&head));
		for (uint16_t at : order_)
			Side::release(&head, refs_[at]);
		Side::free_list(head);
	}
};

// A driver's ring: a private list of 256 of which 32 are in flight; each step claims one and
// releases the one that was claimed 32 steps before.
template <class Side> class Ring
{
	static constexpr unsigned in_flight = 32;
	uint32_t head_;
	uint32_t refs_[in_flight];
	unsigned at_ = 0;

public:
	Ring()
	{
		must(!Side::alloc_list(256, &head_));
		for (uint32_t &ref : refs_)
			ref = static_cast<uint32_t>(Side::claim(&head_));
	}
	[[gnu::always_inline]] void step()
	{
		uint32_t &ref = refs_[at_++ % in_flight];
		uint32_t done = ref;
		ref = static_cast<uint32_t>(Side::claim(&head_));
		Side::release(&head_, done);
	}
};

// netfront's ring: each packet claims a reference and grants it; 32 packets later access is ended
// and the reference released.
template <class Side> class PacketRing
{
	static constexpr unsigned in_flight = 32;
	uint32_t head_;
	uint32_t refs_[in_flight];
	unsigned at_ = 0;

	[[gnu::always_inline]] uint32_t send()
	{
		auto ref = static_cast<uint32_t>(Side::claim(&head_));
		Side::grant_ref(ref, 1, 0x1234);
		return ref;
	}

public:
	PacketRing()
	{
		must(!Side::alloc_list(256, &head_));
		for (uint32_t &ref : refs_)
			ref = send();
	}
	void give_back()
	{
		for (uint32_t ref : refs_) {
			must(Side::end_ref(ref) == 1);
			Side::release(&head_, ref);
		}
		Side::free_list(head_);
	}
	[[gnu::always_inline]] void step()
	{
		uint32_t &ref = refs_[at_++ % in_flight];
		uint32_t done = ref;
		ref = send();
		must(Side::end_ref(done) == 1);
		Side::release(&head_, done);
	}
};

// blkfront's request: 11 segments claimed and granted, then ended and released in another order.
template <class Side> class DiskRequest
{
	static constexpr unsigned segments = 11;
	uint32_t head_;

public:
	DiskRequest() { must(!Side::alloc_list(352, &head_)); }
	[[gnu::always_inline]] void run()
	{
		uint32_t refs[segments];
		for (uint32_t &ref : refs) {
			ref = static_cast<uint32_t>(Side::claim(&head_));
			Side::grant_ref(ref, 1, 0x1234);
		}
		for (unsigned i = 0; i < segments; i++) {
			uint32_t ref = refs[i * 7 % segments];
			must(Side::end_ref(ref) == 1);
			Side::release(&head_, ref);
		}
	}
};

// Access granted and ended through one claimed reference.
template <class Side> class ClaimedRef
{
	uint32_t ref_;

public:
	ClaimedRef() { must(!Side::alloc_seq(1, &ref_)); }
	[[gnu::always_inline]] void run()
	{
		Side::grant_ref(ref_, 1, 0x1234);
		must(Side::end_ref(ref_) == 1);
	}
};

template <class Side> [[gnu::always_inline]] inline void sequence(unsigned count)
{
	uint32_t first;
	must(!Side::alloc_seq(count, &first));
	Side::free_seq(first, count);
}

// A table without room to grow, all of it taken but `free_share` of the references, which are
// spread: every second one for one half, else at random. A gap of 64 in the middle is free too, so
// there is one place for a sequence.
template <class Side> void spread(unsigned frames, double free_share)
{
	Side::start(frames);
	std::vector<uint32_t> refs;
	uint32_t ref;
	while (!Side::alloc_seq(1, &ref))
		refs.push_back(ref);
	std::sort(refs.begin(), refs.end());
	size_t gap = refs.size() / 2;
	std::mt19937 random(1);
	std::bernoulli_distribution is_free(free_share);
	for (size_t i = 0; i < refs.size(); i++) {
		bool chosen = free_share == 0.5 ? i % 2 : is_free(random);
		if (chosen || (i >= gap && i < gap + 64))
			Side::free_one(refs[i]);
	}
}

// 30,000 references in use and every second one free.
inline constexpr unsigned fragmented_frames = 118;

// SPDX-License-Identifier: GPL-2.0
//
// front_ring.c of the C example once more: the frontend's ring, its pages and
// their grants. What there is undone by hand on every way out is here undone by
// its owner. A page is looked at or used again only when the backend's
// access to it has ended.
#include "front.h"

#include <new>

#include <xengnt/grant.hh>

#include "glue.h"
#include "ring.hh"

using xengnt::Access;
using xengnt::DomId;
using xengnt::Grant;
using xengnt::Page;
using xengnt::Pool;

namespace
{

constexpr unsigned int nr_slots = 16;
// What the device needs at once is reserved. As much again may be stuck with a backend
// that does not let go; after that the device stops, not the guest.
constexpr unsigned int pool_reserve = 1 + nr_slots * 2 * ECHO_PAGES;
constexpr unsigned int pool_limit = 2 * pool_reserve;

constexpr int no_memory = -12;      // ENOMEM
constexpr int no_space = -28;       // ENOSPC
constexpr int protocol_error = -71; // EPROTO

// Every length that touches a page's edge is among the first; then all sorts.
u32 length_of(u64 message)
{
	constexpr u32 edges[] = {1, 4095, 4096, 4097, 8192, 12289, 16383, 16384};

	if (message % 4 == 0)
		return edges[message / 4 % 8];
	return 1 + static_cast<u32>((message * 0x9e3779b97f4a7c15u) >> 40) % ECHO_BYTES_MAX;
}

// A page together with the backend's access to it.
class SharedPage
{
	Page page_;
	Grant grant_; // declared last: it goes first

public:
	// A page that went with its grant is replaced by another. False without memory.
	[[nodiscard]] bool prepare()
	{
		if (!page_)
			page_ = Page::make();
		return static_cast<bool>(page_);
	}

	[[nodiscard]] bool grant(const Pool &pool, DomId backend, Access access)
	{
		grant_ = Grant::make(pool, backend, page_.frame(), access);
		return static_cast<bool>(grant_);
	}

	// Takes the page back. False when the backend has it still mapped: then it goes,
	// with its grant, as soon as the backend lets go.
	[[nodiscard]] bool take_back()
	{
		if (grant_.try_end())
			return true;
		grant_.end_with(static_cast<Page &&>(page_));
		return false;
	}

	u32 ref() const { return static_cast<u32>(grant_.ref()); }
	void *address() const { return page_.address(); }

	// Nothing of this guest but the message is in a page that the backend may see.
	void fill(u64 seed, u32 bytes)
	{
		u64 *words = static_cast<u64 *>(address());

		for (unsigned int i = 0; i < ECHO_PAGE_BYTES / sizeof(u64); i++) {
			seed = seed * 0x5851f42d4c957f2du + 0x14057b7ef767814fu;
			words[i] = seed;
		}
		clear(bytes);
	}
	void clear(u32 from)
	{
		__builtin_memset(static_cast<u8 *>(address()) + from, 0, ECHO_PAGE_BYTES - from);
	}
};

enum class SlotState : u8 {
	free,
	ready, // its question is written, nothing is granted
	sent,  // its pages are granted, the backend has its request
};

class Slot
{
	u32 length_ = 0;
	u32 checksum_ = 0;
	SharedPage question_[ECHO_PAGES];
	SharedPage answer_[ECHO_PAGES];

	u32 bytes(unsigned int n) const
	{
		u32 left = length_ - n * ECHO_PAGE_BYTES;
		return left < ECHO_PAGE_BYTES ? left : ECHO_PAGE_BYTES;
	}

public:
	SlotState state = SlotState::free;

	u32 length() const { return length_; }

	[[nodiscard]] bool compose(u64 message)
	{
		length_ = length_of(message);
		checksum_ = ECHO_CHECKSUM_START;
		for (unsigned int i = 0; i < echo_pages(length_); i++) {
			if (!question_[i].prepare() || !answer_[i].prepare())
				return false;
			question_[i].fill(message * ECHO_PAGES + i, bytes(i));
			answer_[i].clear(0);
			checksum_ = echo_checksum(checksum_, question_[i].address(), bytes(i));
		}
		state = SlotState::ready;
		return true;
	}

	// All pages or none.
	[[nodiscard]] bool grant(const Pool &pool, DomId backend)
	{
		for (unsigned int i = 0; i < echo_pages(length_); i++) {
			if (question_[i].grant(pool, backend, Access::read_only) &&
			    answer_[i].grant(pool, backend, Access::read_write))
				continue;
			(void)take_back(); // nobody has heard of these
			return false;
		}
		return true;
	}

	// Returns how many pages the backend keeps for now.
	[[nodiscard]] unsigned int take_back()
	{
		unsigned int kept = 0;

		for (unsigned int i = 0; i < echo_pages(length_); i++)
			kept += !question_[i].take_back() + !answer_[i].take_back();
		return kept;
	}

	echo_request request(u32 id) const
	{
		echo_request made{};

		made.id = id;
		made.length = length_;
		made.checksum = checksum_;
		for (unsigned int i = 0; i < echo_pages(length_); i++) {
			made.question[i] = question_[i].ref();
			made.answer[i] = answer_[i].ref();
		}
		return made;
	}

	bool answered_right(const echo_response &response) const
	{
		if (response.status != ECHO_OK || response.checksum != checksum_)
			return false;
		for (unsigned int i = 0; i < echo_pages(length_); i++)
			if (__builtin_memcmp(question_[i].address(), answer_[i].address(),
					     bytes(i)))
				return false;
		return true;
	}
};

class Front
{
public:
	explicit Front(Pool &&pool) : pool_(static_cast<Pool &&>(pool)) {}

	int connect(DomId backend, u32 *ring_ref)
	{
		if (!ring_page_.prepare())
			return no_memory;
		ring_page_.clear(0);
		ring_.start(ring_page_.address());
		if (!ring_page_.grant(pool_, backend, Access::read_write))
			return no_space;
		backend_ = backend;
		connected_ = true;
		*ring_ref = ring_page_.ref();
		return 0;
	}

	void disconnect()
	{
		if (!connected_)
			return;
		connected_ = false;
		for (Slot &slot : slots_) {
			if (slot.state != SlotState::sent)
				continue;
			// A page that is kept takes the question along: that message is lost.
			unsigned int kept = slot.take_back();
			counts.kept += kept;
			kept ? counts.wrong++ : counts.resent++;
			slot.state = kept ? SlotState::free : SlotState::ready;
		}
		(void)ring_page_.take_back();
	}

	int send()
	{
		if (!connected_)
			return 0;
		for (u32 id = 0; id < nr_slots; id++) {
			Slot &slot = slots_[id];
			if (slot.state == SlotState::free && begun < wanted) {
				if (!slot.compose(begun))
					break;
				begun++;
			}
			if (slot.state == SlotState::ready) {
				if (!slot.grant(pool_, backend_))
					break;
				ring_.put(slot.request(id));
				slot.state = SlotState::sent;
			}
		}
		return ring_.push();
	}

	int receive()
	{
		int taken = 0;

		if (!connected_)
			return 0;
		do {
			u32 waiting = ring_.waiting();
			if (!ring_.believable(waiting))
				return protocol_error;
			for (; waiting; waiting--, taken++)
				if (!take(ring_.take()))
					return protocol_error;
		} while (ring_.sleep());
		return taken;
	}

	bool idle() const
	{
		for (const Slot &slot : slots_)
			if (slot.state != SlotState::free)
				return false;
		return begun == wanted;
	}

	void cancel()
	{
		wanted = begun;
		for (Slot &slot : slots_)
			if (slot.state == SlotState::ready)
				slot.state = SlotState::free;
	}

	echo_counts counts{};
	u64 wanted = 0, begun = 0; // messages since creation

private:
	bool take(const echo_response &response)
	{
		// The index is the backend's word: it is checked before it is used.
		if (response.id >= nr_slots || slots_[response.id].state != SlotState::sent)
			return false;
		Slot &slot = slots_[response.id];
		slot.state = SlotState::free;
		// Access ends first: what is compared can no longer change.
		unsigned int kept = slot.take_back();
		counts.kept += kept;
		if (!kept && slot.answered_right(response)) {
			counts.answered++;
			counts.bytes += slot.length();
		} else {
			counts.wrong++;
		}
		return true;
	}

	Pool pool_; // goes last, when all of it is back
	SharedPage ring_page_;
	FrontRing ring_;
	DomId backend_{};
	bool connected_ = false;
	Slot slots_[nr_slots];
};

static_assert(nr_slots <= FrontRing::size, "the ring is never full");

Front &of(echo_front *front)
{
	return *reinterpret_cast<Front *>(front);
}
const Front &of(const echo_front *front)
{
	return *reinterpret_cast<const Front *>(front);
}

} // namespace

// --- what front_bus.c calls ----------------------------------------------------------

echo_front *echo_front_create(const char *name)
{
	Pool pool = Pool::make(name, pool_reserve, pool_limit);
	void *memory = pool ? echo_glue_alloc(sizeof(Front)) : nullptr;

	if (!memory)
		return nullptr;
	return reinterpret_cast<echo_front *>(new (memory) Front(static_cast<Pool &&>(pool)));
}

void echo_front_destroy(echo_front *front)
{
	of(front).disconnect();
	of(front).~Front();
	echo_glue_free(front);
}

int echo_front_connect(echo_front *front, u16 domid, u32 *ring_ref)
{
	return of(front).connect(DomId{domid}, ring_ref);
}

void echo_front_disconnect(echo_front *front)
{
	of(front).disconnect();
}
void echo_front_want(echo_front *front, u32 messages)
{
	of(front).wanted += messages;
}
void echo_front_cancel(echo_front *front)
{
	of(front).cancel();
}
int echo_front_idle(const echo_front *front)
{
	return of(front).idle();
}
echo_counts echo_front_counts(const echo_front *front)
{
	return of(front).counts;
}
int echo_front_send(echo_front *front)
{
	return of(front).send();
}
int echo_front_receive(echo_front *front)
{
	return of(front).receive();
}

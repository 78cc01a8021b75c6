// SPDX-License-Identifier: GPL-2.0
//
// Owners of grants for freestanding C++20 drivers: what has been granted ends,
// and what has been mapped is unmapped, on every way out of a scope.
//
//	xengnt::Pool     a pool of references: a reserve and a limit
//	xengnt::RefList  a private list of references
//	xengnt::Grant    one reference through which another domain has access
//	xengnt::Page     a zeroed page, ready to be granted
//	xengnt::Mapping  a page that another domain has granted to this one
//
// All can only be moved. Each can be empty: by default, after it was moved from,
// and when making it has failed, which is how failure is told (no exceptions
// here); test them with if (). References, domains and frames are types of their
// own, so swapped arguments do not compile.
//
// Kernel headers are not C++, hence the declarations at the top. Page and Mapping
// also need one C file of the driver to include <xengnt/grant_glue.h>. Compile
// with the rule of xengnt.mk. All functions inline into their callers: nothing of
// this header is left in an object as a COMDAT group, which a module cannot carry.
// A driver's own classes belong into an anonymous namespace for the same reason.
//
// Context: as for the C functions, any unless a comment says otherwise.
#pragma once

#include <cstddef>
#include <cstdint>

#include "grant_glue.h"

struct page;
struct xengnt_pool;

extern "C" {
// As <xengnt/grant_table.h> and <xengnt/pool.h> declare and describe them.
int xengnt_alloc_grant_references(std::uint16_t count, std::uint32_t *head);
void xengnt_free_grant_references(std::uint32_t head);
int xengnt_claim_grant_reference(std::uint32_t *head);
void xengnt_release_grant_reference(std::uint32_t *head, std::uint32_t ref);
void xengnt_grant_foreign_access_ref(std::uint32_t ref, std::uint16_t domid, unsigned long frame,
				     int readonly);
int xengnt_end_foreign_access_ref(std::uint32_t ref);
int xengnt_try_end_foreign_access(std::uint32_t ref);
void xengnt_end_foreign_access(std::uint32_t ref, struct page *page);

struct xengnt_pool *xengnt_pool_create(const char *name, unsigned int reserve, unsigned int limit);
unsigned int xengnt_pool_destroy(struct xengnt_pool *pool);
int xengnt_pool_alloc_grant_references(struct xengnt_pool *pool, std::uint16_t count,
				       std::uint32_t *head);
int xengnt_pool_wait(struct xengnt_pool *pool, unsigned int count, long timeout);
int xengnt_pool_alloc_grant_references_wait(struct xengnt_pool *pool, std::uint16_t count,
					    std::uint32_t *head, long timeout);
int xengnt_pool_grant_foreign_access(struct xengnt_pool *pool, std::uint16_t domid,
				     unsigned long frame, int readonly);
}

#define XENGNT_INLINE [[gnu::always_inline]] inline

namespace xengnt
{

// A grant reference; a domain; a frame as the grant table wants it.
enum class Ref : std::uint32_t {};
enum class DomId : std::uint16_t {};
enum class Gfn : unsigned long {};

enum class Access : int { read_write = 0, read_only = 1 };

// Ends a private list; no reference has this number.
constexpr Ref no_ref{0xffffffffu};
constexpr unsigned int no_limit = ~0u;

// A page of this domain, zeroed when it was made. Making one may sleep.
class [[nodiscard]] Page
{
	page *page_ = nullptr;

public:
	XENGNT_INLINE Page() {}
	XENGNT_INLINE Page(Page &&other) : page_(other.release()) {}
	XENGNT_INLINE Page &operator=(Page &&other)
	{
		page *taken = other.release();
		reset();
		page_ = taken;
		return *this;
	}
	XENGNT_INLINE ~Page() { reset(); }

	XENGNT_INLINE static Page make()
	{
		Page made;
		made.page_ = xengnt_glue_alloc_page();
		return made;
	}

	XENGNT_INLINE explicit operator bool() const { return page_; }
	XENGNT_INLINE void *address() const { return xengnt_glue_page_address(page_); }
	XENGNT_INLINE Gfn frame() const { return Gfn{xengnt_glue_page_frame(page_)}; }

	// The caller's now; this is empty.
	[[nodiscard]] XENGNT_INLINE page *release()
	{
		page *given = page_;
		page_ = nullptr;
		return given;
	}
	XENGNT_INLINE void reset()
	{
		if (page_)
			xengnt_glue_put_page(page_);
		page_ = nullptr;
	}
};

// A pool of references, see <xengnt/pool.h>. Making and destroying may sleep.
class [[nodiscard]] Pool
{
	xengnt_pool *pool_ = nullptr;

public:
	XENGNT_INLINE Pool() {}
	XENGNT_INLINE Pool(Pool &&other) : pool_(other.pool_) { other.pool_ = nullptr; }
	XENGNT_INLINE Pool &operator=(Pool &&other)
	{
		xengnt_pool *taken = other.pool_;
		other.pool_ = nullptr;
		reset();
		pool_ = taken;
		return *this;
	}
	XENGNT_INLINE ~Pool() { reset(); }

	XENGNT_INLINE static Pool make(const char *name, unsigned int reserve,
				       unsigned int limit = no_limit)
	{
		constexpr std::uintptr_t highest_errno = 4095; // the kernel's MAX_ERRNO
		Pool made;
		xengnt_pool *pool = xengnt_pool_create(name, reserve, limit);
		if (reinterpret_cast<std::uintptr_t>(pool) < -highest_errno)
			made.pool_ = pool;
		return made;
	}

	XENGNT_INLINE explicit operator bool() const { return pool_; }
	XENGNT_INLINE xengnt_pool *get() const { return pool_; }

	// Sleeps until the pool could give as many, at most this many jiffies; 0, or an error
	// of xengnt_pool_wait().
	[[nodiscard]] XENGNT_INLINE int wait(unsigned int count, long timeout) const
	{
		return xengnt_pool_wait(pool_, count, timeout);
	}

	// Returns how many references are still out.
	XENGNT_INLINE unsigned int reset()
	{
		unsigned int out = pool_ ? xengnt_pool_destroy(pool_) : 0;
		pool_ = nullptr;
		return out;
	}
};

// Access of another domain to one frame. When it goes, access ends: at once, or,
// while the other domain has the frame mapped, as soon as it lets go; the frame's
// page is kept from being reused until then. Nothing is lost and nothing waits.
class [[nodiscard]] Grant
{
	Ref ref_ = no_ref;

	XENGNT_INLINE explicit Grant(Ref ref) : ref_(ref) {}

public:
	XENGNT_INLINE Grant() {}
	XENGNT_INLINE Grant(Grant &&other) : ref_(other.release()) {}
	XENGNT_INLINE Grant &operator=(Grant &&other)
	{
		Ref taken = other.release();
		reset();
		ref_ = taken;
		return *this;
	}
	XENGNT_INLINE ~Grant() { reset(); }

	// Empty when the pool has no reference left to give.
	XENGNT_INLINE static Grant make(const Pool &pool, DomId domain, Gfn frame, Access access)
	{
		int ref = xengnt_pool_grant_foreign_access(
		    pool.get(), static_cast<std::uint16_t>(domain),
		    static_cast<unsigned long>(frame), static_cast<int>(access));
		return Grant{ref < 0 ? no_ref : Ref{static_cast<std::uint32_t>(ref)}};
	}
	// Takes over a reference that was granted otherwise.
	XENGNT_INLINE static Grant adopt(Ref ref) { return Grant{ref}; }

	XENGNT_INLINE explicit operator bool() const { return ref_ != no_ref; }
	XENGNT_INLINE Ref ref() const { return ref_; }

	// Ends access if the other domain lets us: then, and when it is empty already,
	// this returns true and the frame is ours alone. Otherwise nothing has changed.
	[[nodiscard]] XENGNT_INLINE bool try_end()
	{
		if (ref_ != no_ref &&
		    !xengnt_try_end_foreign_access(static_cast<std::uint32_t>(ref_)))
			return false;
		ref_ = no_ref;
		return true;
	}

	// Ends access now or later; the page goes with it.
	XENGNT_INLINE void end_with(Page page)
	{
		if (ref_ != no_ref)
			xengnt_end_foreign_access(static_cast<std::uint32_t>(release()),
						  page.release());
	}

	XENGNT_INLINE void reset()
	{
		if (ref_ != no_ref)
			xengnt_end_foreign_access(static_cast<std::uint32_t>(ref_), nullptr);
		ref_ = no_ref;
	}

	// The caller's now; this is empty.
	[[nodiscard]] XENGNT_INLINE Ref release()
	{
		Ref given = ref_;
		ref_ = no_ref;
		return given;
	}
};

// A private list of references: grants made from it cannot fail for want of any.
// Its owner sees to it that no two use it at once.
class [[nodiscard]] RefList
{
	std::uint32_t head_ = static_cast<std::uint32_t>(no_ref);

public:
	XENGNT_INLINE RefList() {}
	XENGNT_INLINE RefList(RefList &&other) : head_(other.head_)
	{
		other.head_ = static_cast<std::uint32_t>(no_ref);
	}
	XENGNT_INLINE RefList &operator=(RefList &&other)
	{
		std::uint32_t taken = other.head_;
		other.head_ = static_cast<std::uint32_t>(no_ref);
		reset();
		head_ = taken;
		return *this;
	}
	XENGNT_INLINE ~RefList() { reset(); }

	// All of them, or an empty list.
	XENGNT_INLINE static RefList make(const Pool &pool, std::uint16_t count)
	{
		RefList made;
		std::uint32_t head;
		if (!xengnt_pool_alloc_grant_references(pool.get(), count, &head))
			made.head_ = head;
		return made;
	}

	// The same, sleeping until there are enough, at most this many jiffies; empty also
	// after a signal, and when the pool can never have as many.
	XENGNT_INLINE static RefList make_waiting(const Pool &pool, std::uint16_t count,
						  long timeout)
	{
		RefList made;
		std::uint32_t head;
		if (!xengnt_pool_alloc_grant_references_wait(pool.get(), count, &head, timeout))
			made.head_ = head;
		return made;
	}

	// Has it a reference left?
	XENGNT_INLINE explicit operator bool() const
	{
		return head_ != static_cast<std::uint32_t>(no_ref);
	}

	// Takes a reference off the list and grants through it; empty when there is none.
	XENGNT_INLINE Grant grant(DomId domain, Gfn frame, Access access)
	{
		int ref = *this ? xengnt_claim_grant_reference(&head_) : -1;
		if (ref < 0)
			return {};
		xengnt_grant_foreign_access_ref(
		    static_cast<std::uint32_t>(ref), static_cast<std::uint16_t>(domain),
		    static_cast<unsigned long>(frame), static_cast<int>(access));
		return Grant::adopt(Ref{static_cast<std::uint32_t>(ref)});
	}

	// Ends access and puts the reference back. False while the other domain has the
	// frame mapped (which is logged): then the grant is as it was.
	[[nodiscard]] XENGNT_INLINE bool take_back(Grant &grant)
	{
		if (!grant)
			return true;
		if (!xengnt_end_foreign_access_ref(static_cast<std::uint32_t>(grant.ref())))
			return false;
		xengnt_release_grant_reference(&head_, static_cast<std::uint32_t>(grant.release()));
		return true;
	}

	XENGNT_INLINE void reset()
	{
		if (*this)
			xengnt_free_grant_references(head_);
		head_ = static_cast<std::uint32_t>(no_ref);
	}
};

// A frame that another domain has granted to this one. Its content can change at any
// time: copy it before looking at it. Making one and its end may sleep.
class [[nodiscard]] Mapping
{
	xengnt_glue_mapping mapping_{};

public:
	XENGNT_INLINE Mapping() {}
	XENGNT_INLINE Mapping(Mapping &&other) : mapping_(other.mapping_) { other.mapping_ = {}; }
	XENGNT_INLINE Mapping &operator=(Mapping &&other)
	{
		xengnt_glue_mapping taken = other.mapping_;
		other.mapping_ = {};
		reset();
		mapping_ = taken;
		return *this;
	}
	XENGNT_INLINE ~Mapping() { reset(); }

	XENGNT_INLINE static Mapping make(DomId domain, Ref ref, Access access)
	{
		Mapping made;
		if (xengnt_glue_map(&made.mapping_, static_cast<std::uint16_t>(domain),
				    static_cast<std::uint32_t>(ref), static_cast<int>(access)))
			made.mapping_ = {};
		return made;
	}

	XENGNT_INLINE explicit operator bool() const { return mapping_.page; }
	XENGNT_INLINE volatile void *address() const { return mapping_.address; }

	XENGNT_INLINE void reset()
	{
		if (mapping_.page)
			xengnt_glue_unmap(&mapping_);
		mapping_ = {};
	}
};

} // namespace xengnt

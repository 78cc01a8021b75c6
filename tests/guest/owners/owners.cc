// SPDX-License-Identifier: GPL-2.0
//
// What each owner of <xengnt/grant.hh> promises. A pool that is empty again after a
// case shows that nothing of it was lost: Pool::reset() says how much is out.
#include "owners.h"

#include <xengnt/grant.hh>

using namespace xengnt;

#define STR(x) #x
#define LINE(x) STR(x)
#define EXPECT(condition)                                                                          \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return #condition " (line " LINE(__LINE__) ")";                            \
	} while (0)

namespace
{

constexpr DomId dom0{0};

template <class T> [[gnu::always_inline]] inline T &&move(T &from)
{
	return static_cast<T &&>(from);
}

Grant grant(const Pool &pool, const Page &page, DomId domain = dom0)
{
	return Grant::make(pool, domain, page.frame(), Access::read_write);
}

} // namespace

const char *owners_pool()
{
	EXPECT(!Pool::make("owners", 5, 4));
	Pool pool = Pool::make("owners", 4, 8), other = move(pool);
	EXPECT(!pool && other);
	pool = move(other);
	EXPECT(pool && !other);
	EXPECT(pool.reset() == 0 && !pool);
	return nullptr;
}

const char *owners_page()
{
	Page page = Page::make(), other = Page::make();
	EXPECT(page && other && page.frame() != other.frame());
	for (unsigned int i = 0; i < 4096; i++)
		EXPECT(static_cast<const char *>(page.address())[i] == 0);
	Gfn frame = page.frame();
	other = move(page);
	EXPECT(!page && other.frame() == frame);
	xengnt_glue_put_page(other.release());
	EXPECT(!other);
	return nullptr;
}

const char *owners_grant()
{
	Pool pool = Pool::make("owners", 4, 8);
	Page page = Page::make();
	EXPECT(pool && page);
	Grant first = grant(pool, page), second = move(first);
	EXPECT(!first && second && second.ref() != no_ref);
	EXPECT(first.try_end());
	EXPECT(second.try_end() && !second);
	{
		Grant scoped = grant(pool, page);
		EXPECT(scoped);
		second = move(scoped);
	}
	EXPECT(second);
	second = grant(pool, page);
	EXPECT(second);
	second.end_with(move(page));
	EXPECT(!second && !page);
	EXPECT(pool.reset() == 0);
	return nullptr;
}

const char *owners_limit()
{
	Pool pool = Pool::make("owners", 2, 2);
	Page page = Page::make();
	EXPECT(pool && page);
	{
		Grant first = grant(pool, page), second = grant(pool, page);
		EXPECT(first && second && !grant(pool, page));
		EXPECT(first.try_end());
		EXPECT(grant(pool, page));
	}
	EXPECT(pool.reset() == 0);
	return nullptr;
}

const char *owners_list()
{
	Pool pool = Pool::make("owners", 2, 4);
	Page page = Page::make();
	EXPECT(pool && page);
	{
		RefList list = RefList::make(pool, 2);
		EXPECT(list && !RefList::make(pool, 3));
		Grant first = list.grant(dom0, page.frame(), Access::read_only);
		Grant second = list.grant(dom0, page.frame(), Access::read_only);
		EXPECT(first && second && !list);
		EXPECT(!list.grant(dom0, page.frame(), Access::read_only));
		Ref ref = first.ref();
		EXPECT(list.take_back(first) && !first && list);
		first = list.grant(dom0, page.frame(), Access::read_only);
		EXPECT(first.ref() == ref); // last in, first out
		EXPECT(list.take_back(second));
	}
	EXPECT(pool.reset() == 0);
	return nullptr;
}

const char *owners_mapping(unsigned short self)
{
	Pool pool = Pool::make("owners", 2, 4);
	Page page = Page::make();
	EXPECT(pool && page);
	Grant shared = grant(pool, page, DomId{self});
	EXPECT(shared);
	{
		Mapping mapping = Mapping::make(DomId{self}, shared.ref(), Access::read_write);
		EXPECT(mapping);
		*static_cast<volatile int *>(mapping.address()) = 42;
		EXPECT(*static_cast<const int *>(page.address()) == 42);
		Mapping other = move(mapping);
		EXPECT(!mapping && other);
		EXPECT(!shared.try_end() && shared);
	}
	Ref ref = shared.ref();
	EXPECT(shared.try_end());
	EXPECT(!Mapping::make(DomId{self}, ref, Access::read_write));
	EXPECT(pool.reset() == 0);
	return nullptr;
}

const char *owners_busy(unsigned short self)
{
	Pool pool = Pool::make("owners", 2, 4);
	Page page = Page::make();
	EXPECT(pool && page);
	*static_cast<int *>(page.address()) = 43;
	Grant shared = grant(pool, page, DomId{self});
	Mapping mapping = Mapping::make(DomId{self}, shared.ref(), Access::read_only);
	EXPECT(shared && mapping);
	shared.end_with(move(page));
	EXPECT(!shared && !page);
	EXPECT(*static_cast<const volatile int *>(mapping.address()) == 43);
	EXPECT(pool.reset() == 0); // what waits for the mapping's end is nobody's fault
	return nullptr;
}

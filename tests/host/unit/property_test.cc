// SPDX-License-Identifier: GPL-2.0
//
// Laws that hold for every sequence of operations. RapidCheck makes the sequences up and shrinks
// one that breaks a law; it prints what replays it (RC_PARAMS in the environment).
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstdlib>
#include <deque>
#include <set>

#include "core/free_bitmap.hh"
#include "fixture.hh"

using namespace sim;

namespace
{

// The same sequences on every machine, unless another seed is asked for.
const int seeded = setenv("RC_PARAMS", "seed=1 max_success=200", 0);

// One operation: what its numbers mean is the law's to say.
using Op = std::tuple<uint32_t, uint32_t, uint32_t>;
using Ops = std::vector<Op>;

Ops some_ops(uint32_t kinds)
{
	return *rc::gen::container<Ops>(rc::gen::tuple(rc::gen::inRange<uint32_t>(0, kinds),
						       rc::gen::inRange<uint32_t>(0, 1000),
						       rc::gen::inRange<uint32_t>(0, 1000)));
}

Config config_of(uint32_t refs)
{
	Config config;
	config.table_refs = refs + Kernel::first_ref;
	return config;
}

// A private list as its caller knows it: what was released to it lies on top, and what it was
// allocated with below.
struct Stack {
	uint32_t head;
	uint32_t below;
	std::deque<uint32_t> released;

	size_t size() const { return released.size() + below; }
};

// A pool, its account, and the lists that are out.
struct Account {
	xg_pool *pool;
	uint32_t reserve;
	uint32_t limit;
	uint32_t held = 0;
	std::vector<std::pair<uint32_t, uint32_t>> lists; // head and length

	uint32_t unfilled() const { return reserve > held ? reserve - held : 0; }
};

} // namespace

RC_GTEST_PROP(Law, FreeReferencesAreASet, ())
{
	constexpr uint32_t refs = 700;
	World world{config_of(refs)};
	xengnt::FreeBitmap bitmap;
	RC_ASSERT(bitmap.create(refs));
	std::set<uint32_t> model;
	for (auto [what, first, amount] : some_ops(3)) {
		first %= refs;
		uint32_t count = std::min(1 + amount % 150, refs - first);
		std::set<uint32_t> range;
		for (uint32_t ref = first; ref < first + count; ref++)
			range.insert(ref);
		bool all = std::includes(model.begin(), model.end(), range.begin(), range.end());
		if (what == 0) {
			size_t before = model.size();
			model.merge(range);
			RC_ASSERT(bitmap.give(first, count) == count - (model.size() - before));
		} else if (what == 1) {
			RC_ASSERT(bitmap.take(first, count) == all);
			if (all)
				model.erase(model.find(first), std::next(model.find(first), count));
		} else {
			xengnt::FreeBitmap::Search search{count};
			while (bitmap.step(search) == xengnt::FreeBitmap::Found::more)
				;
			uint32_t length = 0;
			uint32_t longest = 0;
			for (uint32_t ref = 0; ref < refs; ref++) {
				length = model.count(ref) ? length + 1 : 0;
				longest = std::max(longest, length);
			}
			// A search that failed has left its reference at 0.
			bool found = longest >= count;
			for (uint32_t ref = search.ref; found && ref < search.ref + count; ref++)
				RC_ASSERT(model.count(ref) == 1);
			RC_ASSERT(found || !search.ref);
		}
	}
	for (uint32_t ref = 0; ref < refs; ref++)
		RC_ASSERT(bitmap.has(ref) == (model.count(ref) == 1));
	bitmap.destroy();
}

RC_GTEST_PROP(Law, ListsAreStacks, ())
{
	constexpr uint32_t refs = 300;
	World world{config_of(refs)};
	world.start();
	world.excused = true; // a law that is broken leaves what it had
	std::vector<Stack> lists;
	std::vector<uint32_t> claimed;
	uint32_t free = refs;
	for (auto [what, which, amount] : some_ops(5)) {
		if (what == 0) {
			uint32_t count = amount % 80;
			uint32_t head = 0;
			int result = xg_alloc_list(world.pool(), count, &head);
			RC_ASSERT(result == (count > free ? XG_NO_SPACE : XG_OK));
			if (result != XG_OK)
				continue;
			lists.push_back({head, count, {}});
			free -= count;
		}
		if (lists.empty())
			continue;
		Stack &list = lists[which % lists.size()];
		if (what == 1 || what == 2) {
			bool empty = !list.size();
			int64_t ref = xg_claim(&list.head, 1);
			RC_ASSERT((empty ? ref == XG_NO_SPACE : ref >= 0));
			if (empty)
				continue;
			if (!list.released.empty()) {
				RC_ASSERT(ref == list.released.front());
				list.released.pop_front();
			} else {
				list.below--;
			}
			RC_ASSERT((list.head == XG_NO_REF) == !list.size());
			for (uint32_t other : claimed)
				RC_ASSERT(ref != other);
			claimed.push_back(static_cast<uint32_t>(ref));
		} else if (what == 3 && !claimed.empty()) {
			uint32_t ref = claimed[amount % claimed.size()];
			claimed.erase(claimed.begin() + amount % claimed.size());
			RC_ASSERT(xg_release(&list.head, ref, 1) == XG_OK);
			list.released.push_front(ref);
		} else if (what == 4) {
			free += static_cast<uint32_t>(list.size());
			RC_ASSERT(xg_free_list(&list.head, 1) == XG_OK);
			RC_ASSERT(list.head == XG_NO_REF);
			lists.erase(lists.begin() + which % lists.size());
		}
	}
	RC_ASSERT(world.check() == "");
	for (Stack &list : lists)
		RC_ASSERT(xg_free_list(&list.head, 1) == XG_OK);
	for (uint32_t ref : claimed)
		RC_ASSERT(world.free(ref) == XG_OK);
	xg_stats stats = world.stats();
	RC_ASSERT(stats.free + stats.cached == stats.leased);
	RC_ASSERT(world.check() == "");
}

// An allocation is refused when, and only when, it would take a pool beyond its limit or into what
// others have reserved.
RC_GTEST_PROP(Law, AccountsAreKept, ())
{
	constexpr uint32_t refs = 400;
	World world{config_of(refs)};
	world.start();
	world.excused = true;
	std::vector<Account> accounts{{world.pool(), 0, ~0u, 0, {}}};
	for (auto [reserve, limit] :
	     {std::pair(50u, 100u), std::pair(120u, ~0u), std::pair(0u, 30u)}) {
		int error = 0;
		xg_pool *pool = xg_pool_create("law", reserve, limit, true, &error);
		RC_ASSERT(!error);
		accounts.push_back({pool, reserve, limit, 0, {}});
	}
	for (auto [what, which, amount] : some_ops(2)) {
		Account &account = accounts[which % accounts.size()];
		if (what == 0) {
			uint32_t open = refs;
			for (const Account &other : accounts) {
				open -= other.held;
				open -= &other == &account ? 0 : other.unfilled();
			}
			uint32_t count = amount % 90;
			bool fits = count <= open && count <= account.limit - account.held;
			uint32_t head = 0;
			int result = xg_alloc_list(account.pool, count, &head);
			RC_ASSERT(result == (fits ? XG_OK : XG_NO_SPACE));
			if (result != XG_OK)
				continue;
			account.held += count;
			account.lists.emplace_back(head, count);
		} else if (!account.lists.empty()) {
			auto list = account.lists.begin() + amount % account.lists.size();
			RC_ASSERT(xg_free_list(&list->first, 1) == XG_OK);
			account.held -= list->second;
			account.lists.erase(list);
		}
		xg_pool_stats stats;
		RC_ASSERT(xg_read_pool(which % accounts.size(), &stats));
		RC_ASSERT(stats.held == account.held);
	}
	for (Account &account : accounts)
		for (auto &[head, length] : account.lists)
			RC_ASSERT(xg_free_list(&head, 1) == XG_OK);
	RC_ASSERT(xg_check_invariants() == 0);
}

// SPDX-License-Identifier: GPL-2.0
//
// Drivers that do two things with one reference at the same moment, which no driver may: whatever
// they get, no entry is left open on a reference that is not granted, so that nobody reaches a page
// that is somebody else's by then. explore() holds that, and every other rule, after each schedule.
#include "scenarios.hh"

using namespace sim;

namespace
{

// What the tasks were told; cleared by prepare().
struct Told {
	int64_t results[3];
	bool before[3]; // the task had ended when the other began
	Page *pages[3];
} told;

// The reports of the two tasks' errors are expected: how many is each test's to say.
size_t reports(World &w)
{
	return w.log.take().size();
}

// An entry that is open while its reference is not granted. The other way round, a grant that a
// late end of the one before has closed, harms nobody but its driver; here it is ended, so that
// explore() finds as many open entries as grants.
std::string only_granted_is_open(World &w, uint32_t ref)
{
	xg_ref_info info;
	xg_read_ref(ref, &info);
	if (info.state != XG_REF_GRANTED)
		return w.xen.is_idle(ref) ? "" : "open and not granted";
	return w.end(ref) == 1 && w.xen.is_idle(ref) ? "" : "granted and cannot be ended";
}

constexpr uint32_t first = Kernel::first_ref;

// Strict, every race of two wrong callers is found. Otherwise it may go unreported, and the counts
// of that one reference be wrong; it must not harm anything else.
Config config_for(uint32_t refs, bool strict)
{
	Config config = config_with(refs);
	config.strict = strict;
	return config;
}

} // namespace

TEST(Errors, AGrantAndAnEndAtOnce)
{
	for (int how : {0, 1, 2, 3, 4, 5}) {
		bool strict = how >= 3;
		expect_holds(
		    {config_for(1, strict),
		     [how, strict](World &w) -> std::vector<Task> {
			     told = {};
			     w.wrong_callers_raced = !strict;
			     uint32_t ref = take(w, 1)[0];
			     Page *page = w.pages.alloc();
			     Page *other = w.pages.alloc();
			     return {{0, [&w, ref,
					  page] { told.results[0] = w.grant(ref, backend, page); }},
				     {1, [&w, ref, other, how] {
					      told.results[1] = how % 3 == 0 ? w.end(ref)
								: how % 3 == 1
								    ? w.try_end(ref)
								    : w.end_and_put(ref, other);
				      }}};
		     },
		     [](World &w) {
			     reports(w);
			     return only_granted_is_open(w, first);
		     }},
		    3);
	}
}

namespace
{

Scenario two_grants(bool strict, std::function<std::string(World &)> judge)
{
	return {config_for(1, strict),
		[](World &w) -> std::vector<Task> {
			told = {};
			uint32_t ref = take(w, 1)[0];
			std::vector<Task> tasks;
			for (unsigned i = 0; i < 2; i++) {
				Page *page = told.pages[i] = w.pages.alloc();
				tasks.push_back({i, [&w, ref, page, i] {
							 told.results[i] =
							     w.grant(ref, backend, page);
						 }});
			}
			return tasks;
		},
		std::move(judge)};
}

} // namespace

TEST(Errors, OfTwoGrantsOneIsMadeWhenStrict)
{
	expect_holds(two_grants(true,
				[](World &w) -> std::string {
					int won = told.results[0] == XG_OK ? 0 : 1;
					if (told.results[won] != XG_OK ||
					    told.results[1 - won] != XG_MISUSE || reports(w) != 1)
						return "not exactly one was refused";
					return w.xen.frame_of(first) == told.pages[won]->frame
						   ? only_granted_is_open(w, first)
						   : "the entry is the loser's";
				}),
		     3, 20);
}

// Otherwise both may be told that they have granted. The reference is granted once, for one of the
// two pages, and ended once.
TEST(Errors, OfTwoGrantsTheReferenceIsGrantedOnce)
{
	expect_holds(two_grants(false,
				[](World &w) -> std::string {
					if (told.results[0] != XG_OK && told.results[1] != XG_OK)
						return "both were refused";
					reports(w);
					uint64_t frame = w.xen.frame_of(first);
					if (frame != told.pages[0]->frame &&
					    frame != told.pages[1]->frame)
						return "granted for neither page";
					return only_granted_is_open(w, first);
				}),
		     3, 20);
}

// The reference may be granted again, for somebody else, while the slower of two ends goes on.
TEST(Errors, AnEndThatIsLateHitsNoLaterGrant)
{
	for (int how : {0, 1, 2, 3, 4, 5, 6, 7}) {
		bool strict = how >= 4;
		expect_holds({config_for(1, strict),
			      [how, strict](World &w) -> std::vector<Task> {
				      told = {};
				      w.wrong_callers_raced = !strict;
				      Page *page = w.pages.alloc();
				      Page *later = w.pages.alloc();
				      auto ref = static_cast<uint32_t>(w.grant_new(backend, page));
				      return {{0,
					       [&w, ref, later, how] {
						       if (how % 2) {
							       w.try_end(ref);
							       w.grant_new(backend, later);
						       } else {
							       w.end(ref);
							       w.grant(ref, backend, later);
						       }
					       }},
					      {1, [&w, ref, how] {
						       how / 2 % 2 ? w.try_end(ref) : w.end(ref);
					       }}};
			      },
			      [](World &w) {
				      reports(w);
				      return only_granted_is_open(w, first);
			      }},
			     long_runs() ? 3 : 2);
	}
}

TEST(Errors, AnEndMeetsABatchThatGrants)
{
	expect_holds({config_with(2),
		      [](World &w) -> std::vector<Task> {
			      told = {};
			      lease_all(w, 2);
			      unsigned long frames[2];
			      for (unsigned long &frame : frames) {
				      Page *page = w.pages.alloc();
				      frame = page->frame;
				      w.pages.note_grant(page, first);
				      w.pages.note_grant(page, first + 1);
			      }
			      return {{0,
				       [&w, a = frames[0], b = frames[1]] {
					       unsigned long both[] = {a, b};
					       uint32_t refs[2];
					       told.results[0] = xg_grant_batch(
						   w.pool(), backend, both, 2, false, refs, 1);
				       }},
				      {1, [&w] { w.end(first); }},
				      {2, [&w] { w.try_end(first + 1); }}};
		      },
		      [](World &w) -> std::string {
			      reports(w);
			      std::string broken = only_granted_is_open(w, first);
			      return broken.empty() ? only_granted_is_open(w, first + 1) : broken;
		      }},
		     2);
}

TEST(Errors, AListFreedTwiceAtOnceIsFreedOnce)
{
	expect_holds({config_with(3),
		      [](World &w) -> std::vector<Task> {
			      told = {};
			      uint32_t list = XG_NO_REF;
			      EXPECT_EQ(xg_alloc_list(w.pool(), 3, &list), 0);
			      auto free = [list](int which) {
				      uint32_t head = list;
				      told.results[which] = xg_free_list(&head, 1);
			      };
			      return {{0, [free] { free(0); }}, {1, [free] { free(1); }}};
		      },
		      [](World &w) {
			      bool one = (told.results[0] == XG_OK) != (told.results[1] == XG_OK);
			      return one && reports(w) == 1 ? "" : "not freed by exactly one";
		      }},
		     3);
}

TEST(Errors, ASequenceFreedTwiceAtOnceIsFreedOnce)
{
	expect_holds({config_with(3),
		      [](World &w) -> std::vector<Task> {
			      told = {};
			      uint32_t sequence;
			      EXPECT_EQ(xg_alloc_seq(w.pool(), 3, &sequence), 0);
			      auto free = [sequence](int which) {
				      uint32_t at = sequence;
				      uint32_t count = 3;
				      told.results[which] = xg_free_seq(&at, &count, 1);
			      };
			      return {{0, [free] { free(0); }}, {1, [free] { free(1); }}};
		      },
		      [](World &w) {
			      bool both = told.results[0] == XG_OK && told.results[1] == XG_OK;
			      return !both && reports(w) ? "" : "nobody was told";
		      }},
		     2);
}

// Both are told that the other side is busy: one keeps the page for later, the other is refused.
TEST(Errors, OfTwoDeferredEndsOneIsDeferred)
{
	for (bool with_page : {true, false}) {
		expect_holds({config_with(1),
			      [with_page](World &w) -> std::vector<Task> {
				      told = {};
				      Page *page = w.pages.alloc();
				      told.pages[0] = page;
				      auto ref = static_cast<uint32_t>(w.grant_new(backend, page));
				      EXPECT_TRUE(w.xen.map(ref, backend, false));
				      auto end = [&w, ref, page, with_page](int which) {
					      told.results[which] =
						  w.end_and_put(ref, with_page ? page : nullptr);
				      };
				      return {{0, [end] { end(0); }}, {1, [end] { end(1); }}};
			      },
			      [with_page](World &w) -> std::string {
				      bool one =
					  (told.results[0] == XG_OK) != (told.results[1] == XG_OK);
				      if (!one || reports(w) != 1 || w.stats().deferred != 1)
					      return "not exactly one is deferred";
				      if (told.pages[0]->owners != (with_page ? 1 : 2))
					      return "not kept once";
				      w.xen.unmap(first, backend, false);
				      w.clock.advance(3000);
				      if (!with_page)
					      w.pages.put(told.pages[0]);
				      return w.pages.in_use() ? "the page is lost" : "";
			      }},
			     3);
	}
}

// A grant whose end was deferred is the worker's: a second end is refused whenever it comes.
TEST(Errors, ASecondEndWhileTheWorkerFreesIsRefused)
{
	expect_holds(
	    {config_with(1),
	     [](World &w) -> std::vector<Task> {
		     told = {};
		     Page *page = w.pages.alloc();
		     auto ref = static_cast<uint32_t>(w.grant_new(backend, page));
		     EXPECT_TRUE(w.xen.map(ref, backend, false));
		     w.end_and_put(ref, page);
		     w.xen.unmap(ref, backend, false);
		     w.clock.tick(20);
		     return {{0, [] { xg_deferred_work(); }},
			     {1, [&w, ref] { told.results[0] = w.end_and_put(ref, nullptr); }}};
	     },
	     [](World &w) -> std::string {
		     if (told.results[0] != XG_MISUSE || reports(w) != 1)
			     return "the second end was not refused";
		     return w.stats().deferred ? "the first end is lost" : "";
	     }},
	    2);
}

// An other side that maps at the very moment of each attempt is busy, and is not waited for.
TEST(Errors, AnEndGivesUpOnFlagsThatChangeAllTheTime)
{
	Config config = config_with(1);
	config.table_version = 1; // the other one has no second try
	World w(config);
	ASSERT_EQ(w.start(), XG_OK);
	Page *page = w.pages.alloc();
	auto ref = static_cast<uint32_t>(w.grant_new(backend, page));
	int changes = 0;
	// At each step one bit is another than at the step before, so no swap finds what was read.
	constexpr uint16_t toggled = 4;
	at_every_step([&] {
		changes++;
		*w.xen.flags(ref) ^= toggled;
	});
	xg_end(ref, 1);
	at_every_step(nullptr);
	EXPECT_LT(changes, 100);
	EXPECT_GT(changes, 10);
	*w.xen.flags(ref) &= static_cast<uint16_t>(~toggled);
	EXPECT_EQ(w.stats().granted, 1u) << "it has not ended";
	EXPECT_EQ(w.end_and_put(ref, page), 0);
	EXPECT_EQ(w.check(), "");
}

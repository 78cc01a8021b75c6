// SPDX-License-Identifier: GPL-2.0
//
// A few operations at once, through every interleaving of the core's atomic steps.
#include "scenarios.hh"

using namespace sim;

namespace
{

// What the tasks found out, for judge(); cleared by prepare().
struct Found {
	int64_t results[3];
	bool freed;
	int calls;
	bool cancelled;
	int late;
	xg_free_callback callback;
} found;

void called(void *)
{
	found.calls++;
	found.late += found.cancelled;
}

} // namespace

TEST(Steps, WhatWasFreedBeforeIsFound)
{
	expect_holds({config_with(1),
		      [](World &w) -> std::vector<Task> {
			      found = {};
			      uint32_t ref = take(w, 1)[0];
			      return {{0,
				       [&w, ref] {
					       EXPECT_EQ(w.free(ref), 0);
					       found.freed = true;
				       }},
				      {1, [&w] {
					       bool before = found.freed;
					       found.results[0] = w.alloc();
					       if (!before && found.results[0] < 0)
						       found.results[0] = 0;
				       }}};
		      },
		      [](World &) { return found.results[0] < 0 ? "refused what was free" : ""; }},
		     3);
}

TEST(Steps, WhatIsDrainedIsNotAllocatedToo)
{
	expect_holds({config_with(2),
		      [](World &w) -> std::vector<Task> {
			      found = {};
			      // One of the two is in a cache, the other out.
			      std::vector<uint32_t> refs = take(w, 2);
			      run_on(1);
			      EXPECT_EQ(w.free(refs[0]), 0);
			      run_on(0);
			      return {{0,
				       [&w] {
					       uint32_t head;
					       found.results[0] = xg_alloc_list(w.pool(), 1, &head);
				       }},
				      {1, [&w] { found.results[1] = w.alloc(); }}};
		      },
		      [](World &) {
			      int got = (found.results[0] == XG_OK) + (found.results[1] >= 0);
			      return got == 1 ? "" : "not had by exactly one";
		      }},
		     3);
}

TEST(Steps, ARefillHidesNothing)
{
	expect_holds(
	    {config_with(3),
	     [](World &w) -> std::vector<Task> {
		     found = {};
		     lease_all(w, 3);
		     return {{0, [&w] { found.results[0] = w.alloc(); }},
			     {1, [&w] {
				      uint32_t head;
				      found.results[1] = xg_alloc_list(w.pool(), 2, &head);
			      }}};
	     },
	     [](World &) { return found.results[0] < 0 || found.results[1] ? "refused" : ""; }},
	    2);
}

TEST(Steps, OneWhoAsksForTooMuchHarmsNobody)
{
	for (bool sequence : {false, true}) {
		expect_holds({config_with(3),
			      [sequence](World &w) -> std::vector<Task> {
				      found = {};
				      // All are in a third CPU's cache.
				      std::vector<uint32_t> refs = take(w, 3);
				      run_on(2);
				      for (uint32_t ref : refs)
					      EXPECT_EQ(w.free(ref), 0);
				      run_on(0);
				      return {{0,
					       [&w, sequence] {
						       uint32_t head;
						       if (sequence)
							       xg_alloc_seq(w.pool(), 4, &head);
						       else
							       xg_alloc_list(w.pool(), 4, &head);
					       }},
					      {1, [&w] {
						       uint32_t head;
						       found.results[0] =
							   xg_alloc_list(w.pool(), 3, &head);
					       }}};
			      },
			      [](World &) { return found.results[0] ? "refused" : ""; }},
			     2);
	}
}

TEST(Steps, ASearchInVainTakesNothingFromOthers)
{
	expect_holds({config_with(5),
		      [](World &w) -> std::vector<Task> {
			      found = {};
			      std::vector<uint32_t> refs = take(w, 5);
			      for (uint32_t ref : refs)
				      if (ref % 2 == 0)
					      EXPECT_EQ(w.free(ref), 0);
			      return {{0,
				       [&w] {
					       uint32_t first;
					       found.results[0] = xg_alloc_seq(w.pool(), 2, &first);
				       }},
				      {1, [&w] {
					       uint32_t head;
					       found.results[1] = xg_alloc_list(w.pool(), 2, &head);
				       }}};
		      },
		      [](World &) {
			      return found.results[0] != XG_NO_SPACE || found.results[1] ? "refused"
											 : "";
		      }},
		     2);
}

TEST(Steps, TwoWhoGrowTheLeaseBothGetTheirs)
{
	expect_holds(
	    {config_with(2),
	     [](World &w) -> std::vector<Task> {
		     found = {};
		     return {{0, [&w] { found.results[0] = w.alloc(); }},
			     {1, [&w] { found.results[1] = w.alloc(); }}};
	     },
	     [](World &) { return found.results[0] < 0 || found.results[1] < 0 ? "refused" : ""; }},
	    2);
}

TEST(Steps, AFreeWakesWhoBeginsToWait)
{
	for (unsigned others : {0u, 1u, 2u}) {
		expect_holds(
		    {config_with(3),
		     [others](World &w) -> std::vector<Task> {
			     found = {};
			     std::vector<uint32_t> refs = take(w, 3);
			     std::vector<Task> tasks{
				 {0,
				  [&w, refs] {
					  for (uint32_t ref : refs)
						  EXPECT_EQ(w.free(ref), 0);
				  }},
				 {1, [] {
					  xg_request_callback(xg_default_pool(), &found.callback,
							      called, nullptr, 3);
				  }}};
			     if (others == 1)
				     tasks.push_back(
					 {2, [&w] {
						  uint32_t head;
						  if (!xg_alloc_list(w.pool(), 2, &head))
							  xg_free_list(&head, 1);
					  }});
			     if (others == 2)
				     tasks.push_back(
					 {2, [&w] {
						  int64_t ref = w.alloc();
						  if (ref >= 0)
							  w.free(static_cast<uint32_t>(ref));
					  }});
			     return tasks;
		     },
		     [](World &) { return found.calls == 1 ? "" : "not called once"; }},
		    others ? 1 : 2);
	}
}

TEST(Steps, NothingIsCalledAfterCancel)
{
	expect_holds({config_with(1),
		      [](World &w) -> std::vector<Task> {
			      found = {};
			      uint32_t ref = take(w, 1)[0];
			      xg_request_callback(xg_default_pool(), &found.callback, called,
						  nullptr, 1);
			      return {{0, [&w, ref] { EXPECT_EQ(w.free(ref), 0); }},
				      {1, [] {
					       xg_cancel_callback(&found.callback);
					       found.cancelled = true;
				       }}};
		      },
		      [](World &w) {
			      if (found.late)
				      return "called after cancel";
			      return w.stats().waiting ? "still waiting" : "";
		      }},
		     3);
}

TEST(Steps, OfTwoFreesOneIsRefused)
{
	expect_holds({config_with(2),
		      [](World &w) -> std::vector<Task> {
			      found = {};
			      uint32_t ref = take(w, 1)[0];
			      return {{0, [&w, ref] { found.results[0] = w.free(ref); }},
				      {1, [&w, ref] { found.results[1] = w.free(ref); }}};
		      },
		      [](World &w) {
			      bool one = (found.results[0] == XG_OK) != (found.results[1] == XG_OK);
			      int64_t other = found.results[0] + found.results[1];
			      return one && other == XG_MISUSE && w.log.take().size() == 1
					 ? ""
					 : "not exactly one was refused";
		      }},
		     3);
}

TEST(Steps, TwoEndsEndOnce)
{
	for (bool frees : {false, true}) {
		expect_holds({config_with(2),
			      [frees](World &w) -> std::vector<Task> {
				      found = {};
				      Page *page = w.pages.alloc();
				      auto ref = static_cast<uint32_t>(w.grant_new(backend, page));
				      auto end = [&w, ref, frees](int which) {
					      found.results[which] =
						  frees ? w.try_end(ref) : w.end(ref);
				      };
				      return {{0, [end] { end(0); }}, {1, [end] { end(1); }}};
			      },
			      [frees](World &w) {
				      xg_stats stats = w.stats();
				      size_t reports = w.log.take().size();
				      if (stats.granted)
					      return "still granted";
				      if (!frees)
					      return found.results[0] == 1 &&
							     found.results[1] == 1 &&
							     stats.claimed == 1 && !reports
							 ? ""
							 : "not ended by both";
				      int ended = (found.results[0] == 1) + (found.results[1] == 1);
				      return ended == 1 && reports == 1 && !stats.claimed
						 ? ""
						 : "not freed by exactly one";
			      }},
			     3);
	}
}

TEST(Steps, InterruptsFindWhatIsThere)
{
	expect_holds(
	    {config_with(2),
	     [](World &w) -> std::vector<Task> {
		     found = {};
		     lease_all(w, 2);
		     auto use = [&w](int which) {
			     found.results[which] = w.alloc();
			     if (found.results[which] >= 0)
				     EXPECT_EQ(w.free(static_cast<uint32_t>(found.results[which])),
					       0);
		     };
		     return {{0, [use] { use(0); }}, {0, [use] { use(1); }, 0}};
	     },
	     [](World &) { return found.results[0] < 0 || found.results[1] < 0 ? "refused" : ""; }},
	    2, 20);
}

TEST(Steps, WhatAnInterruptFreesIsNotForgotten)
{
	expect_holds({config_with(2),
		      [](World &w) -> std::vector<Task> {
			      found = {};
			      std::vector<uint32_t> refs = take(w, 2);
			      return {{0, [&w, refs] { EXPECT_EQ(w.free(refs[0]), 0); }},
				      {0, [&w, refs] { EXPECT_EQ(w.free(refs[1]), 0); }, 0}};
		      },
		      [](World &w) {
			      uint32_t head;
			      return xg_alloc_list(w.pool(), 2, &head) ? "one is lost" : "";
		      }},
		     2, 5);
}

TEST(Steps, AnInterruptsFreeWakesToo)
{
	expect_holds({config_with(3),
		      [](World &w) -> std::vector<Task> {
			      found = {};
			      std::vector<uint32_t> refs = take(w, 3);
			      return {{0, [&w, refs] { EXPECT_EQ(w.free(refs[0]), 0); }},
				      {0, [&w, refs] { EXPECT_EQ(w.free(refs[1]), 0); }, 0},
				      {1, [] {
					       xg_request_callback(xg_default_pool(),
								   &found.callback, called, nullptr,
								   1);
				       }}};
		      },
		      [](World &) { return found.calls == 1 ? "" : "not called once"; }},
		     2);
}

TEST(Steps, NoNoticeAfterItsCancel)
{
	static xg_end_notice notice;
	expect_holds({config_with(2),
		      [](World &w) -> std::vector<Task> {
			      found = {};
			      Page *page = w.pages.alloc();
			      auto ref = static_cast<uint32_t>(w.grant_new(backend, page));
			      w.xen.map(ref, backend, false);
			      EXPECT_EQ(xg_end_notify(&notice, ref, page, called, nullptr, 1), 0);
			      w.xen.unmap(ref, backend, false);
			      return {{0,
				       [&w] {
					       w.clock.tick(20);
					       xg_deferred_work();
				       }},
				      {1, [] {
					       xg_cancel_notice(&notice);
					       found.cancelled = true;
					       notice = {};
				       }}};
		      },
		      [](World &w) {
			      if (found.late)
				      return "told after its cancel";
			      return w.pages.in_use() ? "the page is lost" : "";
		      }},
		     3);
}

// SPDX-License-Identifier: GPL-2.0
//
// An entry between the core and a Xen that maps at any step, with stores that other CPUs see late.
#include "scenarios.hh"

using namespace sim;

namespace
{

// What the other side got; cleared by prepare().
bool mapped;
int maps_as[2];

} // namespace

TEST(Entry, NoPageGoesWhileItCanBeReached)
{
	expect_holds({config_with(2),
		      [](World &w) -> std::vector<Task> {
			      Page *page = w.pages.alloc();
			      auto ref = static_cast<uint32_t>(w.grant_new(backend, page));
			      return {{0, [&w, ref, page] { w.end_and_put(ref, page); }},
				      {1,
				       [&w, ref] {
					       for (int i = 0; i < 2; i++) {
						       step_here();
						       bool got = w.xen.map(ref, backend, false);
						       step_here();
						       if (got)
							       w.xen.unmap(ref, backend, false);
					       }
				       }},
				      {2, [&w] {
					       w.clock.tick(20);
					       xg_deferred_work();
				       }}};
		      },
		      [](World &w) { return w.pages.in_use() ? "the page is lost" : ""; }},
		     2);
}

// The smallest case of the one above, with nothing in it but the two who must not miss each other.
TEST(Entry, AnEndAndAMapSeeEachOther)
{
	for (bool readonly : {false, true}) {
		expect_holds({config_with(1),
			      [readonly](World &w) -> std::vector<Task> {
				      mapped = false;
				      Page *page = w.pages.alloc();
				      auto ref = static_cast<uint32_t>(w.grant_new(backend, page));
				      return {{0, [&w, ref, page] { w.end_and_put(ref, page); }},
					      {1, [&w, ref, readonly] {
						       mapped = w.xen.map(ref, backend, readonly);
					       }}};
			      },
			      [readonly](World &w) -> std::string {
				      bool kept = w.pages.in_use();
				      if (kept != mapped)
					      return "kept, or not, against what is mapped";
				      if (mapped)
					      w.xen.unmap(Kernel::first_ref, backend, readonly);
				      w.clock.advance(3000);
				      return w.pages.in_use() ? "the page is lost" : "";
			      }},
			     3, 5);
	}
}

// What was left in the entry by the grant before must not be mapped by anybody.
TEST(Entry, AnEntryIsSeenWholeOrNotAtAll)
{
	static Page *before;
	for (bool batch : {false, true}) {
		expect_holds(
		    {config_with(1),
		     [batch](World &w) -> std::vector<Task> {
			     maps_as[0] = maps_as[1] = 0;
			     before = w.pages.alloc();
			     Page *page = w.pages.alloc();
			     auto ref = static_cast<uint32_t>(w.grant_new(backend, before));
			     EXPECT_EQ(w.end(ref), 1);
			     if (batch) {
				     EXPECT_EQ(w.free(ref), 0);
				     lease_all(w, 1);
			     }
			     auto grant = [&w, ref, page, batch] {
				     unsigned long frame = page->frame;
				     uint32_t got = ref;
				     if (batch)
					     EXPECT_EQ(xg_grant_batch(w.pool(), backend + 1, &frame,
								      1, false, &got, 1),
						       0);
				     else
					     w.grant(ref, backend + 1, page);
			     };
			     auto map = [&w, ref] {
				     for (int i = 0; i < 4; i++) {
					     step_here();
					     maps_as[i % 2] +=
						 w.xen.map(ref, backend + i % 2, true);
				     }
			     };
			     return {{0, grant}, {1, map}};
		     },
		     [](World &w) -> std::string {
			     if (maps_as[0])
				     return "mapped by whom it was granted to before";
			     if (before->maps)
				     return "the page that was granted before is mapped";
			     for (; maps_as[1]; maps_as[1]--)
				     w.xen.unmap(Kernel::first_ref, backend + 1, true);
			     return "";
		     }},
		    2, 20);
	}
}

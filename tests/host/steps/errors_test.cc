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

} // namespace

TEST(Errors, AGrantAndAnEndAtOnce)
{
	for (int how : {0, 1, 2}) {
		expect_holds(
		    {config_with(1),
		     [how](World &w) -> std::vector<Task> {
			     told = {};
			     uint32_t ref = take(w, 1)[0];
			     Page *page = w.pages.alloc();
			     Page *other = w.pages.alloc();
			     return {{0, [&w, ref,
					  page] { told.results[0] = w.grant(ref, backend, page); }},
				     {1, [&w, ref, other, how] {
					      told.results[1] = how == 0 ? w.end(ref)
								: how == 1
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

TEST(Errors, OfTwoGrantsOneIsMade)
{
	expect_holds({config_with(1),
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
		      [](World &w) -> std::string {
			      int won = told.results[0] == XG_OK ? 0 : 1;
			      if (told.results[won] != XG_OK ||
				  told.results[1 - won] != XG_MISUSE || reports(w) != 1)
				      return "not exactly one was refused";
			      return *w.xen.frame_of(first) == told.pages[won]->frame
					 ? only_granted_is_open(w, first)
					 : "the entry is the loser's";
		      }},
		     3);
}

// The reference may be granted again, for somebody else, while the slower of two ends goes on.
TEST(Errors, AnEndThatIsLateHitsNoLaterGrant)
{
	for (int how : {0, 1, 2, 3}) {
		expect_holds({config_with(1),
			      [how](World &w) -> std::vector<Task> {
				      told = {};
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
						       how / 2 ? w.try_end(ref) : w.end(ref);
					       }}};
			      },
			      [](World &w) {
				      reports(w);
				      return only_granted_is_open(w, first);
			      }},
			     3);
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

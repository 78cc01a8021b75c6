// SPDX-License-Identifier: GPL-2.0
//
// After a suspend the table is set up again, and a frame of it, or of its status words, may be out
// of reach. What cannot be ended is never granted: no entry is opened whose status cannot be read,
// and "not busy" is only said of an entry that was seen ended.
#include "fixture.hh"

using namespace sim;

namespace
{

constexpr uint32_t table_refs = 4096;
constexpr uint32_t status_words = XG_PORT_FRAME_SIZE / sizeof(uint16_t);
constexpr unsigned retry_ms = 5000; // by then what can be reached again has been

// Which lookup of the resume fails.
struct Lost {
	unsigned from;
	unsigned to;
	bool status;
	uint32_t index;
};

std::string name_of(const Lost &lost)
{
	return "version " + std::to_string(lost.from) + " to " + std::to_string(lost.to) +
	       (lost.status ? ", status frame " : ", frame ") + std::to_string(lost.index);
}

// One world each: version kept or changed, every frame of the table and of the status words.
std::vector<Lost> every_lookup()
{
	std::vector<Lost> all;
	for (unsigned from : {1u, 2u})
		for (unsigned to : {1u, 2u}) {
			uint32_t frames = table_refs / (from == 2 ? 256 : 512);
			uint32_t refs = std::min(table_refs, frames * (to == 2 ? 256 : 512));
			for (uint32_t i = 0; i < refs / (to == 2 ? 256 : 512); i++)
				all.push_back({from, to, false, i});
			for (uint32_t i = 0; to == 2 && i < refs / status_words; i++)
				all.push_back({from, to, true, i});
		}
	return all;
}

} // namespace

class Resume : public WorldTest
{
protected:
	Lost lost{};

	void SetUp() override {}
	void start_in_version(unsigned version)
	{
		Config config;
		config.table_version = version;
		config.table_refs = table_refs;
		start(config);
	}
	// Is the reference in the part of the table that is out of reach, or gone?
	bool out_of_reach(uint32_t ref) const
	{
		if (!w->xen.frame(ref / w->xen.frame_refs()))
			return true;
		return w->xen.is_v2() && !w->xen.status_frame(ref / status_words);
	}
	// Whether an end of access can be seen: the entry can be reached, or the table has no such
	// frame any more, so that no domain can use what was granted through it.
	bool can_be_ended(uint32_t ref) const
	{
		return !out_of_reach(ref) || w->xen.is_gone(ref / w->xen.frame_refs());
	}
	uint32_t suspend_and_resume(const Lost &which)
	{
		lost = which;
		w->xen.start_anew();
		w->xen.change_version(lost.to);
		(lost.status ? w->xen.hide_status_frame(lost.index)
			     : w->xen.hide_frame(lost.index));
		return xg_core_resume(lost.to);
	}
	void find_frames()
	{
		w->xen.hide_frame(~0u);
		w->xen.hide_status_frame(~0u);
		w->clock.advance(retry_ms);
	}
	// Grants a claimed reference, which is not possible out of reach; ends it.
	void use(uint32_t ref, bool reachable)
	{
		Page *page = w->pages.alloc();
		int granted = w->grant(ref, backend, page);
		if (reachable) {
			ASSERT_EQ(granted, XG_OK) << ref;
			EXPECT_TRUE(w->xen.map(ref, backend, false)) << ref << " leads nowhere";
			EXPECT_EQ(w->end(ref), 0) << ref;
			EXPECT_TRUE(w->xen.unmap(ref, backend, false));
			EXPECT_EQ(w->end(ref), 1) << ref;
		} else {
			EXPECT_LT(granted, 0) << ref;
			expect_report(XG_REPORT_UNREACHABLE, ref, 1);
			EXPECT_TRUE(w->xen.is_idle(ref)) << ref << " is open";
		}
		xg_ref_info info;
		xg_read_ref(ref, &info);
		EXPECT_EQ(info.state, XG_REF_CLAIMED) << ref;
		w->pages.put(page);
	}
	// Allocates and grants until there is no more; each one can be mapped, and ended.
	std::vector<std::pair<uint32_t, Page *>> grant_all()
	{
		std::vector<std::pair<uint32_t, Page *>> all;
		for (;;) {
			Page *page = w->pages.alloc();
			if (!page)
				return all;
			int64_t got = w->grant_new(backend, page);
			if (got < 0) {
				EXPECT_EQ(got, XG_NO_SPACE);
				w->pages.put(page);
				return all;
			}
			auto ref = static_cast<uint32_t>(got);
			EXPECT_FALSE(out_of_reach(ref)) << ref;
			EXPECT_TRUE(w->xen.map(ref, backend, false)) << ref << " leads nowhere";
			all.emplace_back(ref, page);
		}
	}
	void end_all(const std::vector<std::pair<uint32_t, Page *>> &all)
	{
		for (auto [ref, page] : all) {
			EXPECT_EQ(w->end(ref), 0) << "not busy, and mapped: " << ref;
			EXPECT_TRUE(w->xen.unmap(ref, backend, false));
			EXPECT_EQ(w->end_and_put(ref, page), XG_OK);
		}
		EXPECT_EQ(w->stats().deferred, 0u);
	}
};

TEST_F(Resume, ClaimedReferencesOutOfReachAreNotGranted)
{
	for (const Lost &which : every_lookup()) {
		SCOPED_TRACE(name_of(which));
		start_in_version(which.from);
		uint32_t count = table_refs - Kernel::first_ref;
		uint32_t all = alloc_sequence(count);
		uint32_t said = suspend_and_resume(which);
		uint32_t seen = 0;
		for (uint32_t ref = all; ref < all + count; ref++)
			seen += out_of_reach(ref);
		EXPECT_EQ(said, seen);
		for (uint32_t ref = all; ref < all + count; ref++)
			use(ref, !out_of_reach(ref));
		find_frames();
		for (uint32_t ref = all; ref < all + count; ref++)
			use(ref, !out_of_reach(ref));
		free_sequence(all, count);
		EXPECT_EQ(w->check(), "");
		if (HasFailure())
			break;
	}
}

// What was granted, deferred, or on a list at the suspend.
TEST_F(Resume, EndsOutOfReachWait)
{
	static int told;
	for (const Lost &which : every_lookup()) {
		SCOPED_TRACE(name_of(which));
		start_in_version(which.from);
		uint32_t count = table_refs - Kernel::first_ref;
		uint32_t all = alloc_sequence(count);
		struct Held {
			uint32_t deferred, noticed, granted, kept;
			Page *pages[4];
			xg_end_notice notice;
			uint32_t list;
		};
		std::vector<Held> held(count / 256);
		told = 0;
		for (size_t i = 0; i < held.size(); i++) {
			uint32_t ref = all + static_cast<uint32_t>(i) * 256;
			Held &h = held[i];
			h = {ref, ref + 1, ref + 2, ref + 3, {}, {}, XG_NO_REF};
			for (int j = 0; j < 4; j++) {
				h.pages[j] = w->pages.alloc();
				EXPECT_EQ(w->grant(ref + j, backend, h.pages[j]), XG_OK);
				EXPECT_TRUE(w->xen.map(ref + j, backend, false));
			}
			EXPECT_EQ(w->end_and_put(h.deferred, h.pages[0]), 0);
			EXPECT_EQ(xg_end_notify(
				      &h.notice, h.noticed, h.pages[1], [](void *) { told++; },
				      nullptr, 1),
				  0);
			for (uint32_t j = 4; j < 8; j++)
				EXPECT_EQ(xg_release(&h.list, ref + j, 1), XG_OK);
		}
		suspend_and_resume(which);
		w->clock.advance(retry_ms);
		uint64_t waiting = 0;
		int noticed = 0;
		for (Held &h : held) {
			bool reachable = can_be_ended(h.deferred);
			waiting += reachable ? 0 : 2;
			noticed += can_be_ended(h.noticed);
			EXPECT_EQ(h.pages[0]->owners, reachable ? 0 : 1) << h.deferred;
			EXPECT_EQ(w->end(h.granted), reachable ? 1 : 0) << h.granted;
			// With its page, out of reach: kept until it has ended.
			EXPECT_EQ(w->end_and_put(h.kept, h.pages[3]), 0);
			EXPECT_EQ(h.pages[3]->owners, reachable ? 0 : 1) << h.kept;
			waiting += reachable ? 0 : 1;
		}
		EXPECT_EQ(w->stats().deferred, waiting);
		EXPECT_EQ(told, noticed);
		find_frames();
		waiting = 0;
		for (Held &h : held) {
			bool reachable = can_be_ended(h.deferred);
			waiting += reachable ? 0 : 3;
			EXPECT_EQ(h.pages[0]->owners, reachable ? 0 : 1);
			EXPECT_EQ(h.pages[3]->owners, reachable ? 0 : 1);
			EXPECT_EQ(w->end(h.granted), reachable ? 1 : 0);
			free_list(h.list);
		}
		EXPECT_EQ(w->stats().deferred, waiting);
		// What is gone for good stays with the module, and then with the kernel.
		w->xen.hide_frame(~0u);
		if (!waiting)
			EXPECT_EQ(told, static_cast<int>(held.size()));
		w->log.take();
		w->excused = HasFailure();
		w->stop();
		w->log.take();
		EXPECT_EQ(w->verdict.first(), "");
		EXPECT_EQ(w->kernel.leased(), 0u);
		if (HasFailure())
			break;
	}
}

// Free ones in the store and in every CPU's cache: those out of reach are set aside, and no
// allocation that grants gets one, nor fails while there are others.
TEST_F(Resume, NewGrantsTakeWhatCanBeReached)
{
	for (const Lost &which : every_lookup()) {
		SCOPED_TRACE(name_of(which));
		Config config;
		config.table_version = which.from;
		config.table_refs = table_refs;
		config.pages = table_refs;
		config.spare_limit = table_refs;
		start(config);
		std::vector<uint32_t> all = alloc_many(table_refs - Kernel::first_ref);
		for (uint32_t ref : all) {
			run_on(ref % config.cpus);
			EXPECT_EQ(w->free(ref), XG_OK);
		}
		run_on(0);
		suspend_and_resume(which);
		size_t reachable = 0;
		for (uint32_t ref : all)
			reachable += !out_of_reach(ref);
		auto grants = grant_all();
		EXPECT_EQ(grants.size(), reachable);
		EXPECT_EQ(w->check(), "");
		end_all(grants);
		find_frames();
		reachable = 0;
		for (uint32_t ref : all)
			reachable += !out_of_reach(ref);
		grants = grant_all();
		EXPECT_EQ(grants.size(), reachable) << "what was set aside is back";
		end_all(grants);
		w->log.take();
		if (HasFailure())
			break;
	}
}

// A batch is granted as a whole, or fails as a whole; the backend can map all that is granted.
TEST_F(Resume, ABatchIsGrantedWhereItCanBeEnded)
{
	for (const Lost &which : every_lookup()) {
		SCOPED_TRACE(name_of(which));
		start_in_version(which.from);
		free_list(alloc_list(200));
		suspend_and_resume(which);
		for (uint32_t count : {1u, 33u, 100u}) {
			std::vector<unsigned long> frames;
			std::vector<Page *> pages;
			for (uint32_t i = 0; i < count; i++) {
				pages.push_back(w->pages.alloc());
				frames.push_back(pages.back()->frame);
			}
			std::vector<uint32_t> refs(count);
			int result = xg_grant_batch(w->pool(), backend, frames.data(), count, false,
						    refs.data(), 1);
			for (uint32_t i = 0; i < count; i++) {
				if (result == XG_OK) {
					w->pages.note_grant(pages[i], refs[i]);
					EXPECT_TRUE(w->xen.map(refs[i], backend, false)) << refs[i];
					EXPECT_EQ(w->end(refs[i]), 0) << refs[i];
					EXPECT_TRUE(w->xen.unmap(refs[i], backend, false));
				}
			}
			if (result == XG_OK) {
				auto put = reinterpret_cast<void **>(pages.data());
				EXPECT_EQ(xg_end_batch(refs.data(), put, count, 1), 0u);
			} else {
				for (Page *page : pages)
					w->pages.put(page);
			}
		}
		EXPECT_EQ(w->pages.in_use(), 0u);
		w->log.take();
		if (HasFailure())
			break;
	}
}

// A lookup that fails once, or from there on, and works when it is asked again.
TEST_F(Resume, ALookupThatFailsForAMoment)
{
	for (unsigned from : {1u, 2u})
		for (unsigned to : {1u, 2u})
			for (bool forever : {false, true})
				for (long nth = 1; nth <= 20; nth++) {
					SCOPED_TRACE(name_of({from, to, false, 0}) + ", lookup " +
						     std::to_string(nth));
					start_in_version(from);
					auto [ref, page] = granted();
					uint32_t spare = alloc();
					free_list(alloc_list(1000));
					w->xen.start_anew();
					w->xen.change_version(to);
					w->faults.fail(nth, only(Call::table_frame), forever);
					xg_core_resume(to);
					auto grants = grant_all();
					Page *other = w->pages.alloc();
					if (other && w->grant(spare, backend, other) == XG_OK)
						grants.emplace_back(spare, other);
					else
						EXPECT_EQ(w->free(spare), XG_OK);
					w->faults.none();
					w->clock.advance(retry_ms);
					for (auto [a, b] : grants) {
						if (a == spare)
							EXPECT_TRUE(w->xen.map(a, backend, false));
					}
					end_all(grants);
					EXPECT_EQ(w->end_and_put(ref, page), 0);
					w->clock.advance(retry_ms);
					EXPECT_EQ(page->owners, 0);
					w->log.take();
				}
}

// The module goes while something is out of reach: the kernel ends it, no page is lost.
TEST_F(Resume, StoppingHandsOverWhatIsOutOfReach)
{
	for (bool status : {false, true}) {
		start_in_version(2);
		auto [held, page] = granted();
		auto [ended, kept] = granted();
		suspend_and_resume({2, 2, status, 0});
		EXPECT_EQ(w->end_and_put(ended, kept), 0);
		EXPECT_EQ(w->stats().deferred, 1u);
		w->stop();
		std::vector<Report> reports = w->log.take();
		EXPECT_GE(reports.size(), 1u);
		w->kernel.look_at_deferred();
		EXPECT_EQ(kept->owners, 0);
		EXPECT_EQ(w->kernel.leased(), 0u);
		w->pages.put(page);
		w->kernel.look_at_deferred();
		EXPECT_EQ(w->verdict.first(), "");
	}
}

// A resume while the lease grows, before any lock that an allocation takes.
TEST_F(Resume, WhileTheLeaseGrows)
{
	for (unsigned version : {1u, 2u})
		for (long nth = 1;; nth++) {
			SCOPED_TRACE("version " + std::to_string(version) + ", lock " +
				     std::to_string(nth));
			start_in_version(version);
			w->before_lock(nth, 1, [&] {
				w->xen.start_anew();
				EXPECT_EQ(xg_core_resume(version), 0u);
			});
			uint32_t ref = alloc();
			bool met = w->meddled();
			w->before_lock(0, 0, nullptr);
			use(ref, true);
			end_all(grant_all());
			EXPECT_EQ(w->free(ref), XG_OK);
			if (!met) {
				EXPECT_GT(nth, 3);
				break;
			}
		}
}

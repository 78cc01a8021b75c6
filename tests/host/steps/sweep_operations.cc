// SPDX-License-Identifier: GPL-2.0
#include "sweep.hh"

namespace sim
{

namespace
{

void nothing(World &, Party &) {}

void alloc(World &w, Party &party)
{
	int64_t ref = w.alloc();
	if (ref >= 0)
		party.refs.push_back(static_cast<uint32_t>(ref));
	else
		party.refused = true;
}

void free_last(World &w, Party &party)
{
	if (party.refs.empty())
		return;
	if (w.free(party.refs.back()) != XG_OK)
		party.broken = "a free was refused";
	party.refs.pop_back();
}

void alloc_list(World &w, Party &party)
{
	if (xg_alloc_list(w.pool(), 3, &party.list) != XG_OK)
		party.refused = true;
}

void free_list(World &, Party &party)
{
	if (xg_free_list(&party.list, 1) != XG_OK || party.list != XG_NO_REF)
		party.broken = "a list could not be freed";
}

void claim(Party &party)
{
	int ref = xg_claim(&party.list, 1);
	if (ref >= 0)
		party.refs.push_back(static_cast<uint32_t>(ref));
	else
		party.broken = "a list is shorter than it was";
}

void release(Party &party)
{
	if (xg_release(&party.list, party.refs.back(), 1) != XG_OK)
		party.broken = "a release was refused";
	party.refs.pop_back();
}

void claim_and_release(World &, Party &party)
{
	if (party.list == XG_NO_REF)
		return;
	claim(party);
	claim(party);
	release(party);
	claim(party);
	claim(party);
	release(party);
}

void alloc_sequence(World &w, Party &party)
{
	// Two in a row may not be there when others hold some.
	if (xg_alloc_seq(w.pool(), 2, &party.sequence) == XG_OK)
		party.in_sequence = 2;
}

void free_sequence(World &, Party &party)
{
	if (party.in_sequence && xg_free_seq(&party.sequence, &party.in_sequence, 1) != XG_OK)
		party.broken = "a sequence could not be freed";
}

Page *page_of(World &w, Party &party)
{
	return party.pages[0] = w.pages.alloc();
}

void grant_claimed(World &w, Party &party)
{
	if (party.refs.empty())
		return;
	party.granted[0] = party.refs.back();
	party.refs.pop_back();
	if (w.grant(party.granted[0], backend, page_of(w, party)) != XG_OK)
		party.broken = "a grant was refused";
}

void grant_and_end(World &w, Party &party)
{
	if (party.refs.empty())
		return;
	grant_claimed(w, party);
	if (w.end(party.granted[0]) != 1)
		party.broken = "busy, and nobody has it mapped";
	party.refs.push_back(party.granted[0]);
	w.pages.put(party.pages[0]);
	party.pages[0] = nullptr;
}

void grant_new(World &w, Party &party)
{
	int64_t ref = w.grant_new(backend, page_of(w, party));
	if (ref >= 0) {
		party.granted[0] = static_cast<uint32_t>(ref);
		return;
	}
	w.pages.put(party.pages[0]);
	party.pages[0] = nullptr;
	party.refused = true;
}

void end_and_put(World &w, Party &party)
{
	for (int i = 0; i < Party::most_grants; i++) {
		if (party.pages[i] && w.end_and_put(party.granted[i], party.pages[i]) < 0)
			party.broken = "an end was refused";
		party.pages[i] = nullptr;
	}
}

void grant_batch(World &w, Party &party)
{
	unsigned long frames[Party::most_grants];
	for (int i = 0; i < Party::most_grants; i++) {
		party.pages[i] = w.pages.alloc();
		frames[i] = party.pages[i]->frame;
		// Any of them may become any page's.
		for (uint32_t ref = 0; ref < w.config.table_refs; ref++)
			w.pages.note_grant(party.pages[i], ref);
	}
	if (xg_grant_batch(w.pool(), backend, frames, Party::most_grants, false, party.granted,
			   1) == XG_OK)
		return;
	party.refused = true;
	for (Page *&page : party.pages) {
		w.pages.put(page);
		page = nullptr;
	}
}

void end_batch(World &, Party &party)
{
	if (!party.pages[0])
		return;
	void *pages[] = {party.pages[0], party.pages[1], party.pages[2]};
	if (xg_end_batch(party.granted, pages, Party::most_grants, 1))
		party.broken = "members of a batch are not leased";
	for (Page *&page : party.pages)
		page = nullptr;
}

// Granted, and the other side has it mapped.
void mapped(World &w, Party &party)
{
	grant_new(w, party);
	if (party.pages[0] && !w.xen.map(party.granted[0], backend, false))
		party.broken = "what is granted cannot be mapped";
}

// Nobody has it mapped any more after a suspend.
void unmap(World &w, Party &party)
{
	w.xen.unmap(party.granted[0], backend, false);
}

void defer(World &w, Party &party)
{
	if (!party.pages[0])
		return;
	end_and_put(w, party);
	step_here();
	unmap(w, party);
}

void deferred(World &w, Party &party)
{
	mapped(w, party);
	defer(w, party);
}

void deferred_work(World &w, Party &)
{
	w.clock.tick(20);
	xg_deferred_work();
}

void tell(void *party)
{
	static_cast<Party *>(party)->told++;
}

void notify(World &w, Party &party)
{
	if (!party.pages[0])
		return;
	if (xg_end_notify(&party.notice, party.granted[0], party.pages[0], tell, &party, 1) < 0)
		party.broken = "a notice was refused";
	party.pages[0] = nullptr;
	step_here();
	unmap(w, party);
}

void noticed(World &w, Party &party)
{
	w.clock.advance(5000);
	if (party.notice.fn && party.told != 1)
		party.broken = "told " + std::to_string(party.told) + " times of an end";
	party.notice = {};
	give_all_back(w, party);
}

void prepare_notice(World &w, Party &party)
{
	mapped(w, party);
	notify(w, party);
}

void cancel_notice(World &, Party &party)
{
	xg_cancel_notice(&party.notice);
	party.notice = {};
}

void wait(World &w, Party &party)
{
	party.waiting.request(w.pool(), 2);
}

void begin_to_wait(World &w, Party &party)
{
	party.waiting.request(w.pool(), static_cast<uint16_t>(w.config.table_refs));
}

void cancel(World &, Party &party)
{
	party.waiting.cancel();
}

// As blkfront: what it is called for it takes, or it waits again.
void take(void *arg)
{
	auto *party = static_cast<Party *>(arg);
	int64_t ref = party->world->alloc();
	if (ref >= 0)
		party->refs.push_back(static_cast<uint32_t>(ref));
	else
		xg_request_callback(party->world->pool(), &party->callback, take, party, 1);
}

void wait_and_take(World &w, Party &party)
{
	party.world = &w;
	xg_request_callback(w.pool(), &party.callback, take, &party, 1);
}

void taken(World &w, Party &party)
{
	w.clock.advance(20000);
	bool had = !party.refs.empty();
	xg_cancel_callback(&party.callback);
	if (!had)
		alloc(w, party);
	if (!had && !party.refs.empty())
		party.broken = "a wake-up is lost: nobody called, and one could be taken";
	give_all_back(w, party);
}

void leave_pool(World &, Party &party)
{
	int error;
	xg_pool *pool = xg_pool_create("sweep", 0, ~0u, false, &error);
	if (!pool)
		return;
	int64_t ref = xg_alloc_one(pool);
	if (ref >= 0)
		party.refs.push_back(static_cast<uint32_t>(ref));
	xg_pool_destroy(pool);
}

void create_pool(World &, Party &party)
{
	int error;
	party.pool = xg_pool_create("sweep", 2, ~0u, false, &error);
	if (!party.pool)
		party.refused = true;
}

void destroy_pool(World &, Party &party)
{
	if (party.pool)
		xg_pool_destroy(party.pool);
	party.pool = nullptr;
}

void use_reserve(World &w, Party &party)
{
	if (!party.pool)
		return;
	for (int i = 0; i < 2; i++) {
		int64_t ref = xg_alloc_one(party.pool);
		if (ref >= 0)
			party.refs.push_back(static_cast<uint32_t>(ref));
		else
			party.broken = "a reserve was refused";
	}
	free_last(w, party);
}

// Gives the reserve up for a moment: it may be somebody else's by then.
void change_pool(World &, Party &party)
{
	if (!party.pool)
		return;
	if (xg_pool_set(party.pool, 0, 1) != XG_OK)
		party.broken = "a reserve could not be given up";
	int result = xg_pool_set(party.pool, 2, ~0u);
	if (result != XG_OK && result != XG_NO_SPACE)
		party.broken = "a pool could not be changed";
}

void change_kernels_share(World &, Party &)
{
	xg_set_kernel_reserve(1);
	step_here();
	xg_set_kernel_reserve(0);
}

void spare_some(World &w, Party &party)
{
	// All that others have left.
	uint32_t count = w.config.table_refs;
	while (count && xg_alloc_list(w.pool(), count, &party.list) != XG_OK)
		count--;
	free_list(w, party);
}

void shrink(World &w, Party &)
{
	w.clock.tick(6000);
	xg_lease_work();
}

void kernel_takes_and_frees(World &w, Party &)
{
	size_t before = w.kernel.drivers_take(0);
	size_t taken = w.kernel.drivers_take(2) - before;
	step_here();
	w.kernel.drivers_free(taken);
}

void ask_for_too_much(World &w, Party &party)
{
	uint32_t head;
	if (xg_alloc_list(w.pool(), 1000, &head) != XG_NO_SPACE)
		party.broken = "more than there is";
}

void ask_for_too_long(World &w, Party &party)
{
	uint32_t first;
	if (xg_alloc_seq(w.pool(), w.config.table_refs, &first) != XG_NO_SPACE)
		party.broken = "longer than there is";
}

void reserve_too_much(World &, Party &party)
{
	int error;
	if (xg_pool_create("sweep", 1000, ~0u, false, &error))
		party.broken = "a reserve that is not there";
}

void look(World &w, Party &)
{
	w.stats();
	xg_ref_info info;
	for (uint32_t ref = 0; ref < w.config.table_refs; ref++)
		xg_read_ref(ref, &info);
	xg_deferred end;
	for (uint32_t ref = 0; xg_read_deferred(&ref, &end);)
		;
	xg_waiter waiters[4];
	xg_read_waiters(waiters, 4);
	xg_lease lease;
	xg_read_lease(&lease);
}

} // namespace

void give_all_back(World &w, Party &party)
{
	end_and_put(w, party);
	while (!party.refs.empty())
		free_last(w, party);
	free_list(w, party);
	free_sequence(w, party);
	if (party.waiting.requested())
		party.waiting.cancel();
	destroy_pool(w, party);
}

const std::vector<Operation> &operations()
{
	static const std::vector<Operation> all = {
	    {"allocate one", 1, true, nothing, alloc, give_all_back},
	    {"free one", 1, true, alloc, free_last, give_all_back},
	    {"allocate a list", 3, true, nothing, alloc_list, give_all_back},
	    {"free a list", 3, true, alloc_list, free_list, give_all_back},
	    {"claim and release", 3, true, alloc_list, claim_and_release, give_all_back},
	    {"allocate a sequence", 2, true, nothing, alloc_sequence, give_all_back},
	    {"free a sequence", 2, true, alloc_sequence, free_sequence, give_all_back},
	    {"grant", 1, true, alloc, grant_claimed, give_all_back},
	    {"grant and end", 1, true, alloc, grant_and_end, give_all_back},
	    {"allocate and grant", 1, true, nothing, grant_new, give_all_back},
	    {"end and put", 1, true, grant_new, end_and_put, give_all_back},
	    {"grant a batch", 3, true, nothing, grant_batch, give_all_back},
	    {"end a batch", 3, true, grant_batch, end_batch, give_all_back},
	    {"defer an end", 1, true, mapped, defer, give_all_back},
	    {"the worker of deferred ends", 1, false, deferred, deferred_work, give_all_back},
	    {"be told of an end", 1, true, mapped, notify, noticed},
	    {"forget a notice", 1, true, prepare_notice, cancel_notice, give_all_back},
	    {"wait", 0, true, nothing, wait, give_all_back},
	    {"wait no more", 0, true, begin_to_wait, cancel, give_all_back},
	    {"wait and take", 1, true, nothing, wait_and_take, taken},
	    {"free of a pool that is gone", 1, true, leave_pool, free_last, give_all_back},
	    {"create a pool", 2, true, nothing, create_pool, give_all_back},
	    {"destroy a pool", 2, true, create_pool, destroy_pool, give_all_back},
	    {"use a reserve", 2, true, create_pool, use_reserve, give_all_back},
	    {"change a pool", 2, true, create_pool, change_pool, give_all_back},
	    {"change the kernel's share", 1, true, nothing, change_kernels_share, give_all_back},
	    {"the worker of the lease", 0, false, spare_some, shrink, give_all_back},
	    {"the kernel's drivers", 2, true, nothing, kernel_takes_and_frees, give_all_back},
	    {"ask for too much", 0, true, nothing, ask_for_too_much, give_all_back},
	    {"ask for too long a sequence", 0, true, nothing, ask_for_too_long, give_all_back},
	    {"reserve too much", 0, true, nothing, reserve_too_much, give_all_back},
	    {"look at everything", 0, false, nothing, look, give_all_back},
	};
	return all;
}

} // namespace sim

// SPDX-License-Identifier: GPL-2.0
//
// The functions of core.h as calls of the core's parts: types and results are converted here, and
// nothing else happens.
#include "core.hh"
#include "fast_paths.h"

using namespace xengnt;

namespace
{

// How often pools that were given up with references still out are looked at.
constexpr unsigned reap_interval_ms = 2000;

int to_c(Error error)
{
	switch (error) {
	case Error::none:
		return XG_OK;
	case Error::no_space:
		return XG_NO_SPACE;
	case Error::not_leased:
		return XG_NOT_LEASED;
	case Error::misuse:
		return XG_MISUSE;
	case Error::bad_frame:
		return XG_INVALID;
	case Error::unreachable:
		return XG_UNREACHABLE;
	case Error::unsupported:
		return XG_UNSUPPORTED;
	}
	return XG_INVALID;
}

int to_c(Status status)
{
	return to_c(status.error());
}

int64_t to_c(Result<GrantRef> ref)
{
	return ref.ok() ? static_cast<int64_t>(ref.value().raw) : to_c(ref.error());
}

int to_c(Result<End> end)
{
	if (!end.ok())
		return to_c(end.error());
	return end.value() == End::ended ? XG_ENDED : XG_BUSY;
}

// Functions of core.h change a list's head in place.
class Head
{
	uint32_t *head_;

public:
	GrantRef ref;

	explicit Head(uint32_t *head) : head_(head), ref{*head} {}
	~Head() { *head_ = ref.raw; }
	Head(const Head &) = delete;
	Head &operator=(const Head &) = delete;
};

} // namespace

// --- pools ---

struct xg_pool *xg_pool_create(const char *name, uint32_t reserve, uint32_t limit, bool may_sleep,
			       int *error)
{
	Pool *pool = nullptr;
	*error = to_c(allocator.create_pool(name, reserve, limit, may_sleep, &pool));
	if (!*error && !pool)
		*error = XG_NO_MEMORY;
	return pool;
}

int xg_pool_set(struct xg_pool *pool, uint32_t reserve, uint32_t limit)
{
	return to_c(allocator.set_pool(*pool, reserve, limit));
}

uint32_t xg_pool_destroy(struct xg_pool *pool)
{
	// Counted first: what ends between the two counts has been freed by its driver too.
	u32 waiting = DeferredEnds::count_of(id_of(*pool));
	u32 out = allocator.destroy_pool(*pool);
	if (out)
		xg_port_schedule(XG_WORK_LEASE, reap_interval_ms);
	return out > waiting ? out - waiting : 0;
}

const char *xg_pool_name(const struct xg_pool *pool)
{
	return pool->name;
}

// --- references ---

int64_t xg_alloc_one(struct xg_pool *pool)
{
	return xg_alloc_one_fast(pool);
}

int64_t xg_alloc_one_slow(struct xg_pool *pool)
{
	return to_c(allocator.alloc(*pool));
}

int xg_free_one(uint32_t ref, unsigned long caller)
{
	return xg_free_one_fast(ref, caller);
}

int xg_free_one_slow(uint32_t ref, unsigned long caller)
{
	return to_c(allocator.free({ref}, {caller}));
}

void xg_free_ended(uint32_t ref)
{
	allocator.free_owned({ref}, ref_table.read({ref}));
}

void xg_flush_for_waiters(uint32_t pool, unsigned int cpu)
{
	RefAllocator::flush_for_waiters(pools.at({static_cast<u16>(pool)}), cpu);
}

int xg_alloc_list(struct xg_pool *pool, uint32_t count, uint32_t *head)
{
	Result<GrantRef> list = PrivateLists::alloc(*pool, count);
	if (list.ok())
		*head = list.value().raw;
	return to_c(list.error());
}

int xg_free_list(uint32_t *head, unsigned long caller)
{
	Head list(head);
	return to_c(PrivateLists::free(&list.ref, {caller}));
}

int xg_claim(uint32_t *head, unsigned long caller)
{
	return xg_claim_fast(head, caller);
}

int xg_claim_slow(uint32_t *head, unsigned long caller)
{
	Head list(head);
	Result<GrantRef> claimed = PrivateLists::claim(&list.ref, {caller});
	return claimed.ok() ? static_cast<int>(claimed.value().raw) : XG_NO_SPACE;
}

int xg_release(uint32_t *head, uint32_t ref, unsigned long caller)
{
	return xg_release_fast(head, ref, caller);
}

int xg_release_slow(uint32_t *head, uint32_t ref, unsigned long caller)
{
	Head list(head);
	return to_c(PrivateLists::release(&list.ref, {ref}, {caller}));
}

int xg_alloc_seq(struct xg_pool *pool, uint32_t count, uint32_t *first)
{
	if (!count)
		return XG_INVALID;
	Result<GrantRef> sequence = allocator.alloc_sequence(*pool, count);
	if (sequence.ok())
		*first = sequence.value().raw;
	return to_c(sequence.error());
}

int xg_free_seq(uint32_t *first, uint32_t *count, unsigned long caller)
{
	Head at(first);
	return to_c(allocator.free_sequence(&at.ref, count, {caller}));
}

bool xg_is_leased(uint32_t ref)
{
	return ref_table.look_up({ref}).state() != RefState::unleased;
}

// --- granting and ending ---

int xg_grant(uint32_t ref, uint16_t domid, uint64_t frame, bool readonly, unsigned long caller)
{
	return xg_grant_fast(ref, domid, frame, readonly, caller);
}

int xg_grant_slow(uint32_t ref, uint16_t domid, uint64_t frame, bool readonly, unsigned long caller)
{
	return to_c(grants.grant({ref}, {domid}, {frame}, readonly, {caller}));
}

int64_t xg_grant_new(struct xg_pool *pool, uint16_t domid, uint64_t frame, bool readonly,
		     unsigned long caller)
{
	return xg_grant_new_fast(pool, domid, frame, readonly, caller);
}

int64_t xg_grant_new_slow(struct xg_pool *pool, uint16_t domid, uint64_t frame, bool readonly,
			  unsigned long caller)
{
	return to_c(grants.grant_new(*pool, {domid}, {frame}, readonly, {caller}));
}

int64_t xg_grant_new_lost(struct xg_pool *pool, uint32_t ref, uint16_t domid, uint64_t frame,
			  bool readonly, unsigned long caller)
{
	grants.give_up_lost({ref});
	return to_c(grants.grant_new(*pool, {domid}, {frame}, readonly, {caller}));
}

int xg_grant_part(uint32_t ref, uint16_t domid, uint64_t frame, bool readonly, uint16_t offset,
		  uint16_t length, unsigned long caller)
{
	if (!length || offset + length > frame_bytes)
		return ref_table.is_v2() ? XG_INVALID : XG_UNSUPPORTED;
	return to_c(
	    grants.grant_part({ref}, {domid}, {frame}, readonly, {offset, length}, {caller}));
}

int xg_grant_transitive(uint32_t ref, uint16_t domid, bool readonly, uint16_t source_domid,
			uint32_t source_ref, unsigned long caller)
{
	return to_c(grants.grant_transitive({ref}, {domid}, readonly, {source_domid}, {source_ref},
					    {caller}));
}

int xg_end(uint32_t ref, unsigned long caller)
{
	return xg_end_fast(ref, caller);
}

int xg_end_slow(uint32_t ref, unsigned long caller)
{
	return to_c(grants.end({ref}, {caller}));
}

int xg_try_end(uint32_t ref, unsigned long caller)
{
	return xg_try_end_fast(ref, caller);
}

int xg_try_end_slow(uint32_t ref, unsigned long caller)
{
	return to_c(grants.try_end({ref}, {caller}));
}

int xg_end_and_put(uint32_t ref, void *page, unsigned long caller)
{
	if (!xg_quick_end_and_free(ref))
		return xg_end_and_put_slow(ref, page, caller);
	if (page)
		xg_port_page_put(page);
	return XG_ENDED;
}

int xg_end_and_put_slow(uint32_t ref, void *page, unsigned long caller)
{
	return to_c(grants.end_and_put({ref}, page, {caller}));
}

int xg_end_notify(struct xg_end_notice *notice, uint32_t ref, void *page, void (*fn)(void *arg),
		  void *arg, unsigned long caller)
{
	return to_c(grants.end_and_notify(notice, {ref}, page, fn, arg, {caller}));
}

void xg_cancel_notice(struct xg_end_notice *notice)
{
	deferred_ends.cancel(notice);
}

bool xg_end_unleased(uint32_t ref)
{
	return Grants::end_unleased({ref});
}

void *xg_keep_page_of(uint32_t ref)
{
	return Grants::keep_page_of({ref});
}

int xg_grant_batch(struct xg_pool *pool, uint16_t domid, const unsigned long *frames,
		   uint32_t count, bool readonly, uint32_t *refs, unsigned long caller)
{
	return to_c(grants.grant_batch(*pool, {domid}, frames, count, readonly, refs, {caller}));
}

uint32_t xg_end_batch(uint32_t *refs, void **pages, uint32_t count, unsigned long caller)
{
	return grants.end_batch(refs, pages, count, {caller});
}

// --- free callbacks ---

void xg_request_callback(struct xg_pool *pool, struct xg_free_callback *callback,
			 void (*fn)(void *arg), void *arg, uint16_t count)
{
	if (!callbacks.request(*pool, callback, fn, arg, count))
		return;
	// Fetch the references that were freed before the callback was queued: no wake-up is lost.
	RefAllocator::drain_all();
	callbacks.lease_for_waiting();
}

void xg_cancel_callback(struct xg_free_callback *callback)
{
	callbacks.cancel(callback);
}

bool xg_can_ever_allocate(const struct xg_pool *pool, uint32_t count)
{
	return FreeCallbacks::can_ever_be_met(*pool, count);
}

void xg_refuse(enum xg_report what, uint32_t ref, unsigned long caller)
{
	(void)reports.misuse(what, {ref}, {caller});
}

// --- called by the host ---

void xg_kernel_has_room(void)
{
	lease.kernel_has_room();
}

void xg_deferred_work(void)
{
	deferred_ends.work();
}

void xg_lease_work(void)
{
	if (grants.recover_lost())
		xg_port_schedule(XG_WORK_LEASE, Lease::patience_ms);
	callbacks.lease_for_waiting();
	u32 from_caches = lease.is_beyond_spare() ? RefAllocator::drain_idle() : 0;
	lease.shrink(callbacks.most_wanted(), from_caches);
	callbacks.run();
	if (allocator.reap_pools())
		xg_port_schedule(XG_WORK_LEASE, reap_interval_ms);
}

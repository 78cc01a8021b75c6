// SPDX-License-Identifier: GPL-2.0
//
// The C boundary: the core's life, references, callbacks, and what the host calls.
#include "parts.hh"

using namespace xengnt;

constinit xg_pool *xg_the_default_pool;

namespace xengnt
{

constinit Core core;

int number_of(Error error)
{
	switch (error) {
	case Error::no_space:
		return XG_NO_SPACE;
	case Error::not_leased:
		return XG_NOT_LEASED;
	case Error::misuse:
		return XG_MISUSE;
	case Error::bad_frame:
		return XG_INVALID;
	case Error::busy:
		return XG_SLOW;
	case Error::none:
		break;
	}
	return XG_INVALID;
}

} // namespace xengnt

namespace
{

// How often pools that were given up with references still out are looked at.
constexpr unsigned reap_interval_ms = 2000;

void release_leaked(u32 ref, RefWord word)
{
	GrantEntry entry = ref_table.entry(ref);
	xg_port_report(XG_REPORT_LEAKED, ref, entry_domid(entry).raw, 0);
	ref_table.write(ref, RefWord::make(RefState::unleased, {0}, 0));
	if (word.state() == RefState::granted && !entry_end(entry)) {
		// The kernel keeps the granted page until the other side lets go.
		xg_port_hand_over(ref, nullptr);
		return;
	}
	xg_port_unlease(&ref, 1);
}

} // namespace

// --- life ---

int xg_core_start(const struct xg_config *config)
{
	if (!config->table_refs || config->table_refs > max_table_refs || !config->lease_step ||
	    config->lease_step > XG_LEASE_BATCH || config->table_version < 1 ||
	    config->table_version > 2)
		return XG_INVALID;

	u32 usable = config->table_refs > reserved_refs ? config->table_refs - reserved_refs : 0;
	u32 limit =
	    config->lease_limit && config->lease_limit < usable ? config->lease_limit : usable;
	core.callbacks.create();
	core.deferred.create();
	core.lease.create(limit, config->lease_step, config->spare_limit);
	core.allocator.create();
	ref_table.create(config->table_refs, config->table_version == 2);
	if (core.store.create(config->table_refs)) {
		xg_the_default_pool =
		    static_cast<xg_pool *>(core.allocator.create_pool("default", ~0u, true));
		if (xg_the_default_pool)
			return XG_OK;
	}
	core.allocator.destroy();
	core.store.destroy();
	ref_table.destroy();
	return XG_NO_MEMORY;
}

void xg_core_stop(void)
{
	xg_port_watch_kernel(0);
	core.deferred.hand_over();
	core.allocator.drain_all();
	core.lease.give_all_back();
	ref_table.each([](u32 ref, RefWord word) {
		if (word.state() != RefState::unleased)
			release_leaked(ref, word);
	});
	xg_the_default_pool = nullptr;
	core.allocator.destroy();
	core.store.destroy();
	ref_table.destroy();
}

uint32_t xg_core_resume(unsigned int table_version)
{
	return ref_table.resume(table_version == 2);
}

struct xg_pool *xg_pool_create(const char *name, uint32_t reserve, uint32_t limit, bool may_sleep,
			       int *error)
{
	Pool *pool = core.allocator.create_pool(name, limit, may_sleep);
	*error = XG_NO_MEMORY;
	if (!pool)
		return nullptr;
	*error = XG_NO_SPACE;
	if (reserve && !core.allocator.reserve(*pool, reserve)) {
		core.allocator.destroy_pool(*pool);
		return nullptr;
	}
	*error = XG_OK;
	return static_cast<xg_pool *>(pool);
}

const char *xg_pool_name(const struct xg_pool *pool)
{
	return pool->name;
}

uint32_t xg_pool_destroy(struct xg_pool *pool)
{
	// Counted first: what ends between the two counts has been freed by its driver too.
	u32 waiting = core.deferred.count_of(pool_of(pool).id);
	u32 out = core.allocator.destroy_pool(pool_of(pool));
	if (out)
		xg_port_schedule(XG_WORK_LEASE, reap_interval_ms);
	return out > waiting ? out - waiting : 0;
}

// --- references ---

[[gnu::flatten]] int64_t xg_alloc_one_fast(struct xg_pool *pool, unsigned int cpu)
{
	return number(core.allocator.alloc_fast(pool_of(pool), cpu));
}

int64_t xg_alloc_one(struct xg_pool *pool)
{
	return number(core.allocator.alloc(pool_of(pool)));
}

[[gnu::flatten]] int xg_free_one_fast(uint32_t ref, unsigned int cpu)
{
	return number(core.allocator.free_fast({ref}, RefState::claimed, cpu));
}

int xg_free_one(uint32_t ref, unsigned long caller)
{
	return number(core.allocator.free({ref}, RefState::claimed, {caller}));
}

int xg_alloc_list(struct xg_pool *pool, uint32_t count, uint32_t *head)
{
	Result<GrantRef> list = core.allocator.alloc_list(pool_of(pool), count);
	if (!list.ok())
		return number(list.error());
	*head = list.value().raw;
	return XG_OK;
}

int xg_free_list(uint32_t *head, unsigned long caller)
{
	return number(core.allocator.free_list(head, {caller}));
}

namespace
{

XG_RARE int claim_slowly(uint32_t *head, unsigned long caller)
{
	Result<GrantRef> claimed = core.allocator.claim(head, {caller});
	if (claimed.ok())
		return static_cast<int>(claimed.value().raw);
	return claimed.error() == Error::not_leased ? xg_port_kernel_claim(head) : XG_NO_SPACE;
}

XG_RARE int release_slowly(uint32_t *head, uint32_t ref, unsigned long caller)
{
	Status released = core.allocator.release(head, {ref}, {caller});
	if (released.ok() || released.error() != Error::not_leased)
		return number(released);
	// The kernel would free a whole list without asking whose its members are.
	if (*head != no_ref.raw && xg_is_leased(*head))
		return number(core.allocator.misuse(XG_REPORT_RELEASE_UNCLAIMED, {ref}, {caller}));
	return xg_port_kernel_release(head, ref);
}

} // namespace

[[gnu::flatten]] int xg_claim(uint32_t *head, unsigned long caller)
{
	Result<GrantRef> claimed = core.allocator.claim_fast(head);
	if (!claimed.ok()) [[unlikely]]
		return claim_slowly(head, caller);
	return static_cast<int>(claimed.value().raw);
}

[[gnu::flatten]] int xg_release(uint32_t *head, uint32_t ref, unsigned long caller)
{
	if (!core.allocator.release_fast(head, {ref}).ok()) [[unlikely]]
		return release_slowly(head, ref, caller);
	return XG_OK;
}

int xg_alloc_seq(struct xg_pool *pool, uint32_t count, uint32_t *first)
{
	if (!count)
		return XG_INVALID;
	Result<GrantRef> sequence = core.allocator.alloc_sequence(pool_of(pool), count);
	if (!sequence.ok())
		return number(sequence.error());
	*first = sequence.value().raw;
	return XG_OK;
}

int xg_free_seq(uint32_t *first, uint32_t *count, unsigned long caller)
{
	return number(core.allocator.free_sequence(first, count, {caller}));
}

bool xg_is_leased(uint32_t ref)
{
	u64 *raw = ref_table.find({ref});
	return raw && RefWord{load_relaxed(raw)}.state() != RefState::unleased;
}

// --- free callbacks ---

void xg_request_callback(struct xg_free_callback *callback, void (*fn)(void *arg), void *arg,
			 uint16_t count)
{
	core.callbacks.request(callback, fn, arg, count);
}

void xg_cancel_callback(struct xg_free_callback *callback)
{
	core.callbacks.cancel(callback);
}

void xg_refuse(enum xg_report what, uint32_t ref, unsigned long caller)
{
	(void)core.allocator.misuse(what, {ref}, {caller});
}

// --- called by the host ---

void xg_kernel_has_room(void)
{
	core.lease.kernel_has_room();
	xg_port_schedule(XG_WORK_LEASE, 0);
}

void xg_deferred_work(void)
{
	core.deferred.work();
}

void xg_lease_work(void)
{
	core.callbacks.lease_for_waiting();
	if (core.callbacks.waiting())
		core.lease.put_off_shrinking();
	else
		core.lease.shrink();
	if (core.allocator.reap_pools())
		xg_port_schedule(XG_WORK_LEASE, reap_interval_ms);
}

// SPDX-License-Identifier: GPL-2.0
#include "lease.hh"

namespace xengnt
{

void Lease::create(u32 limit, u32 step, u32 spare_limit)
{
	limit_ = limit;
	step_ = step;
	spare_limit_ = spare_limit;
	leased_ = shrinking_ = moving_ = 0;
	refused_ms_ = 0;
	kernel_lacks_ = plenty;
	leased_total_ = unleased_total_ = 0;
}

void Lease::read(xg_lease *lease) const
{
	u32 lacks = load_relaxed(&kernel_lacks_);
	*lease = {leased(),       limit_,          step_, spare_limit_, lacks == plenty ? 0 : lacks,
		  leased_total(), unleased_total()};
}

// Counts up to `wanted` more as leased before they are, so that the limit holds among CPUs.
u32 Lease::claim_room(u32 wanted)
{
	for (;;) {
		u32 now = load_relaxed(&leased_);
		u32 room = limit_ > now ? limit_ - now : 0;
		u32 more = smaller(wanted, room);
		if (!more || compare_and_swap(&leased_, now, now + more))
			return more;
	}
}

// Takes what the kernel lent into the store; what has no metadata or no reachable entry goes back.
u32 Lease::adopt(u32 *refs, u32 count)
{
	u32 good = 0;
	for (u32 i = 0; i < count; i++) {
		if (!ref_table.prepare({refs[i]}))
			continue;
		u32 ref = refs[i];
		refs[i] = refs[good];
		refs[good++] = ref;
	}
	if (good)
		store_.add(refs, good);
	if (good < count)
		xg_port_unlease(refs + good, count - good);
	fetch_add(&leased_total_, u64{good});
	return good;
}

bool Lease::in_vain(u32 count) const
{
	return count >= load_acquire(&kernel_lacks_) &&
	       xg_port_now_ms() - load_relaxed(&refused_ms_) < patience_ms;
}

// Asks the kernel once; all of what the limit allows of `count`, or nothing.
u32 Lease::ask(u32 count, u32 *refs)
{
	u32 room = claim_room(count);
	if (!room)
		return 0;
	if (!in_vain(room) && xg_port_lease(room, refs)) {
		if (room >= load_acquire(&kernel_lacks_))
			kernel_has_room();
		return room;
	}
	fetch_sub(&leased_, room);
	return 0;
}

// Nobody asks for as many in vain again until the kernel says that they are free.
void Lease::wait_for_kernel(u32 count)
{
	u32 lacks = load_acquire(&kernel_lacks_);
	while (count < lacks && !compare_and_swap(&kernel_lacks_, lacks, count))
		lacks = load_acquire(&kernel_lacks_);
	// Several CPUs may be here: whoever comes last leaves the watch on the smallest count.
	do {
		lacks = load_acquire(&kernel_lacks_);
		if (lacks == plenty)
			return;
		xg_port_watch_kernel(lacks);
	} while (load_acquire(&kernel_lacks_) != lacks);
}

bool Lease::grow(u32 needed)
{
	fetch_add(&moving_, 1u);
	bool grown = grow_by(needed);
	fetch_sub(&moving_, 1u);
	return grown;
}

bool Lease::grow_by(u32 needed)
{
	u32 refs[XG_LEASE_BATCH];

	for (u32 got = 0; got < needed;) {
		u32 missing = smaller(needed - got, XG_LEASE_BATCH);
		bool hopeful = !in_vain(missing);
		u32 lent = missing < step_ ? ask(step_, refs) : 0;
		if (!lent)
			lent = ask(missing, refs);
		if (!lent) {
			if (hopeful)
				store_relaxed(&refused_ms_, xg_port_now_ms());
			if (leased() + missing <= limit_)
				wait_for_kernel(missing);
			return got != 0;
		}
		u32 good = adopt(refs, lent);
		if (good < lent)
			fetch_sub(&leased_, lent - good);
		if (!good)
			return got != 0;
		got += good;
	}
	return true;
}

void Lease::store_has(u32 free, unsigned delay_ms)
{
	if (free <= spare_limit_)
		return;
	if (!exchange(&shrinking_, 1u) || !delay_ms)
		xg_port_schedule(XG_WORK_LEASE, delay_ms);
}

void Lease::put_off_shrinking()
{
	if (load_relaxed(&shrinking_))
		xg_port_schedule(XG_WORK_LEASE, shrink_delay_ms);
}

void Lease::shrink()
{
	if (!exchange(&shrinking_, 0u))
		return;
	u32 free = store_.free_count();
	if (free <= spare_limit_)
		return;
	fetch_add(&moving_, 1u);
	give_back((free - spare_limit_ + 1) / 2);
	fetch_sub(&moving_, 1u);
	store_has(store_.free_count());
}

void Lease::give_back(u32 count)
{
	u32 refs[XG_LEASE_BATCH];
	while (count) {
		u32 got = store_.remove(smaller(count, XG_LEASE_BATCH), refs);
		if (!got)
			return;
		xg_port_unlease(refs, got);
		fetch_sub(&leased_, got);
		fetch_add(&unleased_total_, u64{got});
		count -= got;
	}
}

void Lease::give_all_back()
{
	give_back(~0u);
}

} // namespace xengnt

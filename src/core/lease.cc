// SPDX-License-Identifier: GPL-2.0
#include "lease.hh"

namespace xengnt
{

constinit Lease lease;

void Lease::create(u32 limit, u32 kernel_reserve, u32 step, u32 spare_limit)
{
	table_limit_ = limit;
	set_kernel_reserve(kernel_reserve);
	step_ = step;
	spare_limit_ = spare_limit;
	leased_ = moving_ = moves_ = left_for_room_ = look_is_due_ = spare_before_ = 0;
	refused_ms_ = useless_until_ms_ = 0;
	kernel_lacks_ = plenty;
	leased_total_ = unleased_total_ = 0;
}

void Lease::set_kernel_reserve(u32 refs)
{
	store_relaxed(&limit_, table_limit_ > refs ? table_limit_ - refs : 0);
}

void Lease::read(xg_lease *to) const
{
	u32 lacks = load_relaxed(&kernel_lacks_);
	*to = {leased(),       limit(),         step_, spare_limit_, lacks == plenty ? 0 : lacks,
	       leased_total(), unleased_total()};
}

// Counts up to `wanted` more as leased before they are, so that the limit holds among CPUs.
u32 Lease::claim_room(u32 wanted)
{
	for (;;) {
		u32 now = load_relaxed(&leased_);
		u32 room = limit() > now ? limit() - now : 0;
		u32 more = min(wanted, room);
		if (!more || compare_and_swap(&leased_, now, now + more))
			return more;
	}
}

// The other way round. Who found the limit reached meanwhile gets another look.
void Lease::release_room(u32 count)
{
	fetch_sub(&leased_, count);
	fetch_add(&moves_, 1u);
	fence_after_swap();
	if (load_relaxed(&left_for_room_) && exchange(&left_for_room_, 0u))
		xg_port_schedule(XG_WORK_LEASE, 0);
}

bool Lease::leave_until_room(u32 count)
{
	// One of the two sees the other: we look again after saying so, and release_room() looks
	// whether somebody has said so after it has made room.
	exchange(&left_for_room_, 1u);
	fence_after_swap();
	return !allows(count);
}

void Lease::end_move()
{
	fetch_add(&moves_, 1u);
	fetch_sub(&moving_, 1u);
}

// Takes what the kernel lent into the central list; what has no notes or no entry that can be
// reached goes back at once.
u32 Lease::adopt(u32 *refs, u32 count)
{
	GrantRef good[XG_LEASE_BATCH];
	u32 nr_good = 0;
	u32 nr_bad = 0;
	for (u32 i = 0; i < count; i++) {
		if (ref_table.prepare({refs[i]}))
			good[nr_good++] = {refs[i]};
		else
			refs[nr_bad++] = refs[i];
	}
	if (nr_good)
		central_list.add(good, nr_good);
	if (nr_bad)
		xg_port_unlease(refs, nr_bad);
	fetch_add(&leased_total_, u64{nr_good});
	return nr_good;
}

bool Lease::in_vain(u32 count) const
{
	return count >= load_acquire(&kernel_lacks_) &&
	       xg_port_now_ms() - load_relaxed(&refused_ms_) < patience_ms;
}

void Lease::kernel_has_room()
{
	store_release(&kernel_lacks_, plenty);
	xg_port_schedule(XG_WORK_LEASE, is_useless() ? patience_ms : 0);
}

// Asks the kernel once; all of what the limit allows of `count`, or nothing.
u32 Lease::ask(u32 count, u32 *refs)
{
	// Without claiming room: others would take the limit for reached.
	if (in_vain(count))
		return 0;
	u32 room = claim_room(count);
	if (!room)
		return 0;
	if (!in_vain(room) && xg_port_lease(room, refs)) {
		if (room >= load_acquire(&kernel_lacks_))
			store_release(&kernel_lacks_, plenty);
		return room;
	}
	release_room(room);
	return 0;
}

// No call asks for as many in vain again until the kernel says that they are free.
void Lease::wait_for_kernel(u32 count)
{
	u32 lacks = load_acquire(&kernel_lacks_);
	while (count < lacks && !compare_and_swap(&kernel_lacks_, lacks, count))
		lacks = load_acquire(&kernel_lacks_);
	// Several CPUs may be here: the last one leaves the watch on the smallest count.
	do {
		lacks = load_acquire(&kernel_lacks_);
		if (lacks == plenty)
			return;
		xg_port_watch_kernel(lacks);
	} while (load_acquire(&kernel_lacks_) != lacks);
}

// Leases some once: `wanted`, or fewer if that is what the limit leaves. How many of them can be
// used; *refused: none came. Interrupts are off, so that an interrupt of this CPU, which cannot
// wait for us, never finds references on their way.
u32 Lease::lease_once(u32 wanted, bool *refused)
{
	u32 refs[XG_LEASE_BATCH];
	IrqsOff irqs_off;
	begin_move();
	u32 lent = ask(wanted, refs);
	u32 good = lent ? adopt(refs, lent) : 0;
	if (good < lent)
		release_room(lent - good);
	end_move();
	*refused = !lent;
	return good;
}

u32 Lease::grow(u32 needed)
{
	u32 got = 0;

	while (got < needed) {
		u32 missing = min(needed - got, XG_LEASE_BATCH);
		bool hopeful = !in_vain(missing);
		bool refused = true;
		u32 good = missing < step_ ? lease_once(step_, &refused) : 0;
		if (refused)
			good = lease_once(missing, &refused);
		if (refused) {
			if (hopeful)
				store_relaxed(&refused_ms_, xg_port_now_ms());
			// The kernel would call at once when its references are free, and of no
			// use.
			if (allows(missing) && !is_useless())
				wait_for_kernel(missing);
			break;
		}
		if (!good) {
			// No memory, or no frame: waiters try again, but not at once.
			store_relaxed(&useless_until_ms_, xg_port_now_ms() + patience_ms);
			break;
		}
		got += good;
	}
	if (got)
		look_for_spare();
	return got;
}

void Lease::look_for_spare()
{
	if (is_beyond_spare() && !exchange(&look_is_due_, 1u))
		xg_port_schedule(XG_WORK_LEASE, look_interval_ms);
}

void Lease::shrink(u32 wanted, u32 from_caches)
{
	store_relaxed(&look_is_due_, 0u);
	u32 free = central_list.free_count();
	u32 keep = max(spare_limit_, wanted);
	u32 spare = min(free, spare_before_ + from_caches);
	u32 back = spare > keep ? spare - keep : 0;
	// After the limit has fallen: what is free goes back first.
	u32 leased_now = leased();
	if (leased_now > limit())
		back = max(back, min(free, leased_now - limit()));
	give_back(back);
	spare_before_ = central_list.free_count();
	look_for_spare();
}

// Gives back some once; how many.
u32 Lease::return_once(u32 count)
{
	GrantRef removed[XG_LEASE_BATCH];
	u32 refs[XG_LEASE_BATCH];
	IrqsOff irqs_off;
	begin_move();
	u32 got = central_list.remove(min(count, XG_LEASE_BATCH), removed);
	for (u32 i = 0; i < got; i++)
		refs[i] = removed[i].raw;
	if (got) {
		xg_port_unlease(refs, got);
		fetch_add(&unleased_total_, u64{got});
		release_room(got);
	}
	end_move();
	return got;
}

void Lease::give_back(u32 count)
{
	while (count) {
		u32 got = return_once(count);
		if (!got)
			return;
		count -= got;
	}
}

} // namespace xengnt

// SPDX-License-Identifier: GPL-2.0
//
// The port on the simulated host. Each function also checks what port.h demands of its caller.
#include "port/port.h"

#include <mutex>
#include <new>
#include <thread>

#include "hooks.hh"
#include "world.hh"

using namespace sim;

namespace
{

void outside_locks(const char *call)
{
	if (context().locks)
		world().verdict.broken(std::string(call) + " under a lock of the core");
	if (context().in_kernel)
		world().verdict.broken(std::string(call) + " under the kernel's lock");
}

void no_sleep_problem(const char *call)
{
	outside_locks(call);
	if (context().pinned || context().in_call)
		world().verdict.broken(std::string(call) + " where nothing may sleep");
}

constexpr unsigned initialised = 0x10c4; // a lock without it has not been

struct Lock {
	std::mutex mutex;
	unsigned state = initialised;
};

std::mutex &mutex_of(xg_port_lock *lock)
{
	static_assert(sizeof(Lock) <= sizeof(xg_port_lock));
	return reinterpret_cast<Lock *>(lock)->mutex;
}

} // namespace

void *xg_port_page_alloc(void)
{
	return world().faults.due(Call::page_alloc) ? nullptr : world().memory.page();
}

void xg_port_page_free(void *page)
{
	world().memory.free_page(page);
}

void *xg_port_alloc(size_t bytes)
{
	no_sleep_problem("xg_port_alloc");
	return world().faults.due(Call::alloc) ? nullptr : world().memory.block(bytes);
}

void *xg_port_alloc_atomic(size_t bytes)
{
	return xg_port_alloc(bytes);
}

void xg_port_free(void *memory)
{
	no_sleep_problem("xg_port_free");
	world().memory.free_block(memory);
}

void xg_port_lock_init(struct xg_port_lock *lock, enum xg_lock_class)
{
	new (lock) Lock;
}

unsigned long xg_port_lock_acquire(struct xg_port_lock *lock)
{
	if (context().locks)
		world().verdict.broken("two locks of the core at once");
	if (reinterpret_cast<Lock *>(lock)->state != initialised)
		world().verdict.broken("a lock that nobody has initialised");
	world().lock_is_wanted();
	hooks::lock_acquire(mutex_of(lock));
	return static_cast<unsigned long>(context().locks++);
}

void xg_port_lock_release(struct xg_port_lock *lock, unsigned long flags)
{
	context().locks = static_cast<int>(flags);
	hooks::lock_release(mutex_of(lock));
}

unsigned int xg_port_cpus(void)
{
	return world().config.cpus;
}

unsigned int xg_port_pin(void)
{
	context().pinned++;
	return context().cpu;
}

void xg_port_unpin(void)
{
	if (--context().pinned < 0)
		world().verdict.broken("unpinned without being pinned");
}

unsigned long xg_port_self(void)
{
	return reinterpret_cast<unsigned long>(&context());
}

void xg_port_relax(void)
{
	hooks::relax();
}

uint64_t xg_port_now_ms(void)
{
	return world().clock.now_ms();
}

unsigned int xg_port_lease(unsigned int count, uint32_t *refs)
{
	outside_locks("xg_port_lease");
	if (world().faults.due(Call::lease))
		return 0;
	return world().kernel.lease(count, refs);
}

void xg_port_unlease(const uint32_t *refs, unsigned int count)
{
	outside_locks("xg_port_unlease");
	world().kernel.unlease(refs, count);
}

// A reference that is nobody's, or free: told apart from what the core itself returns.
int xg_port_kernel_claim(uint32_t *head)
{
	if (world().kernel.is_leased(*head))
		world().verdict.broken("the kernel is to claim what is leased");
	int64_t ref = world().kernel.claim(head);
	return ref < 0 ? XG_NOT_LEASED : static_cast<int>(ref);
}

int xg_port_kernel_release(uint32_t *head, uint32_t ref)
{
	if (world().kernel.is_leased(ref))
		world().verdict.broken("the kernel is to release what is leased");
	return world().kernel.release(head, ref) ? XG_OK : XG_NOT_LEASED;
}

void xg_port_kernel_free_list(uint32_t head)
{
	outside_locks("xg_port_kernel_free_list");
	world().kernel.free_list(head);
}

void xg_port_watch_kernel(unsigned int count)
{
	outside_locks("xg_port_watch_kernel");
	world().kernel.watch(count);
}

void *xg_port_table_frame(unsigned int index)
{
	if (world().faults.due(Call::table_frame))
		return nullptr;
	return world().xen.frame(index);
}

bool xg_port_table_frame_gone(unsigned int index)
{
	if (!context().pinned)
		world().verdict.broken("asked for a lost frame where a resume can come in");
	return world().xen.is_gone(index);
}

void *xg_port_status_frame(unsigned int index)
{
	if (!world().xen.is_v2())
		world().verdict.broken("status frames in a table of version 1");
	if (world().faults.due(Call::table_frame))
		return nullptr;
	return world().xen.status_frame(index);
}

void *xg_port_page_of_frame(uint64_t frame)
{
	if (world().faults.due(Call::page_of_frame))
		return nullptr;
	return world().pages.get(frame);
}

void xg_port_page_put(void *page)
{
	world().pages.put(static_cast<Page *>(page));
}

void xg_port_hand_over(uint32_t ref, void *page)
{
	world().kernel.hand_over(ref, static_cast<Page *>(page));
}

void xg_port_schedule(enum xg_work work, unsigned int delay_ms)
{
	world().clock.schedule(work, delay_ms);
}

void xg_port_call(void (*fn)(void *arg), void *arg)
{
	outside_locks("a driver's callback");
	if (!context().irqs_off)
		world().verdict.broken("a driver's callback that an interrupt can cancel for ever");
	context().in_call++;
	fn(arg);
	context().in_call--;
}

unsigned long xg_port_irqs_off(void)
{
	return static_cast<unsigned long>(context().irqs_off++);
}

void xg_port_irqs_on(unsigned long flags)
{
	context().irqs_off = static_cast<int>(flags);
}

void xg_port_trace(enum xg_trace what, uint32_t ref, uint16_t domid)
{
	world().last_trace[what] = uint64_t{ref} << 16 | domid;
}

void xg_port_report(enum xg_report what, uint32_t ref, uint16_t domid, unsigned long caller)
{
	if (context().locks)
		world().verdict.broken("a report under a lock of the core");
	world().log.add({what, ref, domid, caller});
}

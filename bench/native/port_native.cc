// SPDX-License-Identifier: GPL-2.0
//
// The core's port on a bare program: each function the cheapest that does its work, so that what is
// measured is the core. What leases references is src/linux/port_lease.c itself, linked with a
// stock table of our own (see stock.h).
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "../../src/core/core.h"
#include "lock.h"
#include "port_native.h"
#include "stock.h"

struct xengnt_client;

namespace
{

// Laid out as struct xengnt_client of src/linux/callers.h.
struct {
	xg_pool *pool;
	bool taken;
	char name[56];
} client;

unsigned cpus = 2;
size_t allocated;
uint64_t now_ms;

void *zeroed(size_t bytes)
{
	bytes = (bytes + 63) & ~size_t{63};
	void *memory = aligned_alloc(bytes >= 4096 ? 4096 : 64,
				     bytes >= 4096 ? (bytes + 4095) & ~size_t{4095} : bytes);
	if (!memory)
		abort();
	allocated += bytes;
	return memset(memory, 0, bytes);
}

unsigned int &word_of(xg_port_lock *lock)
{
	return *reinterpret_cast<unsigned int *>(lock->opaque);
}

} // namespace

void port_core_started()
{
	client.pool = xg_default_pool();
}

void port_set_cpus(unsigned number)
{
	cpus = number;
}

size_t port_allocated()
{
	return allocated;
}

void port_forget_allocated()
{
	allocated = 0;
}

void port_pass_ms(unsigned ms)
{
	now_ms += ms;
}

void *xg_port_page_alloc(void)
{
	return zeroed(XG_PORT_PAGE_SIZE);
}

void xg_port_page_free(void *page)
{
	free(page);
}

void *xg_port_alloc(size_t bytes)
{
	return zeroed(bytes);
}

void *xg_port_alloc_atomic(size_t bytes)
{
	return xg_port_alloc(bytes);
}

void xg_port_free(void *memory)
{
	free(memory);
}

void xg_port_lock_init(struct xg_port_lock *lock, enum xg_lock_class)
{
	word_of(lock) = 0;
}

unsigned long xg_port_lock_acquire(struct xg_port_lock *lock)
{
	bench_lock_acquire(&word_of(lock));
	return 0;
}

void xg_port_lock_release(struct xg_port_lock *lock, unsigned long)
{
	bench_lock_release(&word_of(lock));
}

unsigned int xg_port_cpus(void)
{
	return cpus;
}

unsigned int xg_port_pin(void)
{
	return bench_cpu;
}

void xg_port_unpin(void) {}

unsigned long xg_port_self(void)
{
	return bench_cpu;
}

void xg_port_relax(void)
{
	__builtin_ia32_pause();
}

uint64_t xg_port_now_ms(void)
{
	return now_ms;
}

// The version of the table never changes here.
extern "C" bool xengnt_kernel_cannot_grow()
{
	return false;
}

// The program is a driver of its own, whose calls draw from the default pool. Only the first call
// from each place asks for the client; finding it again is src/linux/callers.c itself.
extern "C" struct xengnt_client *xengnt_client_named(const char *)
{
	return reinterpret_cast<xengnt_client *>(&client);
}

// Where the shims hand a reference to the kernel: none of ours gets that far.
extern "C" bool xengnt_kernels_own(uint32_t, unsigned long)
{
	return true;
}

extern "C" bool xengnt_kernel_end_ref(uint32_t, unsigned long)
{
	abort();
}

extern "C" bool xengnt_kernel_try_end(uint32_t, unsigned long)
{
	abort();
}

extern "C" void xengnt_kernel_end(uint32_t, void *, unsigned long)
{
	abort();
}

extern "C" void xengnt_kernel_free(uint32_t)
{
	abort();
}

extern "C" void xengnt_kernel_grant(uint32_t, uint16_t, unsigned long, int)
{
	abort();
}

extern "C" void xengnt_say_busy(uint32_t, unsigned long)
{
	abort();
}

extern "C" void xengnt_headroom_kick()
{
}

bool xg_port_table_frame_gone(unsigned int)
{
	return false;
}

void *xg_port_table_frame(unsigned int index)
{
	return lender_stock_frame(index);
}

// The native table has version 1.
void *xg_port_status_frame(unsigned int)
{
	return nullptr;
}

void *xg_port_page_of_frame(uint64_t)
{
	return nullptr;
}

void xg_port_page_put(void *) {}

void xg_port_hand_over(uint32_t, void *) {}

// Nothing is idle in a benchmark: the lease need not shrink.
void xg_port_schedule(enum xg_work, unsigned int) {}

void xg_port_call(void (*fn)(void *arg), void *arg)
{
	fn(arg);
}

// A benchmark that misuses the interface measures nothing; what it still holds at its end is fine.
unsigned long xg_port_irqs_off(void)
{
	return 0;
}

void xg_port_irqs_on(unsigned long)
{
}

void xg_port_trace(enum xg_trace, uint32_t, uint16_t) {}

void xg_port_report(enum xg_report what, uint32_t ref, uint16_t, unsigned long)
{
	if (what == XG_REPORT_LEAKED)
		return;
	fprintf(stderr, "bench: error: report %d about reference %u\n", what, ref);
	abort();
}

// SPDX-License-Identifier: GPL-2.0
#include "recorder.h"

#include <vector>

#include "lock.h"
#include "mesi.h"

namespace
{

Mesi caches;
bool on;
Counted *counting;
bool keep_places;
std::map<Place, uint64_t> places;
std::map<const char *, std::pair<uintptr_t, uintptr_t>> named;
std::vector<std::pair<uintptr_t, uintptr_t>> ignored;
uintptr_t stack_top;

// One thread plays all the CPUs: its stack, and the number of the CPU, stand for a stack and a
// number that each CPU has for itself.
bool is_private(uintptr_t at)
{
	if (at >= reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) && at < stack_top)
		return true;
	if (at == reinterpret_cast<uintptr_t>(&bench_cpu))
		return true;
	for (auto [begin, end] : ignored)
		if (at >= begin && at < end)
			return true;
	return false;
}

const char *name_of(uintptr_t at)
{
	for (const auto &[name, range] : named)
		if (at >= range.first && at < range.second)
			return name;
	return "other";
}

void line_access(uintptr_t line, bool write, void *place)
{
	Mesi::Step step = write ? caches.write(bench_cpu, line) : caches.read(bench_cpu, line);
	if (!counting)
		return;
	counting->accesses++;
	counting->transfers += step == Mesi::Step::transfer;
	counting->upgrades += step == Mesi::Step::upgrade;
	if (keep_places && step == Mesi::Step::transfer)
		places[{reinterpret_cast<uintptr_t>(place), line * Mesi::line_size,
			name_of(line * Mesi::line_size)}]++;
}

void access(const volatile void *memory, size_t size, bool write, void *place)
{
	auto at = reinterpret_cast<uintptr_t>(memory);
	if (!on || !size || is_private(at))
		return;
	on = false; // the model's own tables are copied and cleared, too
	for (uintptr_t line = at / Mesi::line_size; line <= (at + size - 1) / Mesi::line_size;
	     line++)
		line_access(line, write, place);
	on = true;
}

void locked()
{
	if (on && counting)
		counting->locked++;
}

} // namespace

#define HERE __builtin_return_address(0)

void recorder_start()
{
	caches.clear();
	places.clear();
	counting = nullptr;
	// The callers of main() and what the kernel has put above them lie within this.
	stack_top = reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) + (1 << 20);
	on = true;
}

void recorder_count(Counted *counted)
{
	counting = counted;
}

void recorder_stop()
{
	on = false;
	counting = nullptr;
}

void recorder_ignore(const void *memory, size_t size)
{
	auto at = reinterpret_cast<uintptr_t>(memory);
	ignored.push_back({at, at + size});
}

void recorder_keep_places(bool keep)
{
	keep_places = keep;
}

void recorder_name(const char *name, const void *memory, size_t size)
{
	auto at = reinterpret_cast<uintptr_t>(memory);
	named[name] = {at, at + size};
}

const std::map<Place, uint64_t> &recorder_places()
{
	return places;
}

extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void *) {}
void __tsan_func_exit() {}

#define PLAIN(size)                                                                                \
	void __tsan_read##size(void *at)                                                           \
	{                                                                                          \
		access(at, size, false, HERE);                                                     \
	}                                                                                          \
	void __tsan_write##size(void *at)                                                          \
	{                                                                                          \
		access(at, size, true, HERE);                                                      \
	}                                                                                          \
	void __tsan_unaligned_read##size(void *at)                                                 \
	{                                                                                          \
		access(at, size, false, HERE);                                                     \
	}                                                                                          \
	void __tsan_unaligned_write##size(void *at)                                                \
	{                                                                                          \
		access(at, size, true, HERE);                                                      \
	}
PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void __tsan_read_range(void *at, size_t size)
{
	access(at, size, false, HERE);
}

void __tsan_write_range(void *at, size_t size)
{
	access(at, size, true, HERE);
}

void __tsan_vptr_update(void **at, void *)
{
	access(at, sizeof(*at), true, HERE);
}

void __tsan_vptr_read(void **at)
{
	access(at, sizeof(*at), false, HERE);
}

void __tsan_atomic_thread_fence(int)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void __tsan_atomic_signal_fence(int)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

#define MODIFY(bits, type, name)                                                                   \
	type __tsan_atomic##bits##_fetch_##name(volatile type *at, type value, int)                \
	{                                                                                          \
		access(at, sizeof(type), true, HERE);                                              \
		locked();                                                                          \
		return __atomic_fetch_##name(at, value, __ATOMIC_SEQ_CST);                         \
	}
// A compare-and-swap that fails takes the line for itself all the same.
#define COMPARE(bits, type, name)                                                                  \
	bool __tsan_atomic##bits##_compare_exchange_##name(volatile type *at, type *expected,      \
							   type value, int, int)                   \
	{                                                                                          \
		access(at, sizeof(type), true, HERE);                                              \
		locked();                                                                          \
		return __atomic_compare_exchange_n(at, expected, value, false, __ATOMIC_SEQ_CST,   \
						   __ATOMIC_SEQ_CST);                              \
	}
#define ATOMIC(bits, type)                                                                         \
	type __tsan_atomic##bits##_load(const volatile type *at, int)                              \
	{                                                                                          \
		access(at, sizeof(type), false, HERE);                                             \
		return __atomic_load_n(at, __ATOMIC_SEQ_CST);                                      \
	}                                                                                          \
	void __tsan_atomic##bits##_store(volatile type *at, type value, int order)                 \
	{                                                                                          \
		access(at, sizeof(type), true, HERE);                                              \
		if (order == __ATOMIC_SEQ_CST)                                                     \
			locked();                                                                  \
		__atomic_store_n(at, value, __ATOMIC_SEQ_CST);                                     \
	}                                                                                          \
	type __tsan_atomic##bits##_exchange(volatile type *at, type value, int)                    \
	{                                                                                          \
		access(at, sizeof(type), true, HERE);                                              \
		locked();                                                                          \
		return __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST);                           \
	}                                                                                          \
	MODIFY(bits, type, add)                                                                    \
	MODIFY(bits, type, sub)                                                                    \
	MODIFY(bits, type, and)                                                                    \
	MODIFY(bits, type, or)                                                                     \
	MODIFY(bits, type, xor)                                                                    \
	COMPARE(bits, type, strong)                                                                \
	COMPARE(bits, type, weak)
ATOMIC(8, uint8_t)
ATOMIC(16, uint16_t)
ATOMIC(32, uint32_t)
ATOMIC(64, uint64_t)

// Linked with --wrap: the compiler leaves these to the sanitizer's library.
void *__real_memset(void *to, int value, size_t size);
void *__real_memcpy(void *to, const void *from, size_t size);

void *__wrap_memset(void *to, int value, size_t size)
{
	access(to, size, true, HERE);
	return __real_memset(to, value, size);
}

void *__wrap_memcpy(void *to, const void *from, size_t size)
{
	access(from, size, false, HERE);
	access(to, size, true, HERE);
	return __real_memcpy(to, from, size);
}
}

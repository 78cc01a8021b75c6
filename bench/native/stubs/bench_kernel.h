/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Just enough of a kernel for drivers/xen/grant-table.c and our grant_table.c to be
 * compiled as part of a program. Every header that they include is this one,
 * except Xen's own two, which come with the kernel's source.
 *
 * What the hot paths use is real: the spinlock makes one atomic exchange, the
 * bitmaps work on whole words. Interrupts do not exist, so that neither side
 * pays for turning them off; hypercalls succeed; the rest does nothing.
 */
#ifndef BENCH_KERNEL_H
#define BENCH_KERNEL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef unsigned int gfp_t;
typedef uint64_t phys_addr_t;

#define EAGAIN 11
#define ENOMEM 12
#define EFAULT 14
#define ENODEV 19
#define EINVAL 22
#define ENOSPC 28
#define ENOSYS 38

/* --- the compiler ------------------------------------------------------ */

#define noinline __attribute__((noinline))
#define __cold __attribute__((cold))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define barrier() __asm__ __volatile__("" : : : "memory")
#define mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define wmb() barrier()
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#define static_assert(what) _Static_assert(what, #what)
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define min_t(type, a, b) ((type)(a) < (type)(b) ? (type)(a) : (type)(b))
#define _RET_IP_ ((unsigned long)__builtin_return_address(0))

#define EXPORT_SYMBOL_GPL(symbol) extern int bench_exported_##symbol
#define module_param(name, type, perm) extern int bench_param_##name
#define module_param_named(name, value, type, perm) extern int bench_param_##name
#define core_initcall_sync(fn) int (*bench_initcall_##fn)(void) = fn
#define KBUILD_MODNAME "grant_table"
struct module { struct { void *base; unsigned int text_size; } core_layout; };

/* Evaluates nothing, yet takes note that the arguments are used. */
static inline void no_print(const char *format, ...) { (void)format; }
#define bench_print(...) do { if (0) no_print(__VA_ARGS__); } while (0)
#define printk bench_print
#define pr_info bench_print
#define pr_warn bench_print
#define pr_warn_ratelimited bench_print
#define pr_err bench_print
#define pr_debug bench_print
#define BUG() abort()
#define BUG_ON(x) do { if (unlikely(x)) abort(); } while (0)
#define WARN_ON(x) ((void)(x))
#define BUILD_BUG_ON(x) _Static_assert(!(x), #x)

/* The version whose allocator stands on the other side. */
#define KERNEL_VERSION(major, minor, patch) ((major) << 16 | (minor) << 8 | (patch))
#define LINUX_VERSION_CODE KERNEL_VERSION(6, 1, 0)

/* --- what is switched off ------------------------------------------------ */

/* A branch that the kernel patches in when somebody wants it: until then one long NOP. */
static inline bool bench_off(void)
{
	__asm__ __volatile__(".byte 0x0f, 0x1f, 0x44, 0x00, 0x00");
	return false;
}

/* What of it is there: all, only the tracepoints, or nothing. */
#define BENCH_ALL 2
#define BENCH_TRACEPOINTS 1
#define BENCH_NONE 0
#ifndef BENCH_HOOKS
#define BENCH_HOOKS BENCH_ALL
#endif
#define bench_traced() (BENCH_HOOKS >= BENCH_TRACEPOINTS && bench_off())

#define DECLARE_STATIC_KEY_FALSE(name) extern int name
#define static_branch_unlikely(key) (BENCH_HOOKS >= BENCH_ALL && bench_off())
#define TP_PROTO(...) __VA_ARGS__
#define TRACE_EVENT(name, proto, ...) \
	static inline bool trace_##name##_enabled(void) { return bench_traced(); } \
	static inline void trace_##name(proto) { (void)bench_traced(); } struct bench_unused
#define DEFINE_EVENT(class, name, proto, args) TRACE_EVENT(name, TP_PROTO(proto))
#define DECLARE_EVENT_CLASS(...) struct bench_unused

/* --- locks and processors ---------------------------------------------- */

/* The port's lock, so that both sides pay the same; see bench/native/lock.h. */
typedef struct { unsigned int taken; } spinlock_t;
#define DEFINE_SPINLOCK(name) spinlock_t name
void bench_lock_acquire(unsigned int *taken);
void bench_lock_release(unsigned int *taken);
#define spin_lock_init(lock) ((lock)->taken = 0)
#define spin_lock_irqsave(lock, flags) ((flags) = 0, bench_lock_acquire(&(lock)->taken))
#define spin_unlock_irqrestore(lock, flags) ((void)(flags), bench_lock_release(&(lock)->taken))
typedef spinlock_t raw_spinlock_t;
#define DEFINE_RAW_SPINLOCK(name) DEFINE_SPINLOCK(name)
#define raw_spin_lock_irqsave spin_lock_irqsave
#define raw_spin_unlock_irqrestore spin_unlock_irqrestore
#define smp_load_acquire(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)

/* --- modules and symbols: the program is one caller ----------------------- */

#define MODULE_NAME_LEN 56
#define KSYM_SYMBOL_LEN 64
#define strstarts(text, prefix) (!strncmp(text, prefix, strlen(prefix)))
#define hash_long(value, bits) ((value) * 0x61c8864680b583ebull >> (64 - (bits)))
struct module;
static inline bool within_module(unsigned long addr, const struct module *module) { return false; }
#define within_module_init within_module
static inline void sprint_symbol_no_offset(char *text, unsigned long addr)
{
	strcpy(text, "work [bench]");
}

extern __thread unsigned int bench_cpu;
#define get_cpu() bench_cpu
#define put_cpu() barrier()
#define in_atomic() 0
#define irqs_disabled() 0

/* --- bits ---------------------------------------------------------------- */

#define BITS_PER_LONG 64

static inline void __bitmap_change(unsigned long *map, unsigned int start, int nr, bool set)
{
	unsigned long *word = map + start / 64;
	unsigned int at = start % 64;

	while (nr > 0) {
		int here = min_t(int, 64 - at, nr);
		unsigned long mask = (here == 64 ? ~0ul : (1ul << here) - 1) << at;

		*word = set ? *word | mask : *word & ~mask;
		word++;
		nr -= here;
		at = 0;
	}
}

static __attribute__((always_inline)) inline void bitmap_set(unsigned long *map,
							     unsigned int start, unsigned int nr)
{
	if (__builtin_constant_p(nr) && nr == 1)
		map[start / 64] |= 1ul << start % 64;
	else
		__bitmap_change(map, start, nr, true);
}

static __attribute__((always_inline)) inline void bitmap_clear(unsigned long *map,
							       unsigned int start, unsigned int nr)
{
	if (__builtin_constant_p(nr) && nr == 1)
		map[start / 64] &= ~(1ul << start % 64);
	else
		__bitmap_change(map, start, nr, false);
}

static inline unsigned long bench_find(const unsigned long *map, unsigned long size,
				       unsigned long from, unsigned long flip)
{
	unsigned long word;

	if (from >= size)
		return size;
	word = (map[from / 64] ^ flip) & ~0ul << from % 64;
	for (from &= ~63ul; !word;) {
		from += 64;
		if (from >= size)
			return size;
		word = map[from / 64] ^ flip;
	}
	from += __builtin_ctzl(word);
	return from < size ? from : size;
}

#define find_first_bit(map, size) bench_find(map, size, 0, 0)
#define find_next_bit(map, size, from) bench_find(map, size, from, 0)
#define find_next_zero_bit(map, size, from) bench_find(map, size, from, ~0ul)
#define bitmap_zalloc(bits, gfp) ((unsigned long *)calloc((bits) / 64 + 1, 8))
#define bitmap_free free

#define sync_cmpxchg(ptr, old, new) __sync_val_compare_and_swap(ptr, old, new)

typedef struct { int64_t value; } atomic64_t;
#define atomic64_inc_return(a) __atomic_add_fetch(&(a)->value, 1, __ATOMIC_SEQ_CST)
#define atomic64_dec_return(a) __atomic_sub_fetch(&(a)->value, 1, __ATOMIC_SEQ_CST)
#define atomic64_read(a) __atomic_load_n(&(a)->value, __ATOMIC_RELAXED)

/* --- memory ---------------------------------------------------------------- */

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096ul
#define GFP_ATOMIC 0
#define GFP_KERNEL 0
#define MEMREMAP_WB 0
#define kmalloc(size, gfp) malloc(size)
#define kmalloc_array(n, size, gfp) malloc((n) * (size))
#define kcalloc(n, size, gfp) calloc(n, size)
#define kzalloc(size, gfp) calloc(1, size)
#define kfree(p) free((void *)(p))
#define __get_free_page(gfp) ((unsigned long)aligned_alloc(PAGE_SIZE, PAGE_SIZE))
#define free_page(p) free((void *)(p))
#define memremap(addr, size, how) ((void)(addr), calloc(1, size))
#define memunmap(p) free(p)

struct list_head { struct list_head *next, *prev; };
#define LIST_HEAD(name) struct list_head name = { &(name), &(name) }
#define INIT_LIST_HEAD(list) ((list)->next = (list)->prev = (list))
#define list_empty(list) ((list)->next == (list))
#define list_first_entry(list, type, member) container_of((list)->next, type, member)
static inline void list_add(struct list_head *item, struct list_head *head)
{
	item->next = head->next;
	item->prev = head;
	head->next->prev = item;
	head->next = item;
}
static inline void list_add_tail(struct list_head *item, struct list_head *head)
{
	list_add(item, head->prev);
}
static inline void list_del(struct list_head *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
}

struct page { unsigned long flags, private; struct list_head lru; int count; };
#define get_page(page) ((page)->count++)
#define put_page(page) ((page)->count--)
#define page_count(page) ((page)->count)
#define page_to_pfn(page) ((unsigned long)(page))
#define pfn_to_page(pfn) ((struct page *)(pfn))
#define SetPagePrivate(page) ((page)->flags |= 1)
#define ClearPagePrivate(page) ((page)->flags &= ~1ul)
#define PagePrivate(page) ((page)->flags & 1)
#define SetPageForeign(page) ((page)->flags |= 2)
#define ClearPageForeign(page) ((page)->flags &= ~2ul)
#define PageForeign(page) ((page)->flags & 2)

/* --- time and work: never comes, never runs -------------------------------- */

#define HZ 250
#define jiffies 0ul
#define msecs_to_jiffies(ms) ((unsigned long)(ms))
#define msleep(ms) ((void)(ms))
struct timer_list { unsigned long expires; void (*fn)(struct timer_list *timer); };
#define DEFINE_TIMER(name, function) struct timer_list name = { .fn = function }
#define timer_pending(timer) ((timer)->expires != 0)
#define add_timer(timer) ((void)(timer))
struct work_struct { int unused; };
struct delayed_work { struct work_struct work; };
#define INIT_DELAYED_WORK(item, function) ((void)(item), (void)(function))
#define schedule_delayed_work(item, delay) ((void)(item), (void)(delay))
struct completion { int done; };
#define init_completion(c) ((c)->done = 0)
#define complete(c) ((c)->done = 1)
#define wait_for_completion(c) ((void)(c))
struct bench_task { const char *comm; };
#define current (&(struct bench_task){ "bench" })

/* --- Xen --------------------------------------------------------------------- */

#include "bench_xen.h"

#endif /* BENCH_KERNEL_H */

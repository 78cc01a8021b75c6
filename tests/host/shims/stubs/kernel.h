/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What src/linux needs from the kernel's headers, declared for the host. CMake makes a file
 * of each name that a shim includes, with this one in it; the tests define the functions.
 */
#ifndef XENGNT_TEST_KERNEL_H
#define XENGNT_TEST_KERNEL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef u32 grant_ref_t;
typedef u16 domid_t;
typedef u64 xen_pfn_t;

#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + (c))
#define LINUX_VERSION_CODE KERNEL_VERSION(6, 1, 0)

#define __user
#define __printf(a, b) __attribute__((format(printf, a, b)))
#define noinline __attribute__((noinline))
#define likely(x) (x)
#define unlikely(x) (x)
#define READ_ONCE(x) (*(volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, value) (*(volatile __typeof__(x) *)&(x) = (value))
#define container_of(pointer, type, member) \
	((type *)((char *)(pointer) - offsetof(type, member)))
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#ifndef __cplusplus
#define static_assert _Static_assert
#endif
#define EXPORT_SYMBOL_GPL(name) extern int xengnt_test_unused
#define _RET_IP_ ((unsigned long)__builtin_return_address(0))

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096
#define XEN_PAGE_SHIFT 12
#define XEN_PAGE_SIZE 4096
#define INVALID_GRANT_REF 0xffffffffu

void test_log(const char *format, ...) __printf(1, 2);
#define pr_info test_log
#define pr_warn test_log
#define pr_err test_log
#define pr_err_ratelimited test_log

struct module {
	struct {
		void *base;
		unsigned int text_size;
	} core_layout;
};

/* --- time, locks: each call is a point where others may come in ----------- */

typedef struct {
	int held;
} raw_spinlock_t;

unsigned long test_jiffies(void);
#define jiffies test_jiffies()
#define HZ 1000
#define msecs_to_jiffies(ms) ((unsigned long)(ms))
#define time_before(a, b) ((long)((a) - (b)) < 0)
#define time_after_eq(a, b) ((long)((a) - (b)) >= 0)
void msleep(unsigned int ms);

#define DEFINE_RAW_SPINLOCK(name) raw_spinlock_t name
void raw_spin_lock_init(raw_spinlock_t *lock);
unsigned long test_lock(raw_spinlock_t *lock);
void test_unlock(raw_spinlock_t *lock, unsigned long flags);
#define raw_spin_lock_irqsave(lock, flags) ((flags) = test_lock(lock))
#define raw_spin_unlock_irqrestore(lock, flags) test_unlock(lock, flags)

struct mutex {
	int held;
};
#define DEFINE_MUTEX(name) struct mutex name
void mutex_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);

/* --- work ----------------------------------------------------------------- */

struct workqueue_struct;
struct work_struct {
	void (*fn)(struct work_struct *work);
};
struct delayed_work {
	struct work_struct work;
	bool pending;
	unsigned long expires;
};
#define WQ_MEM_RECLAIM 0
#define to_delayed_work(w) container_of(w, struct delayed_work, work)
#define INIT_DELAYED_WORK(delayed, function) ((delayed)->work.fn = (function))
struct workqueue_struct *alloc_workqueue(const char *name, unsigned int flags, int active);
void destroy_workqueue(struct workqueue_struct *queue);
bool mod_delayed_work(struct workqueue_struct *queue, struct delayed_work *work,
		      unsigned long delay);
bool cancel_delayed_work_sync(struct delayed_work *work);

/* --- memory and pages ------------------------------------------------------ */

#define GFP_KERNEL 0
#define GFP_ATOMIC 0
#define __GFP_NOWARN 0
#define array_size(a, b) ((a) * (b))
void *vzalloc(size_t bytes);
void vfree(const void *memory);
static inline void *kvcalloc(size_t count, size_t size, int gfp)
{
	(void)gfp;
	return calloc(count, size);
}
static inline void *kmalloc(size_t size, int gfp)
{
	(void)gfp;
	return malloc(size);
}
static inline void kfree(const void *memory)
{
	free((void *)memory);
}
static inline void kvfree(const void *memory)
{
	free((void *)memory);
}

struct page {
	int refs;
};
extern struct page test_zero_page;
#define ZERO_PAGE(address) (&test_zero_page)
void get_page(struct page *page);
void put_page(struct page *page);

/* --- completions ------------------------------------------------------------ */

struct completion {
	bool done;
};
#define DECLARE_COMPLETION_ONSTACK(name) struct completion name = { false }
void complete(struct completion *completion);
bool completion_done(struct completion *completion);
unsigned long wait_for_completion_timeout(struct completion *completion, unsigned long timeout);

/* --- parameters, static keys, stacks ------------------------------------------ */

struct kernel_param {
	void *arg;
};
struct kernel_param_ops {
	int (*set)(const char *value, const struct kernel_param *param);
	int (*get)(char *buffer, const struct kernel_param *param);
};
int param_set_bool(const char *value, const struct kernel_param *param);
int param_get_bool(char *buffer, const struct kernel_param *param);
#define module_param_cb(name, ops, arg, mode) \
	const struct kernel_param_ops *const test_ops_##name = ops; \
	const struct kernel_param test_param_##name = { arg }
#define MODULE_PARM_DESC(name, text) extern int xengnt_test_unused

struct static_key_false {
	bool key;
};
#define DECLARE_STATIC_KEY_FALSE(name) extern struct static_key_false name
#define DEFINE_STATIC_KEY_FALSE(name) struct static_key_false name
#define static_branch_unlikely(name) ((name)->key)
#define static_key_enabled(key) (*(key))
#define static_branch_enable(name) ((name)->key = true)
#define static_branch_disable(name) ((name)->key = false)

typedef u32 depot_stack_handle_t;
int stack_depot_init(void);
depot_stack_handle_t stack_depot_save(unsigned long *entries, unsigned int nr, int gfp);
int stack_depot_snprint(depot_stack_handle_t stack, char *text, size_t size, int spaces);
void stack_depot_print(depot_stack_handle_t stack);
unsigned int stack_trace_save(unsigned long *entries, unsigned int size, unsigned int skip);
long long ktime_get_seconds(void);
struct seq_file;
void seq_puts(struct seq_file *file, const char *text);
void seq_printf(struct seq_file *file, const char *format, ...);

/* --- the table's frames --------------------------------------------------------- */

#define CONFIG_XEN_PV 1
#define CONFIG_X86 1
#define IS_ENABLED(option) option
#define U16_MAX 0xffff
#define DIV_ROUND_UP(a, b) (((a) + (b) - 1) / (b))
#define min(a, b) ((a) < (b) ? (a) : (b))
typedef u64 phys_addr_t;
typedef u64 resource_size_t;
#define __va(address) test_va(address)
void *test_va(phys_addr_t address);
bool pfn_valid(unsigned long pfn);
#define MEMREMAP_WB 0
void *memremap(resource_size_t start, size_t bytes, int flags);
void memunmap(void *where);
void preempt_disable(void);
void preempt_enable(void);
#define smp_store_release(where, value) __atomic_store_n(where, value, __ATOMIC_RELEASE)
#define smp_load_acquire(where) __atomic_load_n(where, __ATOMIC_ACQUIRE)
bool xen_pv_domain(void);

struct syscore_ops {
	int (*suspend)(void);
	void (*resume)(void);
};
void register_syscore_ops(struct syscore_ops *ops);
void unregister_syscore_ops(struct syscore_ops *ops);

#define DOMID_SELF 0x7ff0
#define GNTST_okay 0
#define GNTTAB_NR_RESERVED_ENTRIES 8
#define GNTTABOP_setup_table 2
#define GNTTABOP_query_size 6
#define GNTTABOP_get_status_frames 9
#define GNTTABOP_get_version 10
struct gnttab_setup_table {
	domid_t dom;
	u32 nr_frames;
	int16_t status;
	xen_pfn_t *frame_list;
};
struct gnttab_query_size {
	domid_t dom;
	u32 nr_frames;
	u32 max_nr_frames;
	int16_t status;
};
struct gnttab_get_status_frames {
	u32 nr_frames;
	domid_t dom;
	int16_t status;
	u64 *frame_list;
};
struct gnttab_get_version {
	domid_t dom;
	u32 version;
};
#define set_xen_guest_handle(handle, value) ((handle) = (value))
int HYPERVISOR_grant_table_op(unsigned int command, void *op, unsigned int count);
typedef u16 grant_status_t;
struct grant_entry_v1 {
	u16 flags, domid;
	u32 frame;
};
union grant_entry_v2 {
	u64 words[2];
};

/* --- the kernel's grant table ---------------------------------------------------- */

struct gnttab_free_callback {
	struct gnttab_free_callback *next;
	void (*fn)(void *arg);
	void *arg;
	u16 count;
};
void gnttab_request_free_callback(struct gnttab_free_callback *callback, void (*fn)(void *arg),
				  void *arg, u16 count);
void gnttab_cancel_free_callback(struct gnttab_free_callback *callback);
int gnttab_end_foreign_access_ref(grant_ref_t ref);
int gnttab_try_end_foreign_access(grant_ref_t ref);
void gnttab_end_foreign_access(grant_ref_t ref, struct page *page);
void gnttab_free_grant_reference(grant_ref_t ref);

#define TRACE_EVENT(...) extern int xengnt_test_unused
#define DECLARE_EVENT_CLASS(...) extern int xengnt_test_unused
#define DEFINE_EVENT(...) extern int xengnt_test_unused
#define trace_xengnt_end(ref, ended) ((void)(ref), (void)(ended))

#ifdef __cplusplus
}
#endif

#endif /* XENGNT_TEST_KERNEL_H */

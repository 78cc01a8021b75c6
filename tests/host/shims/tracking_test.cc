// SPDX-License-Identifier: GPL-2.0
//
// src/linux/tracking.c on stubs: the parameter is written while the module is unloaded.
#include <gtest/gtest.h>

#include <functional>

#include "core/core.h"
#include "kernel.h"

extern "C" int xengnt_tracking_init(u32 table_refs);
extern "C" void xengnt_tracking_exit(void);
extern "C" const kernel_param_ops *const test_ops_track;
extern "C" const kernel_param test_param_track;

namespace
{

bool value = true;
std::function<void()> other_cpu; // acts at the next point where it can
bool waits;                      // it is at a mutex that is held
void *freed;

void point()
{
	if (!other_cpu)
		return;
	std::function<void()> act;
	act.swap(other_cpu);
	act();
}

struct Blocked {
};

void track(bool on)
{
	value = on;
	EXPECT_EQ(test_ops_track->set(on ? "1" : "0", &test_param_track), 0);
}

} // namespace

extern "C" {

// Who finds it held is done when it is released: enough for two that do one thing each.
void mutex_lock(mutex *mutex)
{
	if (mutex->held) {
		waits = true;
		throw Blocked{};
	}
	mutex->held = 1;
	point();
}
void mutex_unlock(mutex *mutex)
{
	mutex->held = 0;
}

int param_set_bool(const char *, const kernel_param *param)
{
	*static_cast<bool *>(param->arg) = value;
	return 0;
}
int param_get_bool(char *, const kernel_param *)
{
	return 0;
}
void *vzalloc(size_t bytes)
{
	point();
	return calloc(1, bytes);
}
void vfree(const void *memory)
{
	freed = const_cast<void *>(memory);
	free(freed);
}
int stack_depot_init(void)
{
	return 0;
}
depot_stack_handle_t stack_depot_save(unsigned long *, unsigned, int)
{
	return 1;
}
int stack_depot_snprint(depot_stack_handle_t, char *, size_t, int)
{
	return 0;
}
void stack_depot_print(depot_stack_handle_t) {}
unsigned stack_trace_save(unsigned long *, unsigned, unsigned)
{
	return 0;
}
long long ktime_get_seconds(void)
{
	return 0;
}
void seq_puts(seq_file *, const char *) {}
void seq_printf(seq_file *, const char *, ...) {}
void test_log(const char *, ...) {}
void xg_read_ref(uint32_t, xg_ref_info *) {}
uint32_t xg_next_on_list(uint32_t)
{
	return XG_NO_REF;
}
const char *xg_pool_name(const xg_pool *)
{
	return "";
}

} // extern "C"

namespace
{

// AddressSanitizer sees what is written after it was freed.
TEST(Tracking, SwitchedOnWhileUnloading)
{
	ASSERT_EQ(xengnt_tracking_init(1024), 0);
	track(true);
	track(false);
	waits = false;
	other_cpu = [] {
		try {
			xengnt_tracking_exit();
		} catch (Blocked) {
		}
	};
	freed = nullptr;
	track(true);
	EXPECT_TRUE(waits) << "the table goes while it is cleared";
	EXPECT_EQ(freed, nullptr);
	xengnt_tracking_exit();
	EXPECT_NE(freed, nullptr);
}

TEST(Tracking, SwitchedOnAfterUnloading)
{
	ASSERT_EQ(xengnt_tracking_init(1024), 0);
	xengnt_tracking_exit();
	freed = nullptr;
	track(true);
	track(false);
	xengnt_tracking_exit();
	EXPECT_EQ(freed, nullptr);
}

} // namespace

// SPDX-License-Identifier: GPL-2.0
//
// src/linux/kernel_refs.c and notify.c on stubs: references that the kernel ends, and how long a
// driver waits for them.
#include <gtest/gtest.h>

#include "core/core.h"
#include "kernel.h"
#include "port/port.h"

struct xengnt_end_notice;
extern "C" bool xengnt_kernel_try_end(grant_ref_t ref, unsigned long caller);
extern "C" void xengnt_kernel_end(grant_ref_t ref, struct page *page, unsigned long caller);
extern "C" void xengnt_kernel_defer_end(grant_ref_t ref, struct page *page);
extern "C" int xengnt_end_foreign_access_wait(grant_ref_t ref, struct page *page, unsigned ms);

namespace
{

constexpr grant_ref_t ref = 12;

struct Kernel {
	unsigned long now = 0;
	unsigned long busy_until = 0; // the other domain lets go then
	bool cannot_end = false;
	page *behind = nullptr; // what the entry grants
	bool frame_reachable = true;

	bool ended = false;
	bool deferred = false;
	page *deferred_page = nullptr;
	int refused = 0;
};
Kernel *kernel;

class KernelRefs : public testing::Test
{
protected:
	Kernel now;

	void SetUp() override
	{
		kernel = &now;
		test_zero_page.refs = 1;
	}
	void TearDown() override { kernel = nullptr; }
};

} // namespace

extern "C" {

page test_zero_page = {1};

void get_page(page *page)
{
	page->refs++;
}
void put_page(page *page)
{
	page->refs--;
}

int gnttab_try_end_foreign_access(grant_ref_t)
{
	if (kernel->now < kernel->busy_until)
		return 0;
	kernel->ended = true;
	return 1;
}
int gnttab_end_foreign_access_ref(grant_ref_t given)
{
	return gnttab_try_end_foreign_access(given);
}
void gnttab_end_foreign_access(grant_ref_t given, page *page)
{
	if (gnttab_try_end_foreign_access(given)) {
		if (page)
			put_page(page);
		return;
	}
	// Here the kernel calls pfn_to_page() on whatever the entry holds.
	ASSERT_NE(page, nullptr);
	kernel->deferred = true;
	kernel->deferred_page = page;
}
void gnttab_free_grant_reference(grant_ref_t) {}

bool xengnt_kernel_has(unsigned)
{
	return true;
}
bool xengnt_kernel_cannot_end(void)
{
	return kernel->cannot_end;
}
unsigned xengnt_frame_refs(void)
{
	return 512;
}
void *xg_port_table_frame(unsigned)
{
	static char frame[1];
	return kernel->frame_reachable ? frame : nullptr;
}
bool xg_end_unleased(uint32_t given)
{
	return gnttab_try_end_foreign_access(given);
}
void *xg_keep_page_of(uint32_t)
{
	if (kernel->behind)
		get_page(kernel->behind);
	return kernel->behind;
}
void xg_refuse(xg_report, uint32_t, unsigned long)
{
	kernel->refused++;
}
// Nothing here is leased.
int xg_end_notify(xg_end_notice *, uint32_t, void *, void (*)(void *), void *, unsigned long)
{
	return XG_NOT_LEASED;
}
void xg_cancel_notice(xg_end_notice *) {}

unsigned long test_jiffies(void)
{
	return kernel->now;
}
void msleep(unsigned ms)
{
	kernel->now += ms;
}
void complete(completion *completion)
{
	completion->done = true;
}
bool completion_done(completion *completion)
{
	return completion->done;
}
unsigned long wait_for_completion_timeout(completion *completion, unsigned long timeout)
{
	if (!completion->done)
		kernel->now += timeout;
	return completion->done;
}
void xengnt_say_busy(grant_ref_t, unsigned long) {}
void test_log(const char *, ...) {}

} // extern "C"

namespace
{

TEST_F(KernelRefs, ABusyEndKeepsTheGrantedPage)
{
	page granted{1};
	now.busy_until = 100;
	now.behind = &granted;
	xengnt_kernel_end(ref, nullptr, 0);
	EXPECT_EQ(now.deferred_page, &granted);
	EXPECT_EQ(granted.refs, 2);
}

// A transitive grant, or a frame without a struct page.
TEST_F(KernelRefs, TheKernelGetsAPageWhereNoneIsGranted)
{
	now.busy_until = 100;
	xengnt_kernel_end(ref, nullptr, 0);
	EXPECT_TRUE(now.deferred);
	EXPECT_EQ(now.deferred_page, &test_zero_page);
	EXPECT_EQ(test_zero_page.refs, 2);
}

TEST_F(KernelRefs, AHandedOverEndWithoutAPageGetsOne)
{
	now.busy_until = 100;
	xengnt_kernel_defer_end(ref, nullptr);
	EXPECT_EQ(now.deferred_page, &test_zero_page);
}

TEST_F(KernelRefs, TheStandInIsPutWhenAccessHasJustEnded)
{
	xengnt_kernel_defer_end(ref, nullptr);
	EXPECT_TRUE(now.ended);
	EXPECT_EQ(test_zero_page.refs, 1);
}

// The page that the entry grants is not known then: nothing may take its place.
TEST_F(KernelRefs, AnUnreadableEntryIsKept)
{
	now.busy_until = 100;
	now.frame_reachable = false;
	xengnt_kernel_end(ref, nullptr, 0);
	EXPECT_FALSE(now.deferred);
	EXPECT_EQ(test_zero_page.refs, 1);
}

TEST_F(KernelRefs, WhereTheKernelCannotEndThePageIsKept)
{
	page granted{1};
	now.busy_until = 100;
	now.behind = &granted;
	now.cannot_end = true;
	xengnt_kernel_end(ref, nullptr, 0);
	EXPECT_FALSE(now.deferred);
	EXPECT_EQ(granted.refs, 2);
}

TEST_F(KernelRefs, WaitingSeesTheEnd)
{
	page granted{1};
	now.busy_until = 300;
	EXPECT_EQ(xengnt_end_foreign_access_wait(ref, &granted, 5000), 0);
	EXPECT_LT(now.now, 400u);
	EXPECT_TRUE(now.ended);
	EXPECT_EQ(granted.refs, 0);
	EXPECT_EQ(now.refused, 0);
}

TEST_F(KernelRefs, WaitingInVainLeavesReferenceAndPageToTheKernel)
{
	page granted{1};
	now.busy_until = 10000;
	EXPECT_EQ(xengnt_end_foreign_access_wait(ref, &granted, 500), -ETIMEDOUT);
	EXPECT_GE(now.now, 500u);
	EXPECT_EQ(now.deferred_page, &granted);
	EXPECT_EQ(granted.refs, 1);
	EXPECT_EQ(now.refused, 0);
}

} // namespace

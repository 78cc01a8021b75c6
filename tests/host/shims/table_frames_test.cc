// SPDX-License-Identifier: GPL-2.0
//
// src/linux/table_frames.c on stubs: a suspend and resume at every point where a task that looks up
// frames can be preempted, and what a change of version leaves.
#include <gtest/gtest.h>

#include <map>

#include "core/core.h"
#include "kernel.h"
#include "port/port.h"

extern "C" int xengnt_frames_init(unsigned max_frames);
extern "C" void xengnt_frames_exit(void);
extern "C" bool xengnt_kernel_has(unsigned ref);
extern "C" bool xengnt_kernel_cannot_grow(void);

namespace
{

constexpr unsigned max_frames = 8;

struct Xen {
	bool is_pv = true;
	u32 version = 1;
	u32 nr_frames = 2;
	u32 frames_after = 2; // once restored
	u32 version_after = 1;
	u32 setup_frames = 0; // most ever asked for
	u64 base = 1000;      // where the frames are; a restore moves them
	unsigned kernel_free = 0;

	std::map<unsigned, u64> slots; // what is mapped where in the window
	bool has_status_pages = false;

	syscore_ops *ops = nullptr;
	int preempt_off = 0;
	int points = 0;
	int resume_at = -1;
	bool resumed = false;
	unsigned lost = 0;
};
Xen *xen;

char window[64 * XEN_PAGE_SIZE];
char direct_map[64 * XEN_PAGE_SIZE];
char status_pages[8 * XEN_PAGE_SIZE];

void suspend_and_resume()
{
	xen->resumed = true;
	ASSERT_EQ(xen->ops->suspend(), 0);
	EXPECT_TRUE(xen->slots.empty()) << "saved with page tables that name the table's frames";
	xen->base += 1000;
	xen->nr_frames = xen->frames_after;
	xen->version = xen->version_after;
	xen->setup_frames = 0;
	xen->ops->resume();
}

// The task may be preempted here, and the guest saved and restored.
void point()
{
	if (xen->preempt_off || xen->resumed || !xen->ops)
		return;
	if (xen->points++ == xen->resume_at)
		suspend_and_resume();
}

class TableFrames : public testing::Test
{
protected:
	Xen state;

	void start()
	{
		xen = &state;
		ASSERT_EQ(xengnt_frames_init(max_frames), 0);
	}
	void TearDown() override
	{
		xengnt_frames_exit();
		EXPECT_TRUE(state.slots.empty());
		xen = nullptr;
	}
};

// Each address that is handed out now has its frame behind it.
void check_window()
{
	xen->preempt_off++; // as in the core, until it has stored the address
	for (unsigned frame = 0; frame < xen->nr_frames; frame++) {
		ASSERT_NE(xg_port_table_frame(frame), nullptr);
		ASSERT_EQ(xen->slots.count(frame), 1u) << "nothing is mapped for frame " << frame;
		EXPECT_EQ(xen->slots[frame], xen->base + frame);
	}
	xen->preempt_off--;
}

} // namespace

extern "C" {

bool xen_pv_domain(void)
{
	return xen->is_pv;
}
void preempt_disable(void)
{
	xen->preempt_off++;
}
void preempt_enable(void)
{
	xen->preempt_off--;
	point();
}
void register_syscore_ops(syscore_ops *ops)
{
	xen->ops = ops;
}
void unregister_syscore_ops(syscore_ops *)
{
	xen->ops = nullptr;
}

int HYPERVISOR_grant_table_op(unsigned command, void *op, unsigned)
{
	point();
	if (command == GNTTABOP_get_version) {
		static_cast<gnttab_get_version *>(op)->version = xen->version;
	} else if (command == GNTTABOP_query_size) {
		auto *query = static_cast<gnttab_query_size *>(op);
		query->nr_frames = xen->nr_frames;
		query->status = GNTST_okay;
	} else if (command == GNTTABOP_setup_table) {
		auto *setup = static_cast<gnttab_setup_table *>(op);
		if (setup->nr_frames > xen->setup_frames)
			xen->setup_frames = setup->nr_frames;
		for (u32 i = 0; i < setup->nr_frames; i++)
			setup->frame_list[i] = xen->is_pv ? xen->base + i : i;
		setup->status = GNTST_okay;
	} else {
		auto *get = static_cast<gnttab_get_status_frames *>(op);
		for (u32 i = 0; i < get->nr_frames; i++)
			get->frame_list[i] = xen->base + 500 + i;
		get->status = GNTST_okay;
	}
	point();
	return 0;
}

int xengnt_window_create(unsigned slots)
{
	return slots <= 64 ? 0 : -ENOMEM;
}
void xengnt_window_destroy(void) {}
void *xengnt_window_map(unsigned slot, xen_pfn_t frame)
{
	point();
	xen->slots[slot] = frame;
	point();
	return window + slot * XEN_PAGE_SIZE;
}
void xengnt_window_unmap(unsigned slot)
{
	xen->slots.erase(slot);
}
int xengnt_status_create(unsigned)
{
	xen->has_status_pages = true;
	return 0;
}
void xengnt_status_destroy(void) {}
void *xengnt_status_place(unsigned index)
{
	return xen->has_status_pages ? status_pages + index * XEN_PAGE_SIZE : nullptr;
}
void xengnt_status_forget(void) {}

void *test_va(phys_addr_t address)
{
	return direct_map + address;
}
bool pfn_valid(unsigned long)
{
	return true;
}
void *memremap(resource_size_t, size_t, int)
{
	return nullptr;
}
void memunmap(void *) {}
void gnttab_request_free_callback(gnttab_free_callback *, void (*fn)(void *), void *arg, u16 count)
{
	if (xen->kernel_free >= count)
		fn(arg);
}
void gnttab_cancel_free_callback(gnttab_free_callback *) {}
uint32_t xg_core_resume(unsigned)
{
	return xen->lost;
}
void test_log(const char *, ...) {}

} // extern "C"

namespace
{

TEST_F(TableFrames, AResumeAtEveryPointOfALookup)
{
	int at = 0;
	do {
		SCOPED_TRACE(at);
		state = {};
		state.resume_at = at++;
		start();
		(void)xg_port_table_frame(0);
		(void)xg_port_table_frame(1);
		check_window();
		xengnt_frames_exit();
	} while (state.resumed && !HasFailure());
	EXPECT_GT(at, 2);
	state = {};
	start();
}

// Fewer frames after the restore: asking for as many as before would make the table grow.
TEST_F(TableFrames, AResumeNeverMakesTheTableGrow)
{
	for (int at = 0; at < 16; at++) {
		state = {};
		state.resume_at = at;
		state.nr_frames = 4;
		state.frames_after = 2;
		start();
		(void)xengnt_kernel_has(512 * 5);
		(void)xg_port_table_frame(5);
		if (state.resumed)
			EXPECT_LE(state.setup_frames, 2u) << "resumed at point " << at;
		xengnt_frames_exit();
	}
	start();
}

TEST_F(TableFrames, StatusFramesAreThereAfterAChangeToVersion2)
{
	state.is_pv = false;
	state.version_after = 2;
	start();
	suspend_and_resume();
	EXPECT_NE(xg_port_status_frame(0), nullptr);
	EXPECT_TRUE(xengnt_kernel_cannot_grow());
}

// Two frames of version 2 hold 512 references; the kernel has 1,024 from version 1.
TEST_F(TableFrames, AModuleLoadedAfterAChangeToVersion2FindsOut)
{
	state.version = 2;
	state.kernel_free = 1000;
	start();
	EXPECT_TRUE(xengnt_kernel_cannot_grow());
	EXPECT_TRUE(xengnt_kernel_has(1023));
	EXPECT_FALSE(xengnt_kernel_has(1024));
}

TEST_F(TableFrames, AnEmptyTableOfVersion2CanGrow)
{
	state.version = 2;
	state.kernel_free = 512 - 8;
	start();
	EXPECT_FALSE(xengnt_kernel_cannot_grow());
}

} // namespace

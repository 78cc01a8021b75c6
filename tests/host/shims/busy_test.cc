// SPDX-License-Identifier: GPL-2.0
//
// src/linux/busy.c on stubs: a driver that ends busy grants again and again gets one line a minute,
// with the number of ends since the line before.
#include <gtest/gtest.h>

#include <cstdarg>
#include <cstdio>
#include <string>
#include <vector>

#include "kernel.h"

extern "C" void xengnt_say_busy(grant_ref_t ref, unsigned long caller);

namespace
{

constexpr unsigned long minute = 60 * HZ;

// Close to its end: the kernel's counter wraps some minutes after boot.
unsigned long now = -minute / 2;
bool locked;
std::vector<std::string> lines;

bool ends_with(const std::string &text, const std::string &end)
{
	return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

} // namespace

extern "C" {

unsigned long test_jiffies(void)
{
	return now;
}
unsigned long test_lock(raw_spinlock_t *)
{
	EXPECT_FALSE(locked);
	locked = true;
	return 0;
}
void test_unlock(raw_spinlock_t *, unsigned long)
{
	locked = false;
}
void test_log(const char *format, ...)
{
	char text[200];
	va_list values;

	EXPECT_FALSE(locked) << "a slow console would hold up every CPU";
	va_start(values, format);
	vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	lines.emplace_back(text);
}

} // extern "C"

namespace
{

// One test: what busy.c remembers stays from one to the next.
TEST(BusyEnds, AFloodIsOneLineAMinuteAndACount)
{
	for (int i = 0; i < 1000; i++)
		xengnt_say_busy(12, 0);
	ASSERT_EQ(lines.size(), 1u);
	EXPECT_EQ(lines[0].rfind("reference 0xc is still in use; caller", 0), 0u) << lines[0];
	EXPECT_TRUE(ends_with(lines[0], "; 0 more such ends since the last such line\n"))
	    << lines[0];

	now += minute - 1;
	xengnt_say_busy(13, 0);
	EXPECT_EQ(lines.size(), 1u);

	now++;
	xengnt_say_busy(14, 0);
	ASSERT_EQ(lines.size(), 2u);
	EXPECT_EQ(lines[1].rfind("reference 0xe ", 0), 0u) << lines[1];
	EXPECT_TRUE(ends_with(lines[1], "; 1000 more such ends since the last such line\n"))
	    << lines[1];

	now += minute;
	xengnt_say_busy(15, 0);
	ASSERT_EQ(lines.size(), 3u);
	EXPECT_TRUE(ends_with(lines[2], "; 0 more such ends since the last such line\n"))
	    << lines[2];
}

} // namespace

// SPDX-License-Identifier: GPL-2.0
#include "count.h"

register uint64_t counter asm("r15");

static uint64_t started, begun;
static unsigned int depth;
static struct count_result result;

void count_section_begins(void)
{
	if (!depth++)
		begun = counter;
}

void count_section_ends(void)
{
	uint64_t length;

	if (--depth)
		return;
	length = counter - begun;
	result.sections++;
	result.in_sections += length;
	if (length > result.longest)
		result.longest = length;
}

void count_start(void)
{
	result = (struct count_result){ 0 };
	started = counter;
}

struct count_result count_read(void)
{
	result.instructions = counter - started;
	return result;
}

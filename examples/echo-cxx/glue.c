// SPDX-License-Identifier: GPL-2.0
/* The C side of front_ring.cc; the second header holds the functions of grant.hh. */
#include "glue.h"

#include <linux/mm.h>
#include <linux/slab.h>
#include <xengnt/grant_glue.h>

void *echo_glue_alloc(unsigned long size)
{
	return kvzalloc(size, GFP_KERNEL);
}

void echo_glue_free(void *memory)
{
	kvfree(memory);
}

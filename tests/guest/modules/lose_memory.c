// SPDX-License-Identifier: GPL-2.0
/* Loses twenty objects, for the suite that asks kmemleak whether anything was lost. */
#include <linux/module.h>
#include <linux/slab.h>

#define OBJECTS 20

static int __init lose_memory_init(void)
{
	unsigned int i;

	for (i = 0; i < OBJECTS; i++)
		if (!kmalloc(300, GFP_KERNEL))
			return -ENOMEM;
	return 0;
}

static void __exit lose_memory_exit(void)
{
}

module_init(lose_memory_init);
module_exit(lose_memory_exit);
MODULE_DESCRIPTION("xengnt test: lost memory");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers that a device can reach and grants can be mapped into: allocated for
 * the device, then emptied of their memory.
 *
 * The documentation of these functions is in include/xengnt/backend.h.
 */
#include "internal.h"

#include <linux/dma-mapping.h>
#include <linux/export.h>
#include <linux/highmem.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <xen/grant_table.h>
#include <xen/mem-reservation.h>
#include <xen/page.h>
#include <xengnt/backend.h>

static void buffer_alloc(struct gnttab_dma_alloc_args *args, size_t size)
{
	gfp_t gfp = GFP_KERNEL | __GFP_NOWARN;

	if (args->coherent)
		args->vaddr = dma_alloc_coherent(args->dev, size, &args->dev_bus_addr, gfp);
	else
		args->vaddr = dma_alloc_wc(args->dev, size, &args->dev_bus_addr, gfp);
}

static void buffer_free(struct gnttab_dma_alloc_args *args)
{
	size_t size = (size_t)args->nr_pages << PAGE_SHIFT;

	if (args->coherent)
		dma_free_coherent(args->dev, size, args->vaddr, args->dev_bus_addr);
	else
		dma_free_wc(args->dev, size, args->vaddr, args->dev_bus_addr);
}

/*
 * Gives the first @nr_empty pages of the buffer memory again; args->frames names
 * the memory of the others. Then the buffer can go back to the allocator; unless
 * Xen has too little memory: pages without any must never get there, so the
 * buffer is lost then, and the guest lives on.
 */
static int buffer_refill(struct gnttab_dma_alloc_args *args, int nr_empty)
{
	int i, got = 0;

	for (i = 0; i < nr_empty; i++)
		args->frames[i] = page_to_xen_pfn(args->pages[i]);
	if (nr_empty)
		got = xenmem_reservation_increase(nr_empty, args->frames);
	if (got != nr_empty) {
		pr_err("%d pages of a DMA buffer are lost: no memory for them\n",
		       args->nr_pages);
		return -EFAULT;
	}
	xenmem_reservation_va_mapping_update(args->nr_pages, args->pages, args->frames);
	return 0;
}

int xengnt_dma_alloc_pages(struct gnttab_dma_alloc_args *args)
{
	unsigned long pfn;
	int i, emptied, err;

	if (args->nr_pages < 0 || args->nr_pages > INT_MAX >> PAGE_SHIFT)
		return -ENOMEM;
	buffer_alloc(args, (size_t)args->nr_pages << PAGE_SHIFT);
	if (!args->vaddr)
		return -ENOMEM;

	pfn = PHYS_PFN(args->dev_bus_addr);
	for (i = 0; i < args->nr_pages; i++) {
		args->pages[i] = pfn_to_page(pfn + i);
		args->frames[i] = xen_page_to_gfn(args->pages[i]);
		/*
		 * The next owner of this memory must not read its old contents. The
		 * kernel's switch that turns scrubbing off is not exported.
		 */
		clear_highpage(args->pages[i]);
	}
	xenmem_reservation_va_mapping_reset(args->nr_pages, args->pages);

	emptied = xenmem_reservation_decrease(args->nr_pages, args->frames);
	if (emptied != args->nr_pages) {
		err = -EFAULT;
		emptied = max(emptied, 0);
	} else {
		err = xengnt_pages_set_private(args->nr_pages, args->pages);
	}
	if (err && !buffer_refill(args, emptied))
		buffer_free(args);
	return err;
}
EXPORT_SYMBOL_GPL(xengnt_dma_alloc_pages);

int xengnt_dma_free_pages(struct gnttab_dma_alloc_args *args)
{
	int err;

	xengnt_pages_clear_private(args->nr_pages, args->pages);
	err = buffer_refill(args, args->nr_pages);
	if (!err)
		buffer_free(args);
	return err;
}
EXPORT_SYMBOL_GPL(xengnt_dma_free_pages);

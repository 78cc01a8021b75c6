// SPDX-License-Identifier: GPL-2.0
/*
 * PV guests: a window of virtual addresses onto the grant table's machine frames.
 *
 * All slots are mappings of one page. Hypercalls point a slot's page table entry at a
 * frame, and back at the page before the window is freed or the guest is saved: page
 * tables that are saved must name no frame that is not the guest's memory.
 *
 * The page holds all ones, which reads as an entry that is in use: nothing that reads a
 * slot without a frame can take it for one whose access has ended.
 */
#include "internal.h"
#include "table_frames.h"

#ifdef CONFIG_XEN_PV

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <xen/page.h>
#include <asm/xen/hypercall.h>

static struct {
	void *start;
	struct page *below;
} window;

void *xengnt_window_map(unsigned int slot, xen_pfn_t frame)
{
	unsigned long va = (unsigned long)window.start + slot * PAGE_SIZE;

	if (HYPERVISOR_update_va_mapping(va, mfn_pte(frame, PAGE_KERNEL), UVMF_INVLPG | UVMF_ALL))
		return NULL;
	return (void *)va;
}

void xengnt_window_unmap(unsigned int slot)
{
	unsigned long va = (unsigned long)window.start + slot * PAGE_SIZE;
	pte_t below = mk_pte(window.below, PAGE_KERNEL);

	if (HYPERVISOR_update_va_mapping(va, below, UVMF_INVLPG | UVMF_ALL))
		pr_err("slot %u of the window onto the grant table cannot be unmapped\n", slot);
}

int xengnt_window_create(unsigned int slots)
{
	struct page **pages;
	unsigned int i;

	pages = kvmalloc_array(slots, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	window.below = alloc_page(GFP_KERNEL);
	if (window.below) {
		memset(page_address(window.below), 0xff, PAGE_SIZE);
		for (i = 0; i < slots; i++)
			pages[i] = window.below;
		window.start = vmap(pages, slots, VM_MAP, PAGE_KERNEL);
	}
	kvfree(pages);
	if (window.start)
		return 0;
	xengnt_window_destroy();
	return -ENOMEM;
}

void xengnt_window_destroy(void)
{
	if (window.start)
		vunmap(window.start);
	if (window.below)
		__free_page(window.below);
	window.start = NULL;
	window.below = NULL;
}

#endif /* CONFIG_XEN_PV */

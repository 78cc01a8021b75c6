/* SPDX-License-Identifier: GPL-2.0 */
/* Batches of mappings of what the other side grants. */
#ifndef XENGNT_TEST_SLOTS_H
#define XENGNT_TEST_SLOTS_H

#include "oracle.h"

#define SLOTS SIDE_PAGES
/* What the other side's page of that number is filled with. */
#define SLOT_FILL(i) (0x10 + (i))

struct slots {
	struct page *into[SLOTS];	/* where it is mapped */
	struct page *kinto[SLOTS];	/* where it is mapped a second time */
	struct side_granted granted[SLOTS];	/* what is mapped */
	struct gnttab_map_grant_ref map[SLOTS], kmap[SLOTS];
	struct gnttab_unmap_grant_ref unmap[SLOTS], kunmap[SLOTS];
};

/* Granted for reading (@readonly) or writing; operations to map them all. */
bool slots_create(struct slots *slots, int readonly, unsigned int flags);
/* Makes unmap operations from what the map operations have become. */
void slots_fill_unmaps(struct slots *slots);
/* Frees everything, at the other side too; how many grants could be ended there. */
int slots_destroy(struct slots *slots);

/* One line per fact about the first @count slots. */
void slots_show(const struct slots *slots, const char *what, unsigned int count);

/* What the kernel's table says is behind a page that a grant is mapped into. */
static inline unsigned long frame_behind(struct page *page)
{
#ifdef CONFIG_ARM64
	return __pfn_to_mfn(page_to_xen_pfn(page));
#else
	return pfn_to_mfn(page_to_pfn(page));
#endif
}

static inline bool has_own_memory(struct page *page)
{
	return frame_behind(page) != INVALID_P2M_ENTRY;
}

#endif /* XENGNT_TEST_SLOTS_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* Batches of mappings of this domain's own grants; PV guests only. */
#ifndef XENGNT_TEST_SLOTS_H
#define XENGNT_TEST_SLOTS_H

#include "oracle.h"

#define SLOTS 8

struct slots {
	struct page *granted[SLOTS];	/* what is mapped */
	struct page *into[SLOTS];	/* where it is mapped */
	struct page *kinto[SLOTS];	/* where it is mapped a second time */
	int ref[SLOTS];
	struct gnttab_map_grant_ref map[SLOTS], kmap[SLOTS];
	struct gnttab_unmap_grant_ref unmap[SLOTS], kunmap[SLOTS];
};

/* Pages, each granted for reading (@readonly) or writing; operations to map them all. */
bool slots_create(struct slots *slots, int readonly, unsigned int flags);
/* Makes unmap operations from what the map operations have become. */
void slots_fill_unmaps(struct slots *slots);
/* Ends the grants and frees everything; how many grants could be ended. */
int slots_destroy(struct slots *slots);

/* One line per fact about the first @count slots. */
void slots_show(const struct slots *slots, const char *what, unsigned int count);

static inline bool has_own_memory(struct page *page)
{
	return pfn_to_mfn(page_to_pfn(page)) != INVALID_P2M_ENTRY;
}

#endif /* XENGNT_TEST_SLOTS_H */

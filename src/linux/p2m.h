/* SPDX-License-Identifier: GPL-2.0 */
/* Entries of the kernel's p2m table for pages that grants are mapped into. */
#ifndef XENGNT_P2M_H
#define XENGNT_P2M_H

#include <linux/types.h>

struct gnttab_map_grant_ref;
struct gnttab_unmap_grant_ref;
struct page;

/* Whether a second mapping, in the kernel's own address space, is made of each grant. */
bool xengnt_p2m_has_kmaps(void);
/* Enters the frame that @op has mapped. 0 or -errno. May sleep, the first time for a page. */
int xengnt_p2m_enter(const struct gnttab_map_grant_ref *op, struct page *page);
/* Takes the entry out; false when it was not a foreign frame's. */
bool xengnt_p2m_clear(const struct gnttab_unmap_grant_ref *op, struct page *page);

#endif /* XENGNT_P2M_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* A domain as the other side of its own grants, where it can be. */
#ifndef XENGNT_TEST_OWN_MAPPING_H
#define XENGNT_TEST_OWN_MAPPING_H

#include <linux/mm.h>
#include <xen/grant_table.h>
#include <xen/xen.h>

/*
 * PV guests, and all of arm64's. In x86's other guests Xen keeps one place for
 * each page: where it is mapped a second time the first is taken away.
 */
static inline bool maps_own_grants(void)
{
	return xen_pv_domain() || IS_ENABLED(CONFIG_ARM64);
}

struct mapping {
	struct page *page;
	struct gnttab_map_grant_ref map;
	struct gnttab_unmap_grant_ref unmap;
};

/* @self: this domain, whose grant it is. */
static inline int map_own(struct mapping *m, grant_ref_t ref, domid_t self)
{
	int err = gnttab_alloc_pages(1, &m->page);

	if (err)
		return err;
	gnttab_set_map_op(&m->map, (unsigned long)page_address(m->page), GNTMAP_host_map, ref,
			  self);
	err = gnttab_map_refs(&m->map, NULL, &m->page, 1);
	if (!err && m->map.status)
		err = -EIO;
	gnttab_set_unmap_op(&m->unmap, (unsigned long)page_address(m->page), GNTMAP_host_map,
			    m->map.handle);
	if (err)
		gnttab_free_pages(1, &m->page);
	return err;
}

static inline void unmap_own(struct mapping *m)
{
	gnttab_unmap_refs(&m->unmap, NULL, &m->page, 1);
	gnttab_free_pages(1, &m->page);
}

#endif /* XENGNT_TEST_OWN_MAPPING_H */

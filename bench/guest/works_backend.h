/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What backends do: included by works.h, for the side that API() names. The guest
 * is its own frontend, which only a PV guest may be.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <xen/page.h>

#define BACKEND_PAGES 32

static struct {
	struct page *granted[BACKEND_PAGES];
	struct page *window[BACKEND_PAGES]; /* where grants are mapped */
	struct page *local;		    /* where they are copied to */
	grant_ref_t ref[BACKEND_PAGES];
	unsigned int nr_granted;
	bool window_is_there;
	struct gnttab_page_cache cache;
	struct gnttab_map_grant_ref map[BACKEND_PAGES];
	struct gnttab_unmap_grant_ref unmap[BACKEND_PAGES];
	struct gnttab_copy copy[BACKEND_PAGES];
} backend;

static void backend_stop(void)
{
	API(page_cache_shrink)(&backend.cache, 0);
	if (backend.window_is_there)
		API(free_pages)(BACKEND_PAGES, backend.window);
	backend.window_is_there = false;
	while (backend.nr_granted) {
		backend.nr_granted--;
		/* Frees the page, too. */
		API(end_foreign_access)(backend.ref[backend.nr_granted],
					backend.granted[backend.nr_granted]);
	}
	if (backend.local)
		__free_page(backend.local);
	backend.local = NULL;
}

static int backend_start(void)
{
	unsigned int i;
	int ref, err = -ENOMEM;

	API(page_cache_init)(&backend.cache);
	backend.local = alloc_page(GFP_KERNEL);
	if (!backend.local)
		return err;
	for (i = 0; i < BACKEND_PAGES; i++) {
		struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

		if (!page)
			goto fail;
		ref = API(grant_foreign_access)(0, xen_page_to_gfn(page), 0);
		if (ref < 0) {
			__free_page(page);
			err = ref;
			goto fail;
		}
		backend.granted[i] = page;
		backend.ref[i] = ref;
		backend.nr_granted++;
	}
	err = API(alloc_pages)(BACKEND_PAGES, backend.window);
	if (err)
		goto fail;
	backend.window_is_there = true;
	return 0;
fail:
	backend_stop();
	return err;
}

static unsigned long window_address(unsigned int i)
{
	return (unsigned long)page_address(backend.window[i]);
}

static int map_unmap_32(unsigned int n)
{
	unsigned int i;
	int err;

	while (n--) {
		for (i = 0; i < BACKEND_PAGES; i++)
			gnttab_set_map_op(&backend.map[i], window_address(i), GNTMAP_host_map,
					  backend.ref[i], 0);
		err = API(map_refs)(backend.map, NULL, backend.window, BACKEND_PAGES);
		if (err)
			return err;
		for (i = 0; i < BACKEND_PAGES; i++) {
			if (backend.map[i].status)
				return -EIO;
			gnttab_set_unmap_op(&backend.unmap[i], window_address(i), GNTMAP_host_map,
					    backend.map[i].handle);
		}
		err = API(unmap_refs)(backend.unmap, NULL, backend.window, BACKEND_PAGES);
		if (err)
			return err;
	}
	return 0;
}

static int copy_32(unsigned int n)
{
	unsigned int i;

	while (n--) {
		for (i = 0; i < BACKEND_PAGES; i++)
			backend.copy[i] = (struct gnttab_copy) {
				.source.u.ref = backend.ref[i],
				.source.domid = 0,
				.dest.u.gmfn = xen_page_to_gfn(backend.local),
				.dest.domid = DOMID_SELF,
				.len = XEN_PAGE_SIZE,
				.flags = GNTCOPY_source_gref,
			};
		API(batch_copy)(backend.copy, BACKEND_PAGES);
		for (i = 0; i < BACKEND_PAGES; i++)
			if (backend.copy[i].status)
				return -EIO;
	}
	return 0;
}

static int page_cache(unsigned int n)
{
	struct page *page;
	int err;

	while (n--) {
		err = API(page_cache_get)(&backend.cache, &page);
		if (err)
			return err;
		API(page_cache_put)(&backend.cache, &page, 1);
	}
	return 0;
}

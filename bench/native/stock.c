// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's own grant table: its source file as it is, compiled with the
 * headers of stubs/, and a way to start over with a table of another size.
 */
#include GRANT_TABLE_C

#include "stock.h"

static unsigned int max_frames;
static void *shared;

int HYPERVISOR_grant_table_op(unsigned int op, void *arg, unsigned int count)
{
	switch (op) {
	case GNTTABOP_query_size:
		((struct gnttab_query_size *)arg)->nr_frames = nr_grant_frames;
		((struct gnttab_query_size *)arg)->max_nr_frames = max_frames;
		((struct gnttab_query_size *)arg)->status = GNTST_okay;
		break;
	case GNTTABOP_setup_table:
		((struct gnttab_setup_table *)arg)->status = GNTST_okay;
		break;
	}
	return 0;
}

int arch_gnttab_init(unsigned long nr_shared, unsigned long nr_status)
{
	return 0;
}

int arch_gnttab_map_shared(xen_pfn_t *frames, unsigned long nr_gframes,
			   unsigned long max_nr_gframes, void **where)
{
	*where = shared;
	return 0;
}

int arch_gnttab_map_status(uint64_t *frames, unsigned long nr_gframes,
			   unsigned long max_nr_gframes, grant_status_t **where)
{
	return -1;
}

void arch_gnttab_unmap(void *where, unsigned long nr_gframes)
{
}

void stock_start(unsigned int frames)
{
	unsigned int i;

	if (gnttab_list) {
		for (i = 0; i < gnttab_frames(nr_grant_frames, RPP); i++)
			free(gnttab_list[i]);
		free(gnttab_list);
		free(gnttab_free_bitmap);
		free(shared);
	}
	/* As the loader leaves them. gnttab_max_grant_frames() takes the smaller value. */
	gnttab_free_count = 0;
	gnttab_free_head = gnttab_last_free = GNTTAB_LIST_END;
	gnttab_free_tail_ptr = NULL;
	max_frames = 1u << 20;
	gnttab_max_grant_frames();
	max_frames = frames;
	shared = aligned_alloc(PAGE_SIZE, frames * PAGE_SIZE);
	if (!shared)
		abort();
	memset(shared, 0, frames * PAGE_SIZE);
	if (gnttab_init())
		abort();
}

void *stock_frame(unsigned int index)
{
	return (char *)shared + index * PAGE_SIZE;
}

void stock_deferred_work(void)
{
	gnttab_handle_deferred(NULL);
}

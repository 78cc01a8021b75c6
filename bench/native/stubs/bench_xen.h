/* SPDX-License-Identifier: GPL-2.0 */
/* The part of the stubs that stands for Xen: a PV guest whose hypercalls succeed. */
#ifndef BENCH_XEN_H
#define BENCH_XEN_H

typedef uint16_t domid_t;
typedef unsigned long xen_pfn_t;
typedef unsigned long xen_ulong_t;

#define GUEST_HANDLE(name) bench_handle_##name
#define DEFINE_GUEST_HANDLE_STRUCT(name) typedef struct name *bench_handle_##name
typedef xen_pfn_t *bench_handle_xen_pfn_t;
typedef uint64_t *bench_handle_uint64_t;
typedef void *bench_handle_void;
#define set_xen_guest_handle(handle, value) ((handle) = (value))

#define DOMID_SELF 0x7ff0
#define XEN_PAGE_SIZE 4096ul
#define XEN_PAGE_SHIFT 12
#define XEN_PAGE_MASK (~(XEN_PAGE_SIZE - 1))
#define XEN_PFN_PER_PAGE 1
#define XEN_PFN_DOWN(x) ((x) >> 12)
#define XEN_PFN_UP(x) (((x) + XEN_PAGE_SIZE - 1) >> 12)
#define xen_offset_in_page(x) ((unsigned long)(x) & ~XEN_PAGE_MASK)
#define page_to_xen_pfn(page) page_to_pfn(page)
#define xen_page_to_gfn(page) page_to_pfn(page)
#define pfn_to_gfn(pfn) (pfn)
#define gfn_to_pfn(gfn) (gfn)
#define __pa(x) ((unsigned long)(x))

#define XENFEAT_auto_translated_physmap 2
#define xen_feature(feature) ((feature) < 0)
#define xen_domain() 1
#define xen_hvm_domain() 0
#define xen_pvh_domain() 0
#define xen_pv_domain() 1
#define max_possible_pfn 0ul

struct xen_add_to_physmap {
	domid_t domid;
	unsigned int space;
	xen_ulong_t idx;
	xen_pfn_t gpfn;
};
#define XENMAPSPACE_grant_table 1
#define XENMEM_add_to_physmap 7
#define HYPERVISOR_memory_op(op, arg) ((void)(op), (void)(arg), 0)
int HYPERVISOR_grant_table_op(unsigned int op, void *arg, unsigned int count);

struct gnttab_map_grant_ref;
struct gnttab_unmap_grant_ref;
#define set_foreign_p2m_mapping(ops, kops, pages, count) ((void)(kops), 0)
#define clear_foreign_p2m_mapping(ops, kops, pages, count) ((void)(kops), 0)
#define xen_alloc_unpopulated_pages(nr, pages) ((void)(nr), (void)(pages), -ENOMEM)
#define xen_free_unpopulated_pages(nr, pages) ((void)(nr), (void)(pages))

#endif /* BENCH_XEN_H */

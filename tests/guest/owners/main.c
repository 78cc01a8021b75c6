// SPDX-License-Identifier: GPL-2.0
/* The owners of <xengnt/grant.hh>, in a module: the cases are in owners.cc. */
#include "ktap.h"

#include <xen/xen.h>
#include <xen/xenbus.h>
#include <xengnt/grant_glue.h>

#include "owners.h"

static const char *in_pv(const char *(*run)(unsigned short self))
{
	/* Elsewhere Xen takes the page's own place away when it is mapped. */
	if (!xen_pv_domain())
		return KTAP_SKIP "only a PV guest can map its own grants";
	return run(xenbus_read_unsigned("domid", "", 0));
}

static const char *mapping(void)
{
	return in_pv(owners_mapping);
}

static const char *busy(void)
{
	return in_pv(owners_busy);
}

static const struct ktap_case cases[] = {
	{ "Pool: made, refused, moved", owners_pool },
	{ "Page: zeroed, moved, released", owners_page },
	{ "Grant: moved, ended by hand and by scope", owners_grant },
	{ "Grant: empty at the pool's limit", owners_limit },
	{ "RefList: grants until it is empty, takes back", owners_list },
	{ "Mapping: shows the page, holds its grant", mapping },
	{ "Grant: a busy one goes with its page", busy },
};

static int __init selftest_owners_init(void)
{
	ktap_run(cases, ARRAY_SIZE(cases));
	return 0;
}
module_init(selftest_owners_init);

static void __exit selftest_owners_exit(void)
{
}
module_exit(selftest_owners_exit);

MODULE_DESCRIPTION("Selftest of the C++ owners of grants");
MODULE_LICENSE("GPL");

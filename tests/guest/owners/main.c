// SPDX-License-Identifier: GPL-2.0
/* The owners of <xengnt/grant.hh>, in a module: the cases are in owners.cc. */
#include "ktap.h"
#include "own_mapping.h"

#include <xen/xenbus.h>
#include <xengnt/grant_glue.h>

#include "owners.h"

static const char *with_mappings(const char *(*run)(unsigned short self))
{
	if (!maps_own_grants())
		return KTAP_SKIP "this type of guest may not map its own grants";
	return run(xenbus_read_unsigned("domid", "", 0));
}

static const char *mapping(void)
{
	return with_mappings(owners_mapping);
}

static const char *busy(void)
{
	return with_mappings(owners_busy);
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

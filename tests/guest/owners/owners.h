/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of selftest_owners: NULL, or the condition that does not hold. */
#ifndef XENGNT_TEST_OWNERS_H
#define XENGNT_TEST_OWNERS_H

#ifdef __cplusplus
extern "C" {
#endif

const char *owners_pool(void);
const char *owners_page(void);
const char *owners_grant(void);
const char *owners_limit(void);
const char *owners_list(void);
/* These map this domain's own grants: for PV guests. */
const char *owners_mapping(unsigned short self);
const char *owners_busy(unsigned short self);

#ifdef __cplusplus
}
#endif

#endif /* XENGNT_TEST_OWNERS_H */

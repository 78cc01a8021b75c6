/* SPDX-License-Identifier: GPL-2.0 */
/* Makes one of xengnt's allocations fail; see fail_alloc.c. */
#ifndef XENGNT_TEST_FAIL_ALLOC_H
#define XENGNT_TEST_FAIL_ALLOC_H

/* The nth call from now on fails, one time; 0: none does. */
void fail_alloc_set(unsigned int nth);
/* Whether it has failed. */
bool fail_alloc_fired(void);

#endif /* XENGNT_TEST_FAIL_ALLOC_H */

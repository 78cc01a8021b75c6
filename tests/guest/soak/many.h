/* SPDX-License-Identifier: GPL-2.0 */
/* What grants_many writes into its pages, and what mapper.c answers there. */
#ifndef XENGNT_TEST_MANY_H
#define XENGNT_TEST_MANY_H

#define MANY_MOST 64

/* The first word of page number n; the domain that maps it writes the opposite into the second. */
#define MANY_MARK(n) (0x4d414e59u ^ (n))
#define MANY_ANSWER(n) (~MANY_MARK(n))

#endif /* XENGNT_TEST_MANY_H */

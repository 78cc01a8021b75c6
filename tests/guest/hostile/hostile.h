/* SPDX-License-Identifier: GPL-2.0 */
/* What hostile_front and hostile_back share: a page that says what is granted. */
#ifndef XENGNT_TEST_HOSTILE_H
#define XENGNT_TEST_HOSTILE_H

#include <linux/types.h>

#define HOSTILE_SLOTS 64

/* The first and the last word of a granted page. GONE: its owner was told that access has ended. */
#define HOSTILE_LIVE 0x4556494cu
#define HOSTILE_GONE 0x454e4f47u
#define HOSTILE_WORDS (4096 / sizeof(u32))

struct hostile_control {
	u32 ready; /* set by the backend */
	u32 stop;
	u32 refs[HOSTILE_SLOTS]; /* 0: nothing */
};

#endif /* XENGNT_TEST_HOSTILE_H */

// SPDX-License-Identifier: GPL-2.0
/* The kernel's own side. */
#define API(name) gnttab_##name
#define SIDE stock_works
#include "works.h"

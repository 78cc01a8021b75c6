// SPDX-License-Identifier: GPL-2.0
/* Our side. */
#include <xengnt/backend.h>
#include <xengnt/grant_table.h>

#define API(name) xengnt_##name
#define SIDE xengnt_works
#include "works.h"

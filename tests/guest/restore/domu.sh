#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The guest's job of scripts/check-restore.
. /lib/xengnt/common.sh
. /lib/xengnt/suites.sh
run_suites domu

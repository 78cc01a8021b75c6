#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The job of a guest in a test run.
. /lib/xengnt/common.sh
. /lib/xengnt/suites.sh
. /job/settings
run_suites domu
run_suites domu /job/last

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The guest's job of tests/guest/run restore.
. /lib/xengnt/common.sh
. /lib/xengnt/suites.sh
. /lib/xengnt/drivers.sh
mkdir /job/chosen
mv "/job/suites/$(setting suite).sh" /job/chosen
export ACCOUNT=no # the table that comes back may have another size, or version
export SUITE_SECONDS=900 # each time takes as long as dom0 needs for it
run_suites domu /job/chosen

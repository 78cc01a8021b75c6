#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# dom0's job of tests/guest/run watching: something to watch, and the tools in a root
# of their own, /watch.
. /lib/xengnt/common.sh
. /lib/xengnt/suites.sh

export SUITE_SECONDS=600
for dir in proc sys dev tmp; do
	mkdir -p /watch/$dir
	mount --rbind /$dir /watch/$dir
done
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
load_module xengnt && load_module selftest_watch || exit 1
run_suites dom0
rmmod selftest_watch && rmmod xengnt

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# dom0's job of tests/guest/run panic: references are held, then the kernel is crashed.
. /lib/xengnt/common.sh

load_module xengnt && load_module hold_refs count=700 || exit 1
sleep 1 # the watch looks a tenth of a second after a lease
echo 1 >/proc/sys/kernel/sysrq
echo c >/proc/sysrq-trigger

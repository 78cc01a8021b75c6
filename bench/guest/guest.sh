#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The benchmark module, in dom0 and in a guest alike.
. /lib/xengnt/common.sh

phase "measuring"
# Each side keeps its half of the table: nothing goes back to the kernel between
# the rounds, and no more than our half is leased.
load_module xengnt spare_limit=1000000 lease_limit=60064 || exit 1
load_module bench_refs || exit 1
rmmod bench_refs
switch=/sys/module/xengnt/parameters/takeover
echo 1 >$switch || exit 1
load_module bench_refs taken=1 || exit 1
rmmod bench_refs
echo 0 >$switch
wait_for 60 grep -q '^state off' /sys/kernel/debug/xengnt/takeover || exit 1
rmmod xengnt
phase "measured"

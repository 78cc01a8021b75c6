#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# dom0's job: xengnt's own times with leak tracking off and on, in turns.
. /lib/xengnt/common.sh

load_module xengnt spare_limit=1000000 || exit 1
for _ in 1 2 3 4 5; do
	for track in 0 1; do
		echo $track >/sys/module/xengnt/parameters/track
		kmsg "tracking: $track"
		load_module bench_refs alone=1 || exit 1
		rmmod bench_refs
	done
done
echo 0 >/sys/module/xengnt/parameters/track
rmmod xengnt

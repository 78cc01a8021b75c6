#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# dom0's part: measures in dom0, then in a PVH guest with two processors.
. /lib/xengnt/common.sh
. /lib/xengnt/dom0.sh

to_kmsg sh /job/guest.sh || exit 1
# On a machine that is busy with other things a guest with two emulated
# processors may fail to boot: its processors wait for each other too long.
for attempt in 1 2 3; do
	rm -rf "$GUESTS/domu-pvh"
	guest_start domu-pvh pvh vcpus 2 memory 512 config "max_grant_frames = 240" || exit 1
	guest_wait_text domu-pvh "@@ guest is up" 120 && break
	phase "guest domu-pvh did not boot, attempt $attempt"
	guest_wait domu-pvh 0
	rm -f "$(guest_console domu-pvh)"
done
guest_wait domu-pvh 500

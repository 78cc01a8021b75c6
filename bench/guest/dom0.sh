#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# dom0's part: measures in dom0, then in a PVH guest with two processors.
. /lib/xengnt/common.sh
. /lib/xengnt/dom0.sh

to_kmsg sh /job/guest.sh || exit 1
guest_start domu-pvh pvh vcpus 2 memory 512 config "max_grant_frames = 240" || exit 1
guest_wait domu-pvh 700

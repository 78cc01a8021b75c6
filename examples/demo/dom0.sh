#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# dom0's part of the demo: one guest of each type, and demo_back for it.
. /lib/xengnt/common.sh
. /lib/xengnt/dom0.sh

failed=0
for type in pv pvh; do
	guest=domu-$type
	guest_start "$guest" "$type" || exit 1
	demo_back "$(guest_domid "$guest")" 2>&1 | while read -r line; do
		echo "$guest| $line"
	done
	guest_wait "$guest" 300 || failed=1
done
exit $failed

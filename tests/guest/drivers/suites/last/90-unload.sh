# SPDX-License-Identifier: GPL-2.0
# Everything goes, in dom0 too: the guests are gone, then the toolstack, the
# drivers and xengnt.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh
. /lib/xengnt/drivers.sh

# The hooks of takeover count as one.
is_alone() {
	if taken_over; then grep -q '^xengnt [0-9]* 1 - ' /proc/modules; else grep -q '^xengnt [0-9]* 0 ' /proc/modules; fi
}

ktap_plan 8
ktap_check "blkback goes" rmmod xen-blkback
ktap_check "netback goes" rmmod xen-netback
for daemon in xenconsoled xenstored; do kill "$(pidof $daemon)"; done
sleep 1
ktap_check "gntalloc goes" wait_for 10 rmmod xen-gntalloc
ktap_check "gntdev goes" wait_for 10 rmmod xen-gntdev
ktap_check "nobody uses xengnt" is_alone
sed 's/^/# /' "$STATS"
# From before the toolstack started.
ktap_standing "no reference, page or p2m entry is missing" "$(cat /tmp/standing)"
misuse=$(counter misuse_total)
ktap_equal "no call was refused" "${misuse:-0}" 0
ktap_check "xengnt goes" unload_xengnt

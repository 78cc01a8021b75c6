# SPDX-License-Identifier: GPL-2.0
# Everything goes in dom0; nothing is missing after all that has been.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh
. /lib/xengnt/drivers.sh

is_alone() { grep -q '^xengnt [0-9]* 0 ' /proc/modules; }
sum() { for key; do counter "$key"; done | awk '{ sum += $1 } END { print sum }'; }

ktap_plan 8
ktap_check "no guest is left" test "$(xl list | wc -l)" = 2
ktap_check "the backend goes" rmmod echo_back
for daemon in xenconsoled xenstored; do kill "$(pidof $daemon)"; done
sleep 1
wait_for 10 rmmod xen-gntalloc && wait_for 10 rmmod xen-gntdev && is_alone
ktap_equal "so do the toolstack's devices" $? 0
sed 's/^/# /' "$STATS"
# From before the toolstack started.
ktap_standing "no reference, page or p2m entry is missing" "$(cat /tmp/standing)"
ktap_equal "each reference is in one place" \
	"$(sum free cached listed claimed granted deferred)" "$(counter leased)"
ktap_equal "no call was refused" "$(counter misuse_total)" 0
ktap_check "xengnt goes" rmmod xengnt
ktap_equal "the kernel has as many references as before" "$(kernel_refs)" "$(cat /tmp/kernel-refs)"

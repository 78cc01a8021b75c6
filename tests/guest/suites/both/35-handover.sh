# SPDX-License-Identifier: GPL-2.0
# xengnt goes while the end of an access is deferred: the kernel's own deferral
# takes over, keeps the page, and frees it once the other side lets go.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh

[ "$(cat /sys/hypervisor/guest_type)" = PV ] ||
	ktap_skip_all "only a PV guest may map its own grants"

taker=/sys/module/handover_taker/parameters
keeper=/sys/module/handover_keeper/parameters

owners() { [ "$(cat $keeper/owners)" = "$1" ]; }

ktap_plan 8
load_module xengnt
load_module handover_taker
ktap_check "its page is mapped" \
	load_module handover_keeper "ref=$(cat $taker/ref)" "pfn=$(cat $taker/pfn)"
ktap_check "the owner goes" rmmod handover_taker
ktap_equal "the end is deferred" "$(counter deferred)" 1
ktap_check "xengnt goes" rmmod xengnt
sleep 2
ktap_check "the page is still kept" owners 2
echo 1 >$keeper/unmap
ktap_check "and freed after the unmap" wait_for 60 owners 1
ktap_check "the test goes" rmmod handover_keeper
ktap_check "xengnt loads again" load_module xengnt
rmmod xengnt

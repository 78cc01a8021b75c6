# SPDX-License-Identifier: GPL-2.0
# Modules go while the other side still has a page: the driver that waits for it,
# then xengnt itself. What is left is the kernel's, and comes back when unmapped.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh

NOTICE=/sys/module/selftest_notice/parameters
told() { [ "$(cat $NOTICE/told)" = 1 ]; }
freed() { dmesg | grep -q "freeing g.e. $(printf '%#x' "$ref") "; }
not_freed() { ! freed; }

if ! maps_own_grants; then
	ktap_plan 1
	ktap_skip "modules go while a page is busy" "this type of guest may not map its own grants"
	exit 0
fi

domid=$(xenstore-read domid 2>/dev/null || echo 0)
load_module xengnt
# start: the page is granted, mapped, and its end asked for.
start() {
	load_module selftest_notice "domid=$domid" || return 1
	ref=$(cat $NOTICE/ref)
	load_module peer_maps "domid=$domid" "ref=$ref" && echo 1 >$NOTICE/end
}

ktap_plan 11
ktap_check "a page is busy when its end is asked for" start
sleep 1
ktap_equal "its driver is not told yet" "$(cat $NOTICE/told) $(counter deferred)" "0 1"
rmmod peer_maps
ktap_check "it is told after the unmap" wait_for 5 told
ktap_check "it goes" rmmod selftest_notice

ktap_check "once more, and it is still busy" start
ktap_check "the driver goes without having been told" rmmod selftest_notice
ktap_equal "its page is kept" "$(counter deferred)" 1
echo 'file drivers/xen/grant-table.c +p' >/sys/kernel/debug/dynamic_debug/control
ktap_check "xengnt goes" rmmod xengnt
sleep 2
ktap_check "the kernel keeps the page now" not_freed
ktap_check "the other side lets go" rmmod peer_maps
ktap_check "and the kernel frees it" wait_for 20 freed
echo 'file drivers/xen/grant-table.c -p' >/sys/kernel/debug/dynamic_debug/control

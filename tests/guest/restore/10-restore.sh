# SPDX-License-Identifier: GPL-2.0
# A guest is saved and restored while the echo example's frontend sends messages:
# in C in a PV guest, in C++ in a PVH guest.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh

DEVICE=/sys/bus/xen/devices/vecho-0
MESSAGES=2000

connected() { [ "$(xenstore-read device/vecho/0/state)" = 4 ]; }
run() { echo "$1" >$DEVICE/run; }
count() { sed -n "s/^$1 //p" $DEVICE/counts; }

# From here to there the guest is sometimes quicker than dom0: again, then.
run_until_restored() {
	for _ in 1 2 3 4 5; do
		run $MESSAGES || return 1
		[ "$(count resent)" = 0 ] || return 0
	done
	return 1
}

front=echo_front
[ "$(cat /sys/hypervisor/guest_type)" = PV ] || front=echo_front_cxx

ktap_plan 8
load_module xengnt
ktap_check "$front loads" load_module $front
ktap_check "it connects" wait_for 20 connected
echo "# run begins"
ktap_check "a run outlives save and restore" run_until_restored
sed 's/^/# /' $DEVICE/counts
ktap_equal "no message came back wrong, no page was kept" "$(count wrong) $(count kept)" "0 0"
ktap_check "and on it goes" run 200
echo vecho-0 >/sys/bus/xen/drivers/$front/unbind
ktap_check "it unloads" rmmod $front
ktap_equal "nothing is left" "$(counter granted) $(counter claimed) $(counter deferred)" "0 0 0"
ktap_check "no call was refused" sh -c '! grep -v " 0$" /sys/kernel/debug/xengnt/errors'
rmmod xengnt

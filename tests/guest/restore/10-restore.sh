# SPDX-License-Identifier: GPL-2.0
# A guest is saved and restored, or migrated, again and again, while the echo example's frontend
# sends messages: in C in a PV guest, in C++ in a PVH guest.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh
. /lib/xengnt/drivers.sh

DEVICE=/sys/bus/xen/devices/vecho-0
MESSAGES=20000 # a few seconds: the guest is seldom found between two runs

connected() { [ "$(xenstore-read device/vecho/0/state)" = 4 ]; }
run() { echo "$1" >$DEVICE/run; }
NOTICE=/sys/module/selftest_notice/parameters
told() { [ "$(cat $NOTICE/told)" = 1 ]; }
dom0_has_it() { xenstore-exists data/notice-mapped; }
# A page that dom0 has mapped when the guest is saved, and its driver waits for.
wait_for_a_page() {
	load_module selftest_notice && xenstore-write data/notice "$(cat $NOTICE/ref)" &&
		wait_for 20 dom0_has_it && echo 1 >$NOTICE/end && sleep 1
}
count() { sed -n "s/^$1 //p" $DEVICE/counts; }

# From here to there the guest is sometimes quicker than dom0: again, then.
run_until_restored() {
	before=$(count resent)
	for _ in 1 2 3 4 5 6 7 8; do
		run $MESSAGES || return 1
		[ "$(count resent)" = "$before" ] || return 0
	done
	return 1
}

RESTORES=$(setting restores)
run_through_restores() {
	for round in $(seq "$RESTORES"); do
		echo "# run $round begins"
		run_until_restored || return 1
	done
}

front=echo_front
[ "$(cat /sys/hypervisor/guest_type)" = PV ] || front=echo_front_cxx

ktap_plan 13
load_module xengnt
ktap_check "$front loads" load_module $front
ktap_check "it connects" wait_for 20 connected
ktap_check "a driver ends access to a page that dom0 keeps" wait_for_a_page
ktap_equal "and waits" "$(cat $NOTICE/told) $(counter deferred)" "0 1"
ktap_check "messages outlive that $RESTORES times" run_through_restores
sed 's/^/# /' $DEVICE/counts
ktap_equal "the table's version" \
	"$(dmesg | sed -n 's/.*Grant tables using version \([0-9]\).*/\1/p' | tail -n 1)" "$(setting last)"
ktap_check "the driver that waited is told" wait_for 5 told
ktap_check "it unloads too" rmmod selftest_notice
ktap_equal "no message came back wrong, no page was kept" "$(count wrong) $(count kept)" "0 0"
ktap_check "and on it goes" run 200
echo vecho-0 >/sys/bus/xen/drivers/$front/unbind
ktap_check "it unloads" rmmod $front
ktap_equal "nothing is left" "$(counter granted) $(counter claimed) $(counter deferred)" "0 0 0"
ktap_check "no call was refused" sh -c '! grep -v " 0$" /sys/kernel/debug/xengnt/errors'
rmmod xengnt

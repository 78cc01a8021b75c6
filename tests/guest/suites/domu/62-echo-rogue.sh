# SPDX-License-Identifier: GPL-2.0
# The echo backend against a frontend that breaks the protocol in every way; then
# the example's own frontend, which must find it as if nothing had been.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh

DEVICE=/sys/bus/xen/devices/vecho-0

connected() { [ "$(xenstore-read device/vecho/0/state)" = 4 ]; }
run() { echo "$1" >$DEVICE/run; }
unload() { echo vecho-0 >"/sys/bus/xen/drivers/$1/unbind" && rmmod "$1"; }
count() { sed -n "s/^$1 //p" $DEVICE/counts; }

use() { # MODULE MESSAGES [PARAMETER]
	load_module "$1" ${3:+"$3"} && wait_for 20 connected && run "$2"
}

ktap_plan 8
load_module xengnt
ktap_check "dom0 has attached the device" wait_for 20 test -e $DEVICE
ktap_check "each bad request is refused as it must be" use echo_rogue 110
ktap_equal "and none of its pages kept" "$(count answered) $(count wrong) $(count kept)" "110 0 0"
ktap_check "the rogue goes" unload echo_rogue
ktap_check "more requests than there can be" use echo_rogue 1 lie=1
ktap_check "the rogue goes again" unload echo_rogue
use echo_front 100 && unload echo_front
ktap_equal "a frontend that behaves is served" $? 0
ktap_equal "nothing is left" "$(counter granted) $(counter claimed) $(counter deferred)" "0 0 0"
rmmod xengnt

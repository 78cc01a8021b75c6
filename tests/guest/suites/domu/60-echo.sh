# SPDX-License-Identifier: GPL-2.0
# The echo example: its frontend in C and in C++, each loaded twice, with the
# backend in dom0 (peers/echo.sh).
# shellcheck shell=sh
. /lib/xengnt/ktap.sh

DEVICE=/sys/bus/xen/devices/vecho-0
MESSAGES=1000

count() { sed -n "s/^$1 //p" $DEVICE/counts; }
state() { xenstore-read "device/vecho/0/state"; }
connected() { [ "$(state)" = 4 ]; }
run() { echo "$1" >$DEVICE/run; }

# A driver that has a device cannot be unloaded.
unload() { echo vecho-0 >"/sys/bus/xen/drivers/$1/unbind" && rmmod "$1"; }

# What is out, and the pages that it holds.
nothing_out() {
	for key in listed claimed granted deferred; do
		[ "$(counter $key)" = 0 ] || {
			echo "# $key $(counter $key)"
			return 1
		}
	done
}

# frontend MODULE: 8 results.
frontend() {
	ktap_check "$1 loads" load_module "$1"
	ktap_check "$1 connects" wait_for 20 connected
	ktap_check "$1: $MESSAGES messages" run $MESSAGES
	ktap_equal "$1: all came back as they were sent" \
		"$(count answered) $(count wrong) $(count kept)" "$MESSAGES 0 0"
	sed 's/^/# /' $DEVICE/counts
	ktap_check "$1 unloads" unload "$1"
	ktap_equal "$1 left the device closed" "$(state)" 6
	ktap_check "$1 left nothing granted" nothing_out

	load_module "$1" && wait_for 20 connected && run 100 && unload "$1" && nothing_out
	ktap_equal "$1 once more" $? 0
}

ktap_plan 18
load_module xengnt
ktap_check "dom0 has attached the device" wait_for 20 test -e $DEVICE
frontend echo_front
frontend echo_front_cxx
ktap_check "xengnt unloads" rmmod xengnt

# SPDX-License-Identifier: GPL-2.0
# For the suites of the kernel's own drivers; source ktap.sh first.
# shellcheck shell=sh

# setting NAME: test_NAME=VALUE of this guest's kernel command line.
setting() { sed -n "s/.*test_$1=\([^ ]*\).*/\1/p" /proc/cmdline; }

# Nothing of xengnt is out: no reference and none of the pages they keep.
idle() { [ "$(counter claimed) $(counter granted) $(counter deferred) $(counter listed)" = "0 0 0 0" ]; }

# unload_driver BUS_NAME MODULE: a driver of xenbus that has a device holds on to
# its own module, so its devices are taken away first. The module goes as soon as
# nobody has them open.
unload_driver() {
	for device in /sys/bus/xen/drivers/"$1"/*-*; do
		[ ! -e "$device" ] || echo "${device##*/}" >"/sys/bus/xen/drivers/$1/unbind"
	done
	wait_for 5 rmmod "$2"
}

# What is standing in xengnt and in the kernel's own books (modules/count_pages.c):
# the same before and after.
standing() {
	load_module count_pages && rmmod count_pages
	echo "claimed $(counter claimed) granted $(counter granted) listed $(counter listed)" \
		"deferred $(counter deferred) $(dmesg | sed -n 's/.*count_pages: //p' | tail -n 1)"
}

# How many references the kernel has to give (modules/count_refs.c).
kernel_refs() {
	load_module count_refs && rmmod count_refs && dmesg | sed -n 's/.*count_refs: //p' | tail -n 1
}

is_standing() { [ "$(standing)" = "$1" ]; }

# ktap_standing NAME BEFORE: a deferred end takes a moment.
ktap_standing() {
	if wait_for 10 is_standing "$2"; then
		ktap_ok "$1"
	else
		ktap_not_ok "$1" "before: $2, now: $(standing)"
	fi
}

# want_disks yes|no: dom0 (drivers/peers/disks.sh) attaches xvda and xvdb, or takes them away.
want_disks() { xenstore-write data/disks "$1"; }
disks_there() { [ -b /dev/xvda ] && [ -b /dev/xvdb ]; }
disks_gone() { [ ! -e /sys/bus/xen/devices/vbd-51712 ] && [ ! -e /sys/bus/xen/devices/vbd-51728 ]; }

# network_up ADDRESS GATEWAY: configures the one interface, waits for the other side.
network_up() {
	wait_for 20 sh -c '[ -e /sys/class/net/eth0 ] || [ -e /sys/class/net/enX0 ]'
	dev=$(basename /sys/class/net/e*)
	ifconfig "$dev" "$1" netmask 255.255.255.0 up
	wait_for 20 ping -q -c 1 -W 1 "$2" >/dev/null
}

# network_gone: unloads netfront.
network_gone() {
	ifconfig "$dev" down
	unload_driver vif xen-netfront
}

# Direct writes of /tmp/data (4 MiB) to the disk and reads of it until the file is gone; leaves the status.
work_on_disk() {
	status=0 rounds=0
	while [ -e /tmp/working ]; do
		dd if=/tmp/data of=/dev/xvda bs=256k oflag=direct 2>/dev/null || status=1
		dd if=/dev/xvda bs=256k count=16 iflag=direct 2>/dev/null | cmp - /tmp/data || status=1
		rounds=$((rounds + 1))
	done
	echo "$status $rounds" >/tmp/worked
}

# both_at_work NET: the disk, and 8 MiB over the network each way, at the same time.
both_at_work() {
	: >/tmp/working
	work_on_disk &
	transfer tcp-client "$1.1" 7000 8
	transferred=$?
	rm /tmp/working
	wait $!
	read -r status rounds </tmp/worked
	echo "# $rounds times 4 MiB to the disk and back meanwhile"
	return $((transferred + status))
}

# Whether the drivers are Debian's own files, taken over (tests/guest/run drivers --drivers).
taken_over() { [ -e /etc/taken-over ]; }

load_xengnt() {
	if taken_over; then load_module xengnt takeover=1; else load_module xengnt; fi
}

# Drivers are gone, or what they hold will not come back.
unload_xengnt() {
	if taken_over; then
		echo 0 >/sys/module/xengnt/parameters/takeover || return 1
		wait_for 60 grep -q '^state off' /sys/kernel/debug/xengnt/takeover || {
			sed 's/^/# /' /sys/kernel/debug/xengnt/takeover
			return 1
		}
	fi
	rmmod xengnt
}

# uses_xengnt MODULE: whether the module that is loaded is one on xengnt. One that is
# taken over is not linked to it, and has a pool when it has allocated.
uses_xengnt() {
	if taken_over; then
		[ -e "/sys/module/$1" ] && grep -q '^state on' /sys/kernel/debug/xengnt/takeover
		return
	fi
	sed -n 's/^xengnt [0-9]* [0-9]* \([^ ]*\) .*/\1/p' /proc/modules | grep -q "$1,"
}

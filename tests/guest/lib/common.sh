# SPDX-License-Identifier: GPL-2.0
# Sourced by everything that runs inside dom0 or a guest (busybox ash).
# shellcheck shell=sh

export PATH=/bin:/sbin:/usr/bin:/usr/sbin

# All output goes through the kernel's log: each line stays whole, and stays in
# order with what the kernel itself has to say.
kmsg() { printf '<6>%s\n' "$*" >/dev/kmsg; }

kmsg_filter() {
	while IFS= read -r line || [ -n "$line" ]; do
		printf '<6>%s\n' "$line" >/dev/kmsg
	done
}

# A step that the person who waits should see.
phase() { kmsg "@@ $*"; }

# Runs a program with its output in the kernel's log; its status is ours.
# busybox ash has no pipefail, hence the file.
to_kmsg() {
	{
		status=0
		"$@" || status=$?
		echo "$status" >"/tmp/status.$$"
	} 2>&1 | kmsg_filter
	read -r status <"/tmp/status.$$"
	rm -f "/tmp/status.$$"
	return "$status"
}

mount_basics() {
	mount -t proc proc /proc
	mount -t sysfs sysfs /sys
	mount -t devtmpfs devtmpfs /dev 2>/dev/null
	mkdir -p /dev/pts
	mount -t devpts devpts /dev/pts
	mount -t tmpfs tmpfs /tmp
	mount -t debugfs debugfs /sys/kernel/debug
	dmesg -n 8
}

# load_module NAME [PARAMS]
load_module() {
	module=$1
	shift
	insmod "/modules/$module.ko" "$@"
}

# wait_for SECONDS COMMAND...: until it succeeds, or the time is over: that many
# times as long where PATIENCE says that everything is slow.
wait_for() {
	tenths=$(($1 * 10 * ${PATIENCE:-1}))
	shift
	until "$@"; do
		tenths=$((tenths - 1))
		[ "$tenths" -gt 0 ] || return 1
		sleep 0.1
	done
}

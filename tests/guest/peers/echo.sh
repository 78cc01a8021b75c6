# SPDX-License-Identifier: GPL-2.0
# dom0's part of suites/domu/60-echo.sh: the backend, and a device for the guest.
# shellcheck shell=sh
. /lib/xengnt/common.sh

# Not built: somebody runs other suites.
[ -e /modules/echo_back.ko ] || exit 0

loaded() { grep -q "^$1 " /proc/modules; }

# The backend of the guest before goes first, which is a test of its own.
if loaded echo_back; then
	for device in /sys/bus/xen-backend/drivers/echo_back/vecho-*; do
		[ ! -e "$device" ] || echo "${device##*/}" >"${device%/*}/unbind"
	done
	rmmod echo_back || exit 1
fi
loaded xengnt || load_module xengnt || exit 1
load_module echo_back || exit 1
echo-attach "$2"

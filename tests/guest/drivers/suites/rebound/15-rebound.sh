# SPDX-License-Identifier: GPL-2.0
# Debian's own binaries on xengnt, as modprobe finds them: it brings xengnt along.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh
. /lib/xengnt/drivers.sh

is_loaded() { grep -q "^$1 " /proc/modules; }
says() { modinfo -F "$1" "$2" | grep -qx "$3"; }

# brings NAME UNLOAD...: 5 results.
brings() {
	ktap_check "$1 says that it needs xengnt" says depends "/drivers/$1.ko" '\(.*,\)*xengnt'
	ktap_check "$1 says that it was rebound" grep -q xengnt_rebound= "/drivers/$1.ko"
	modprobe "$1"
	ktap_equal "modprobe loads $1" $? 0
	ktap_check "it brought xengnt, and uses it" uses_xengnt "$(echo "$1" | tr - _)"
	name=$1
	shift
	"$@" && wait_for 5 rmmod xengnt
	ktap_equal "$name and xengnt go" $? 0
}

ktap_plan 21
is_loaded xengnt
ktap_equal "xengnt is not loaded" $? 1
brings xen-gntdev rmmod xen-gntdev
brings xen-gntalloc rmmod xen-gntalloc
brings xen-blkfront rmmod xen-blkfront
# It has a device at once.
brings xen-netfront unload_driver vif xen-netfront

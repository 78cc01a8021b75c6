#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# dom0's job of scripts/check-restore: saves each guest in the middle of a run of
# messages, restores it, and gives it its device anew, as a toolstack would.
. /lib/xengnt/common.sh
. /lib/xengnt/dom0.sh

IMAGE=/saved

load_module xengnt && load_module echo_back || exit 1

# restart NAME: out of the image, with a device, before it runs.
restart() {
	xl restore -p $IMAGE || return 1
	rm -f $IMAGE
	xl domid "$1" >"$GUESTS/$1/domid"
	echo-attach "$(guest_domid "$1")" && xl unpause "$(guest_domid "$1")"
}

# A page of the guest's, mapped here while it is saved and restored.
map_notice() {
	where=/local/domain/$(guest_domid "$1")/data
	wait_for 100 xenstore-exists "$where/notice" &&
		load_module peer_maps "domid=$(guest_domid "$1")" "ref=$(xenstore-read "$where/notice")" &&
		xenstore-write "$where/notice-mapped" 1
}

# save_and_restore NAME ROUND: in the middle of the guest's run of that number.
save_and_restore() {
	guest_wait_text "$1" "run $2 begins" 200 || return 1
	sleep 1
	phase "saving $1, round $2"
	old=$(guest_domid "$1")
	xl save "$1" $IMAGE || return 1
	echo-attach --detach "$old"
	phase "restoring $1"
	restart "$1"
}

# try KIND RESTORES: a type of guest, "-v2" behind it for a version 2 table.
try() {
	name=domu-$1 restores=$2 version=1
	[ "$1" = "${1%-v2}" ] || version=2
	guest_start "$name" "${1%-v2}" memory 192 \
		cmdline "grant_table.version=$version test_restores=$restores" || return 1
	echo-attach "$(guest_domid "$name")"
	map_notice "$name" || failed=1
	for round in $(seq "$restores"); do
		save_and_restore "$name" "$round" || failed=1
	done
	guest_wait "$name" 250 || failed=1
	echo-attach --detach "$(guest_domid "$name")"
	rmmod peer_maps || failed=1
}

failed=0
try pv 5 || failed=1
try pvh 5 || failed=1
try pv-v2 1 || failed=1
try pvh-v2 1 || failed=1
exit $failed

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

failed=0
for type in pv pvh; do
	name=domu-$type
	guest_start $name $type memory 192 || exit 1
	echo-attach "$(guest_domid $name)"
	map_notice $name || failed=1
	guest_wait_text $name 'run begins' 200 || failed=1
	sleep 1
	phase "saving $name"
	old=$(guest_domid $name)
	xl save $name $IMAGE || failed=1
	echo-attach --detach "$old"
	phase "restoring $name"
	restart $name || failed=1
	guest_wait $name 250 || failed=1
	echo-attach --detach "$(guest_domid $name)"
	rmmod peer_maps || failed=1
done
exit $failed

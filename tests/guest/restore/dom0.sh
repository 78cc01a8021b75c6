#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# dom0's job of tests/guest/run restore: saves each guest in the middle of a run of
# messages and restores it, or migrates it from here to here, and gives it its device
# anew, as a toolstack would.
. /lib/xengnt/common.sh
. /lib/xengnt/dom0.sh

IMAGE=/saved

load_module xengnt && load_module echo_back || exit 1

# The guest as it is afterwards, stopped: out of an image, or over a pipe while it ran on
# for a while.
save() { # NAME [CONFIGURATION]
	xl save "$1" $IMAGE && xl restore -p ${2:+"$2"} $IMAGE
	status=$?
	rm -f $IMAGE
	return $status
}
migrate() {
	# What it is called on its way is in the name of its console too.
	ln -sf "$(guest_console "$1")" "$CONSOLES/guest-$1--incoming.log"
	xl migrate -p -s '' "$1" 'xl migrate-receive -p'
}

# Afterwards its kernel finds that there are no tables of version 2 any more.
downgrade() {
	save_with "$1" "max_grant_version = 1"
}
# The other way round: it was started where version 2 is forbidden.
upgrade() {
	save_with "$1" "max_grant_version = 2"
}
save_with() { # NAME LINE
	{ grep -v "^${2%% *} =" "$GUESTS/$1/xl.cfg" && echo "$2"; } >"$GUESTS/$1/other.cfg"
	save "$1" "$GUESTS/$1/other.cfg"
}

# A page of the guest's, mapped here while it is saved and restored.
map_notice() {
	where=/local/domain/$(guest_domid "$1")/data
	wait_for 100 xenstore-exists "$where/notice" &&
		load_module peer_maps "domid=$(guest_domid "$1")" "ref=$(xenstore-read "$where/notice")" &&
		xenstore-write "$where/notice-mapped" 1
}

# move NAME ROUND HOW: in the middle of the guest's run of that number.
move() {
	guest_wait_text "$1" "run $2 begins" 200 || return 1
	sleep 1
	phase "$3 of $1, round $2"
	old=$(guest_domid "$1")
	$3 "$1" || return 1
	echo-attach --detach "$old"
	xl domid "$1" >"$GUESTS/$1/domid"
	echo-attach "$(guest_domid "$1")" && xl unpause "$(guest_domid "$1")"
}

# move_once KIND CMDLINE LINE [OPTION VALUE]...: a guest that is saved when it says so, and restored
# with another line in its configuration.
move_once() {
	name=domu-$1 cmdline=$2 line=$3
	shift 3
	guest_start "$name" "$(echo "${name#domu-}" | cut -d- -f1)" memory 256 "$@" \
		cmdline "$cmdline" || return 1
	guest_wait_text "$name" "waits to be saved" 200 || return 1
	phase "save of $name, restored with $line"
	save_with "$name" "$line" || return 1
	xl domid "$name" >"$GUESTS/$name/domid"
	xl unpause "$name"
}

# try_fewer KIND: restored where its table may have two frames, and it has references in more.
try_fewer() {
	move_once "$1" test_suite=20-fewer-frames "max_grant_frames = 2" && guest_wait "domu-$1" 250
}

# try_other KIND: restored where its table has the other version; six frames are full before.
try_other() {
	both="grant_table.version=2 test_suite=30-other-version"
	case $1 in
	pvh-*) move_once "$1" "grant_table.version=2 test_suite=40-other-version-translated" \
		"max_grant_version = 2" config "max_grant_version = 1" ;;
	*-v2-*) move_once "$1" "$both test_last=1 test_count=1500 test_frames=3" "max_grant_version = 1" ;;
	*) move_once "$1" "$both test_last=2 test_count=3000 test_frames=12" "max_grant_version = 2" \
		config "max_grant_version = 1" ;;
	esac || return 1
	map_notice "domu-$1" && guest_wait_text "domu-$1" "waits for its page" 200 && rmmod peer_maps &&
		xenstore-write "/local/domain/$(guest_domid "domu-$1")/data/notice-mapped" 0 &&
		guest_wait "domu-$1" 250
}

# try KIND HOW...: a type of guest, "-v2" behind it for a version 2 table; what is done to it.
try() {
	kind=$1 name=domu-$1 version=1
	shift
	[ "$kind" = "${kind%-v2}" ] || version=2
	last=$version
	config=
	case " $* " in
	*" downgrade "*) last=1 ;;
	*" upgrade "*) version=2 last=2 config="max_grant_version = 1" ;;
	esac
	guest_start "$name" "${kind%-v2}" memory 256 config "$config" \
		cmdline "grant_table.version=$version test_suite=10-restore test_restores=$# test_last=$last" || return 1
	echo-attach "$(guest_domid "$name")"
	map_notice "$name" || failed=1
	round=0
	for how; do
		round=$((round + 1))
		move "$name" $round "$how" || failed=1
	done
	guest_wait "$name" 250 || failed=1
	echo-attach --detach "$(guest_domid "$name")"
	rmmod peer_maps || failed=1
}

failed=0
while read -r kind hows <&3; do
	case $kind in
	*-fewer) try_fewer "$kind" || failed=1 ;;
	*-other) try_other "$kind" || failed=1 ;;
	*)
		# shellcheck disable=SC2086  # each a word
		try "$kind" $hows || failed=1
		;;
	esac
done 3</job/guests
exit $failed

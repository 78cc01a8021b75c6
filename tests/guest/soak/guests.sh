# SPDX-License-Identifier: GPL-2.0
# For dom0's suites of tests/guest/run soak: guests that do what they are told (domu.sh), and
# processes here that have their pages mapped.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh
. /lib/xengnt/dom0.sh
. /lib/xengnt/drivers.sh
. /job/can.sh

ours=''
mapper=''
trap end_guests EXIT

# begin_guest NAME KIND [OPTION VALUE]...: as guest_start; it answers.
begin_guest() {
	ours="$ours $1"
	guest_start "$@" && wait_for 200 guest_up "$1"
}
guest_up() { grep -q '@@ guest is up' "$(guest_console "$1")"; }

# tell NAME LINE: the guest is to do this; tell_wait NAME [SECONDS] waits until it has.
tell() {
	turn=$(($(cat "$GUESTS/$1/turn" 2>/dev/null || echo 0) + 1))
	echo $turn >"$GUESTS/$1/turn"
	xenstore-write "/local/domain/$(guest_domid "$1")/data/do-$turn" "$2"
}
# Its status is ours, what it printed is in $said, which is also printed.
tell_wait() {
	did=/local/domain/$(guest_domid "$1")/data/did-$(cat "$GUESTS/$1/turn")
	said='no answer'
	wait_for "${2:-180}" xenstore-exists "$did" 2>/dev/null || {
		echo "# $1 does not answer"
		return 1
	}
	answer=$(xenstore-read "$did")
	said=${answer#* }
	[ -z "$said" ] || printf '%b\n' "$said" | sed "s/^/# $1: /"
	return "${answer%% *}"
}
# ask NAME LINE [SECONDS]
ask() { tell "$1" "$2" && tell_wait "$1" "${3:-}"; }

# Until nothing of the guest is left: Xen keeps what somebody has mapped.
guest_is_listed() { xl list | awk -v id="$1" '$2 == id { found = 1 } END { exit !found }'; }
guest_not_listed() { ! guest_is_listed "$1"; }

pages_are_the_same() { kill -0 "$mapper" && [ "$(wc -l </tmp/mapper)" = 1 ]; }
kill_mapper() {
	kill -KILL "$mapper"
	wait "$mapper"
	killed=$?
	mapper=''
	sed 's/^/# /' /tmp/mapper
	[ $killed = 137 ]
}

end_guests() {
	[ -z "$mapper" ] || kill -KILL "$mapper"
	for guest in $ours; do
		guest_gone "$guest" || xl destroy "$guest"
		touch "$GUESTS/$guest/ended"
	done
}
# leave NAME: it powers off.
leave() {
	tell "$1" "poweroff -f"
	guest_wait "$1" 60
}

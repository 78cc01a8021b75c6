# SPDX-License-Identifier: GPL-2.0
# The table as a whole: the files of /sys/kernel/xengnt against each other and against
# debugfs, and what is said when little of the table is left.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh

SYS=/sys/kernel/xengnt
TRACING=/sys/kernel/tracing
table() { cat "$SYS/table/$1"; }
adds_up() { # within a reading of all of them: they are kept for half a second
	sleep 0.6
	read_all=$(cd $SYS/table && cat references used free kernel_used kernel_free references_max growable headroom)
	# shellcheck disable=SC2086  # words
	set -- $read_all
	echo "# references $1 used $2 free $3 kernel_used $4 kernel_free $5 max $6 growable $7 headroom $8"
	[ $(($2 + $3 + $4 + $5)) = "$1" ] && [ $(($1 + $7)) = "$6" ] && [ $(($3 + $5 + $7)) = "$8" ]
}
all_readable() {
	[ "$(find $SYS -type f | wc -l)" -gt 50 ] && [ -z "$(find $SYS -type f ! -perm 0444)" ] &&
		! find $SYS -type f -exec cat {} + 2>&1 | grep -vE '^[a-z_0-9]+$'
}
same_as_debugfs() {
	sleep 0.6
	for key in allocated freed granted ended misuse; do
		[ "$(cat $SYS/totals/$key)" = "$(counter ${key}_total)" ] || { echo "# $key"; return 1; }
	done
	[ "$(table frames_max)" = "$(counter table_frames_max)" ]
}
# A pool holds what its driver has, and a few for each processor.
has_pool() { [ "$(cat $SYS/pools/hold_refs/held 2>/dev/null || echo 0)" -ge "$1" ]; }
no_pool() { [ ! -e $SYS/pools/hold_refs ]; }
said() { dmesg | tail -n "+$((before + 1))" | grep -c 'xengnt: .* grant references are left; most, '; }
warned() { [ "$(said)" = 1 ]; }
uevents() { grep -c "^XENGNT_HEADROOM=$1" /tmp/uevents; }
one_uevent() { [ "$(uevents "$1")" = 1 ]; }

ktap_plan 14
mount -t tracefs tracefs $TRACING 2>/dev/null
load_module xengnt
# shellcheck disable=SC2016  # the child's
uevent sh -c 'env | grep ^XENGNT_ >>/tmp/uevents' & # writes each event's variables
listener=$!
: >/tmp/uevents
echo 1 >$TRACING/events/xengnt/xengnt_headroom/enable
find $SYS -type f -exec grep -H . {} + | sed 's/^/# /'
ktap_check "everybody may read the files, each has one value" all_readable
ktap_check "used and free add up to the table" adds_up
ktap_check "the totals are those of debugfs" same_as_debugfs
ktap_check "the kernel has the reserved ones at least, and some free" \
	[ "$(table kernel_used)" -ge 8 -a "$(table kernel_free)" -gt 0 ]
free_before=$(table kernel_free)

count=$(($(table references_max) / 8))
before=$(dmesg | wc -l)
load_module hold_refs count=$count
ktap_check "a pool has its directory soon" wait_for 5 has_pool $count
ktap_check "they add up with $count held" adds_up
ktap_equal "what is held is used" "$(table used)" "$count"
ktap_equal "nothing is said while enough is left" "$(said)" 0
echo 90 >/sys/module/xengnt/parameters/headroom_warn
ktap_check "a line says that little is left" wait_for 5 warned
dmesg | grep 'grant references are left' | sed 's/^/# /'
ktap_check "it names the pool and what to set" \
	sh -c "dmesg | grep -qE 'most, [0-9]+, are with pool hold_refs; .*(max_grant_frames|gnttab_max_frames)=[0-9]+$'"
ktap_check "a uevent tells it" wait_for 5 one_uevent low
ktap_check "an event can be traced" \
	grep -q "xengnt_headroom: left=[0-9]* of=[0-9]* most=[0-9]* holder=hold_refs" $TRACING/trace
echo 10 >/sys/module/xengnt/parameters/headroom_warn
ktap_check "a uevent tells that there is enough again" wait_for 5 one_uevent enough
rmmod hold_refs
ktap_check "the pool's directory goes" wait_for 15 no_pool
kill $listener
echo "# kernel_free: $free_before, $(table kernel_free)"
echo 0 >$TRACING/events/xengnt/xengnt_headroom/enable
rmmod xengnt

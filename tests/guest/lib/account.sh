# SPDX-License-Identifier: GPL-2.0
# What the kernel has to give, counted before and after a suite; source common.sh first.
# shellcheck shell=sh

PARAMETERS=/sys/module

# While the kernel's functions lead to xengnt they cannot be used to count; this is the same sum.
taken_over() { grep -q '^state [^o]\|^state on' /sys/kernel/debug/xengnt/takeover 2>/dev/null; }
references_taken_over() {
	sleep 0.6 # the files keep their values for half a second
	echo $(($(cat /sys/kernel/xengnt/table/headroom) + $(cat /sys/kernel/xengnt/table/used)))
}

# The references that the kernel can give, those that xengnt has leased included
# (modules/count_refs.c), and what mappings leave in its books (modules/count_pages.c).
# Nothing when it cannot be counted.
account() {
	load_module count_refs && load_module count_pages || return 1
	refs=$(cat $PARAMETERS/count_refs/parameters/refs)
	leased=$(sed -n 's/^leased //p' /sys/kernel/debug/xengnt/stats 2>/dev/null)
	refs=$((refs + ${leased:-0}))
	! taken_over || refs=$(references_taken_over)
	echo "references $refs" \
		"foreign $(cat $PARAMETERS/count_pages/parameters/foreign)" \
		"pages $(cat $PARAMETERS/count_pages/parameters/pages)"
	rmmod count_pages
	rmmod count_refs
}

is_account() {
	now=$(account)
	[ "$now" = "$1" ]
}

# close_account BEFORE: one KTAP result of its own, since the suite's plan is not ours.
# The kernel itself takes its time with what it has deferred.
close_account() {
	result="not ok"
	[ -n "$1" ] && wait_for 20 is_account "$1" && result=ok
	echo "KTAP version 1"
	echo "1..1"
	echo "# before: ${1:-not counted}, now: ${now:-not counted}"
	echo "$result 1 the kernel has the same references and pages as before the suite"
}

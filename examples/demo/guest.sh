#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The guest's part of the demo: loads xengnt and the frontend, and prints what
# it finds as "demo: KEY VALUE" lines.  dom0's part is demo_back.
. /lib/xengnt/ktap.sh

note() { echo "demo: $*"; }

note_counters() { # PREFIX
	while read -r key value; do
		note "$1_$key $value"
	done <"$STATS"
}

fail() {
	note "error $*"
	rmmod demo_front 2>/dev/null
	rmmod xengnt 2>/dev/null
	exit 1
}

nothing_deferred() { [ "$(counter deferred)" = 0 ]; }

# What the kernel's own caches take at the first loads is not the module's loss.
for _ in $(seq 10); do
	load_module xengnt || fail "xengnt.ko does not load"
	rmmod xengnt || fail "xengnt.ko does not unload"
done
note "settled_pages_before $(settled_pages)"

load_module xengnt || fail "xengnt.ko does not load"
[ -e "$STATS" ] || fail "no $STATS: the module's counters are missing"
note_counters start

# Returns when all grants are ended, one of them while dom0 has it mapped.
load_module demo_front || fail "demo_front.ko: see the lines above"
note_counters ended

xenstore-write data/xengnt-demo/state release
wait_for 20 nothing_deferred || note "error deferred grant not reclaimed after 20 s"
rmmod demo_front || fail "demo_front.ko does not unload"
note_counters end

rmmod xengnt || fail "xengnt.ko does not unload"
note "settled_pages_after $(settled_pages)"

# SPDX-License-Identifier: GPL-2.0
# The debug kernel's last word, when xengnt and its drivers have gone: what has
# been lost, and whether lockdep still watches (it stops at its first report).
# The reports of others are lines in the log, which fail the place.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh

KMEMLEAK=/sys/kernel/debug/kmemleak
DRIVERS='echo_back hostile_back oracle_peer xengnt'

# Those that peers have loaded; nobody uses them any more.
unload_drivers() {
	for module in $DRIVERS; do
		! grep -q "^$module " /proc/modules || rmmod "$module" || return 1
	done
}

# An object is lost when two scans do not find it anywhere; a young one is not looked for.
scan() {
	for _ in 1 2; do
		sleep 6
		echo scan >$KMEMLEAK || return 1
	done
}

nothing_lost() {
	[ -z "$(cat $KMEMLEAK)" ] || {
		sed 's/^/# /' $KMEMLEAK
		return 1
	}
}

has_kcsan() { [ -e /sys/kernel/debug/kcsan ]; }
race_is_found() { dmesg | grep -q 'BUG: KCSAN: data-race in .*\[race_on_purpose\]'; }

objects_lost() { grep -c '^unreferenced object' $KMEMLEAK; }

ktap_plan 8
ktap_check "the drivers of peers go, and xengnt" wait_for 10 unload_drivers
ktap_check "kmemleak has looked" scan
ktap_check "nothing is lost" nothing_lost
echo clear >$KMEMLEAK

# Would it have noticed?
ktap_check "a module that loses twenty objects" load_module lose_memory
rmmod lose_memory
scan
ktap_check "is found out" test "$(objects_lost)" -ge 15
echo clear >$KMEMLEAK
ktap_equal "lockdep is still on" "$(sed -n 's/^ *debug_locks: *//p' /proc/lockdep_stats)" 1
if has_kcsan; then
	ktap_check "a module whose threads race" load_module race_on_purpose
	ktap_check "is found out too" race_is_found
	rmmod race_on_purpose
else
	ktap_skip "a module whose threads race" "this kernel does not look for races"
	ktap_skip "is found out too" "this kernel does not look for races"
fi

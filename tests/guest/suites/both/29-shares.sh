# SPDX-License-Identifier: GPL-2.0
# Reserves and limits by the name of a pool, given when loading and written later.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh

PARAMETERS=/sys/module/xengnt/parameters
pool() { sed -n "s/^name hold_refs .* limit \([0-9]*\) reserve \([0-9]*\) .*/\2 \1/p" /sys/kernel/debug/xengnt/pools; }
refused() { ! "$@" 2>/dev/null; }
write() { echo "$2" >"$PARAMETERS/$1" 2>/dev/null; }

ktap_plan 22
load_module xengnt reserve=hold-refs:100 limit=hold_refs:200,other:7
ktap_equal "both can be read" "$(cat $PARAMETERS/reserve) $(cat $PARAMETERS/limit)" \
	"hold-refs:100 hold_refs:200,other:7"
ktap_check "a driver does not get more than its limit" refused load_module hold_refs count=201
ktap_check "but as many" load_module hold_refs count=200
ktap_equal "its pool has both" "$(pool)" "100 200"
ktap_check "a limit can be written" write limit hold_refs:300
ktap_equal "for a pool that exists" "$(pool)" "100 300"
ktap_check "without the name" write reserve ""
ktap_equal "the pool has what it was made with" "$(pool)" "0 300"
ktap_check "nonsense is refused" refused write limit hold_refs
ktap_check "too much as well" refused write limit "$(printf 'n%s:1,' $(seq 65))n:1"
ktap_equal "and changes nothing" "$(cat $PARAMETERS/limit) $(pool)" "hold_refs:300 0 300"
ktap_check "a name twice is refused" refused write limit hold_refs:1,hold-refs:2
ktap_check "the limit bounds the reserve" write reserve hold_refs:400
ktap_equal "so the reserve is 300" "$(pool)" "300 300"
write limit ""
write reserve hold_refs:250
ktap_check "a reserve that is too large now can be written" write reserve hold_refs:10000000
ktap_equal "the pool keeps the one it has" "$(pool)" "250 4294967295"
ktap_check "and the log says so" sh -c "dmesg | grep -q \
	'xengnt: pool hold_refs cannot have a reserve of 10000000 references now'"
rmmod hold_refs

# A driver that has a part of its reserve, and another one that takes all it can.
greedy() {
	load_module hold_refs count=300 begin=100 && load_module greedy_refs
	taken=$(cat /sys/module/greedy_refs/parameters/taken)
}
more() { (echo 1 >/sys/module/hold_refs/parameters/more) 2>/dev/null; }
write reserve hold_refs:300
greedy
ktap_check "another driver takes all it can" [ "$taken" -gt 500 ]
ktap_check "the rest of the reserve is there all the same" more
rmmod greedy_refs hold_refs
write reserve ""
greedy
ktap_check "without a reserve" refused more
rmmod greedy_refs hold_refs
write limit greedy-refs:500
greedy
ktap_equal "with a limit it takes no more" "$taken" 500
ktap_check "and leaves the others theirs" more
rmmod greedy_refs hold_refs
rmmod xengnt

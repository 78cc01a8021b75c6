# SPDX-License-Identifier: GPL-2.0
# A backend that maps whatever is granted, keeps some of it to the end and the
# rest for a while, against 100,000 ends of access: it never sees a page that its
# owner has been told is free, and no page and no reference is lost.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh

parameters=/sys/module/hostile_front/parameters

# play ROUND [PARAMETER...]: sets mapped, refused, violations, ran.
play() {
	round=$1
	shift
	load_module hostile_front "$@" || return 1
	xenstore-write "data/hostile-ref-$round" "$(cat $parameters/control_ref)"
	ran=0
	echo 1 >$parameters/run || ran=$?
	wait_for 120 xenstore-exists "data/hostile-result-$round" || return 1
	# shellcheck disable=SC2046  # three numbers
	set -- $(xenstore-read "data/hostile-result-$round")
	mapped=$1 refused=$2 violations=$3
	ended=$(cat $parameters/ended) busy=$(cat $parameters/busy)
	deferred=$(cat $parameters/deferred) wrong=$(cat $parameters/wrong)
	echo "# ended $ended busy $busy later $deferred; backend: mapped $mapped refused $refused"
}

ktap_plan 9
load_module xengnt
ktap_check "a frontend that marks its pages too early" play 1 attempts=20000 cheat=1
ktap_check "is found out" test "${violations:-0}" -gt 0
rmmod hostile_front
ktap_check "100,000 ends" play 2
ktap_equal "all of them come to an end" "$ran" 0
ktap_check "many against a page that is mapped" test "$((busy + deferred))" -gt 500
ktap_check "and many mappings" test "$mapped" -gt 500
ktap_equal "no page is seen that is free" "$violations" 0
ktap_equal "no page has another owner at its end" "$wrong" 0
rmmod hostile_front
nothing_left() { [ "$(counter granted) $(counter claimed) $(counter deferred)" = "0 0 0" ]; }
ktap_check "nothing is left" wait_for 10 nothing_left
rmmod xengnt

# SPDX-License-Identifier: GPL-2.0
# A guest's life, from its start to its destruction: the process in dom0 that maps its
# pages is killed; its driver and xengnt go while pages are mapped; it is paused with
# messages on their way; a hostile backend comes by; then it is destroyed with its pages
# mapped here and ours there. Afterwards dom0 is as it was.
# shellcheck shell=sh
. /job/guests.sh

me=$(basename "$0" .sh) # life-NUMBER-KIND
kind=${me##*-}
params=/sys/module/hostile_back/parameters

# --- the process that maps is killed -------------------------------------------

grant_and_map() { # COUNT [-l]
	ask "$me" "grant_many 0 $1" && map_pages ${2:+"$2"} "$(guest_domid "$me")" "$said"
}
killed_at_work() {
	ask "$me" "grant_many 0 64" || return 1
	refs=$said
	for pause in 0.3 0.5 0.4; do
		map_pages -l "$(guest_domid "$me")" "$refs" || return 1
		sleep $pause
		kill_mapper || return 1
	done
	ask "$me" "end_many; back_many 64"
}

# --- messages ------------------------------------------------------------------------

pause_and_go_on() { # TIMES
	for _ in $(seq "$1"); do
		xl pause "$me" && sleep 0.5 && xl unpause "$me" && sleep 0.5 || return 1
	done
}

# --- a hostile backend ------------------------------------------------------------

is_done() { [ "$(cat $params/done)" = Y ]; }
hostile() { # ATTEMPTS
	ask "$me" "hostile_begins $1" || return 1
	load_module hostile_back "domid=$(guest_domid "$me")" "ref=$said" || return 1
	ask "$me" hostile_runs 300
	ran=$?
	wait_for 30 is_done
	seen="$(cat $params/violations) violations"
	echo "# mapped $(cat $params/mapped) refused $(cat $params/refused)"
	rmmod hostile_back
	ask "$me" hostile_ends && return $ran
}

# --- the end ---------------------------------------------------------------------------

both_ways() {
	load_module grants_many "domid=$(guest_domid "$me")" || return 1
	ask "$me" "load_module xen-gntdev && map_pages 0 $(cat "$MANY/refs")" && grant_and_map 64
}
destroy() {
	xl destroy "$me"
	guest_wait "$me" 60
}

before=$(standing)
ktap_plan 25
ktap_check "a $kind guest starts" begin_guest "$me" "$kind"
domid=$(guest_domid "$me")
echo-attach "$domid"
ask "$me" kernel_refs
refs_before=$said

ask "$me" "load_module xengnt"
grant_and_map 64
ktap_equal "64 pages are mapped by a process" $? 0
ktap_check "their ends are deferred" ask "$me" "busy_many 64"
ktap_check "the process is killed" kill_mapper
ktap_check "all come back, with its answers in them" ask "$me" "back_many 64"
ktap_check "and after it was killed while it mapped and unmapped" killed_at_work

grant_and_map 16
ktap_equal "16 pages are mapped by a process" $? 0
ktap_check "their driver and xengnt go" ask "$me" "leave_to_kernel 16"
ktap_check "nobody has touched them" pages_are_the_same
kill_mapper
ktap_check "the kernel frees them after the kill" ask "$me" "freed_by_kernel 16"
ask "$me" kernel_refs
ktap_equal "and has as many references as before" "$said" "$refs_before"

ask "$me" "load_module xengnt"
ktap_check "messages flow" ask "$me" "traffic_starts && traffic_flows"
ktap_check "it is paused ten times" pause_and_go_on 10
ktap_check "the messages go on, none wrong" ask "$me" traffic_flows
ktap_check "20,000 ends against a hostile backend" hostile 20000
ktap_equal "no page is seen that is free, none has another owner" "$seen, $said" "0 violations, wrong 0"
ktap_check "the messages went on" ask "$me" traffic_flows
ktap_check "no call was refused there" ask "$me" no_wrong_call

ktap_check "64 pages are mapped each way" both_ways
ktap_check "ours are wanted back" busy_many 64
ktap_check "it is destroyed, with messages on their way" destroy
ktap_check "ours come back, with its answers in them" back_many 64
guest_is_listed "$domid" && pages_are_the_same
ktap_equal "its own stay as they are while they are mapped" $? 0
kill_mapper
echo-attach --detach "$domid"
ktap_check "nothing of it is left after the kill" wait_for 20 guest_not_listed "$domid"
ktap_standing "dom0 is as before" "$before"

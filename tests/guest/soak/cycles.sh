# SPDX-License-Identifier: GPL-2.0
# xengnt is loaded and unloaded 200 times in one guest (suites/both/10-load-unload.sh)
# while messages flow between another one and dom0.
# shellcheck shell=sh
. /job/guests.sh

before=$(standing)
ktap_plan 8
ktap_check "a guest with messages starts" begin_guest traffic pvh
echo-attach "$(guest_domid traffic)"
ktap_check "they flow" ask traffic "load_module xengnt && traffic_starts && traffic_flows"
ktap_check "another guest starts" begin_guest cycles pv
ask cycles kernel_refs
refs_before=$said
ktap_check "200 times" ask cycles "export ROUNDS=200 SUITE_SECONDS=800; run_suites domu" 850
ask cycles kernel_refs
ktap_equal "the kernel has as many references as before" "$said" "$refs_before"
ktap_check "the messages went on, none wrong" ask traffic traffic_grew
ask traffic "traffic_ends && wait_for 10 all_free && no_wrong_call && rmmod xengnt"
ktap_equal "the first guest has nothing out, no call was refused" $? 0
echo-attach --detach "$(guest_domid traffic)"
leave cycles
leave traffic
ktap_standing "dom0 is as before" "$before"

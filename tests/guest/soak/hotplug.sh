# SPDX-License-Identifier: GPL-2.0
# A processor of a guest comes and goes while references are allocated and freed on it
# and on the other one. Only in a PV guest: others have one processor under emulation.
# shellcheck shell=sh
. /job/guests.sh

ktap_plan 9
ktap_check "a guest with two processors starts" begin_guest hotplug pv vcpus 2
ask hotplug kernel_refs
refs_before=$said
ktap_check "threads on both of them" ask hotplug "load_module xengnt lease_limit=512 && load_module churn && wait_for 20 more_there 100"
ktap_check "the second one goes and comes 40 times" ask hotplug "hotplug 40" 400
ktap_check "nothing failed" ask hotplug "churned; churned | grep -q 'failed 0,0$'"
ktap_check "the threads go while it is away" ask hotplug "second_processor 0 && rmmod churn && wait_for 10 all_free"
ask hotplug take_all
ktap_equal "all references can be had without it" "$said" 512
ktap_check "no call was refused" ask hotplug "second_processor 1; no_wrong_call && all_free"
ask hotplug "rmmod xengnt && kernel_refs"
ktap_equal "the kernel has as many references as before" "$said" "$refs_before"
ktap_check "the guest ends" leave hotplug

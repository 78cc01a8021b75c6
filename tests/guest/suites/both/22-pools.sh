# SPDX-License-Identifier: GPL-2.0
# Pools, batches and notices; and a leak that is traced to its driver.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh

DEBUG=/sys/kernel/debug/xengnt

load_module xengnt track=1
run_test_module selftest_pools

# logged AFTER FUNCTION: a stack with this function follows a line in the log.
logged() { dmesg | grep -A40 "$1" | grep -q "$2"; }
held_by() { grep -A5 "^refs $1 .* state $2 .* pool selftest_pools" $DEBUG/owners | grep -q "$3"; }

ktap_plan 11
ktap_check "a pool given up with seven references out says where they were taken" \
	logged 'xengnt: pool given-up: 7 references were still out' a_pool_given_up_counts_what_is_out
echo 0 >/sys/module/xengnt/parameters/track
ktap_check "tracking can be switched off" grep -q '^# off' $DEBUG/owners
echo 1 >/sys/module/xengnt/parameters/track
ktap_check "and on, knowing nothing of before" sh -c "! grep . $DEBUG/owners"
load_module selftest_pools hold=1
ktap_check "a pool named after the module" \
	grep -q '^name selftest_pools held .* used 1' $DEBUG/pools
ktap_check "its three references and where they were taken" held_by 3 claimed take_three
ktap_check "its list of 40, of which none is claimed" held_by 40 listed take_a_list
rmmod selftest_pools
GONE='xengnt: pool selftest_pools: 43 references were still out'
ktap_check "a module that goes with references out is named" \
	sh -c "dmesg | grep -q '$GONE'"
ktap_check "and where it took the three is logged" logged "$GONE" take_three
ktap_check "and the list" logged 'xengnt: 40 references, 0x[0-9a-f]* among them' take_a_list
ktap_equal "they are still out" "$(counter claimed) $(counter listed)" "3 40"
rmmod xengnt
ktap_check "unloading reports what was never freed" \
	sh -c "[ \$(dmesg | grep -c 'xengnt: reference 0x[0-9a-f]* .*: never freed by its driver') -ge 3 ]"

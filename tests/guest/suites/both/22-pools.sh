# SPDX-License-Identifier: GPL-2.0
# Pools, batches and notices; and a leak that is traced to its driver.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh

DEBUG=/sys/kernel/debug/xengnt

load_module xengnt track=1
run_test_module selftest_pools

ktap_plan 7
load_module selftest_pools hold=1
ktap_check "a pool named after the module" \
	grep -q '^name selftest_pools held .* used 1' $DEBUG/pools
ktap_check "its three references and where they were taken" \
	sh -c "grep -q '^refs 3 .* pool selftest_pools' $DEBUG/owners && grep -q take_three $DEBUG/owners"
rmmod selftest_pools
ktap_check "a module that goes with three references out is named" \
	sh -c "dmesg | grep -q 'xengnt: pool selftest_pools: 3 references were still out'"
ktap_check "and where it took them is logged" \
	sh -c "dmesg | grep -A6 'references, 0x[0-9a-f]* among them, were taken here' | grep -q take_three"
ktap_equal "they are still claimed" "$(counter claimed)" 3
echo 0 >/sys/module/xengnt/parameters/track
ktap_check "tracking can be switched off" grep -q '^# off' $DEBUG/owners
rmmod xengnt
ktap_check "unloading reports each of the three" \
	sh -c "[ \$(dmesg | grep -c 'xengnt: reference 0x[0-9a-f]* .*: never freed by its driver') = 3 ]"

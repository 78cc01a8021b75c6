# SPDX-License-Identifier: GPL-2.0
# The C++ owners of grants, as the C++ frontend uses them.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh

idle() { [ "$(counter granted) $(counter deferred) $(counter listed) $(counter claimed)" = "0 0 0 0" ]; }

load_module xengnt
run_test_module selftest_owners

ktap_plan 2
ktap_check "nothing is left out" wait_for 5 idle
ktap_check "xengnt unloads" rmmod xengnt

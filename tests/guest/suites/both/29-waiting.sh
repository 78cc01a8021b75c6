# SPDX-License-Identifier: GPL-2.0
# Sleeping until a pool has references.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh

load_module xengnt
run_test_module selftest_waiting
ktap_plan 1
ktap_equal "nobody waits any more" "$(counter waiting)" 0
rmmod xengnt

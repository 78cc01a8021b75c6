# SPDX-License-Identifier: GPL-2.0
# Wrong calls: each is refused with one line that names reference and caller.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh

ERRORS=/sys/kernel/debug/xengnt/errors
reported() { sed -n "s/^$1 //p" "$ERRORS"; }
lines() { dmesg | grep -c "xengnt: reference 0x[0-9a-f]* (domain [0-9]*): .*; caller .*selftest_misuse"; }

load_module xengnt
lines_before=$(lines)
run_test_module selftest_misuse

ktap_plan 7
ktap_equal "free of what is free, on a list, or freed twice is reported" "$(reported free_of_free)" 2
ktap_equal "free of what is granted is reported" "$(reported free_of_granted)" 1
ktap_equal "grant of what nobody claimed is reported" "$(reported grant_unclaimed)" 1
ktap_equal "a list freed twice is reported" "$(reported list_broken)" 1
ktap_equal "a release of what is on a list is reported" "$(reported release_unclaimed)" 1
ktap_equal "the counter has each of them" "$(counter misuse_total)" 6
ktap_equal "one line each, with reference and caller" "$(($(lines) - lines_before))" 6
rmmod xengnt

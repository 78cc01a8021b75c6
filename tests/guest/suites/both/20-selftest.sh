# SPDX-License-Identifier: GPL-2.0
# References, granting and ending, in this guest.
. /lib/xengnt/ktap.sh

load_module xengnt
run_test_module selftest_refs
run_test_module selftest_grants
run_test_module selftest_copies
rmmod xengnt

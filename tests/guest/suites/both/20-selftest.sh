# SPDX-License-Identifier: GPL-2.0
# References, granting and ending, in this guest.
. /lib/xengnt/ktap.sh

said() { dmesg | grep -c 'xengnt: reference 0x[0-9a-f]* is still in use; caller'; }
now() { cut -d. -f1 /proc/uptime; }

load_module xengnt
lines_before=$(said) begun=$(now)
run_test_module selftest_refs
run_test_module selftest_grants
run_test_module selftest_copies
ktap_plan 1
ktap_check "a thousand busy ends are at most one line a minute" \
	[ "$(($(said) - lines_before))" -le "$((1 + ($(now) - begun) / 60))" ]
rmmod xengnt

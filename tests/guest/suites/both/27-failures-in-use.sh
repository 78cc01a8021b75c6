# SPDX-License-Identifier: GPL-2.0
# Each allocation of the module fails once while drivers use it.
. /lib/xengnt/ktap.sh

load_module fail_alloc
load_module xengnt
run_test_module selftest_failures
rmmod xengnt
rmmod fail_alloc

# SPDX-License-Identifier: GPL-2.0
# The benchmark module does each of its works on both sides, and measures nothing.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh

# Its clock is x86's: it is built for that alone.
[ -e /modules/bench_refs.ko ] || ktap_skip_all "the benchmark module is not built"
kernel_ends || ktap_skip_all "this kernel's own version 2 crashes in this type of guest"

ktap_plan 3
load_module xengnt
ktap_check "each work of the benchmark" load_module bench_refs once=1
rmmod bench_refs
ktap_equal "claimed, granted, deferred, listed afterwards" \
	"$(counter claimed) $(counter granted) $(counter deferred) $(counter listed)" "0 0 0 0"
ktap_check "xengnt goes" rmmod xengnt

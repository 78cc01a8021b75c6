# SPDX-License-Identifier: GPL-2.0
# For suites that switch takeover; source ktap.sh first.
# shellcheck shell=sh

export SWITCH=/sys/module/xengnt/parameters/takeover
export FILE=/sys/kernel/debug/xengnt/takeover
# How many functions are hooked.
export FUNCTIONS=14

takeover_state() { sed -n 's/^state //p' "$FILE"; }
hooked() { grep -c '^function .* hooked 1 ' "$FILE"; }
# held_by CALLER: references of ours that it holds.
held_by() { sed -n "s/^caller $1 holds //p" "$FILE"; }

# A version 2 table where the kernel cannot end access: once on, it stays on.
takeover_is_one_way() {
	grep -q 'grant_table.version=2' /proc/cmdline && ! grep -qx PV /sys/hypervisor/guest_type
}

# How many references the kernel has to give (modules/count_refs.c).
kernel_refs() {
	load_module count_refs && rmmod count_refs && dmesg | sed -n 's/.*count_refs: //p' | tail -n 1
}

# SPDX-License-Identifier: GPL-2.0
# A PVH guest is saved with a table of version 1 and restored with version 2. Its kernel places no
# status frames and no more table frames, so half of the references have no frame any more. Those that
# have one can be granted and ended as before; the others are reported as unreachable and not granted.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh
. /lib/xengnt/drivers.sh

COUNT=3000 # in six frames of version 1
KEPT=1000  # of version 2, six frames hold 1,536
HOLDER=/sys/module/hold_refs/parameters

is_restored() { dmesg | grep -q "the table has version 2 after resuming"; }
lost() { dmesg | sed -n 's/.*smaller after resuming: \([0-9]*\) references.*/\1/p'; }
half_are_lost() { [ "$(lost)" -ge $((COUNT - 6 * 256)) ]; }
end_all() { echo 1 >$HOLDER/end; }
out() { echo "$(cat $HOLDER/ended) $(counter granted)"; }
is_mapped() { [ "$(xenstore-read data/notice-mapped)" = "$1" ]; }
more_are_refused() { ! load_module hold_refs count=$COUNT; }
finds_out() { dmesg | grep -q "had version 1 when the kernel started"; }

ktap_plan 16
load_module xengnt
ktap_check "$COUNT references are granted" load_module hold_refs count=$COUNT
ktap_equal "all of them from xengnt" "$(counter granted)" "$COUNT"
echo "# waits to be saved"
ktap_check "the version has changed" wait_for 200 is_restored
ktap_check "half of the references have no frame ($(lost))" half_are_lost
ktap_check "access ends" end_all
ktap_equal "through each of them" "$(out)" "$COUNT 0"
ktap_check "their driver unloads" rmmod hold_refs
ktap_check "more than the frames hold are refused" more_are_refused
ktap_check "$KEPT are granted" load_module hold_refs count=$KEPT
xenstore-write data/notice "$(cat $HOLDER/last)"
ktap_check "dom0 maps the page of the highest, $(cat $HOLDER/last)" wait_for 100 is_mapped 1
end_all
ktap_equal "only that one is busy" "$(out)" "$((KEPT - 1)) 1"
echo "# waits for its page"
wait_for 100 is_mapped 0
end_all
ktap_equal "until dom0 has unmapped it" "$(out)" "$KEPT 0"
rmmod hold_refs
ktap_check "nothing is left" idle
ktap_check "no call was refused" sh -c '! grep -v "^unreachable\| 0$" /sys/kernel/debug/xengnt/errors'
ktap_check "xengnt unloads" rmmod xengnt
load_module xengnt
ktap_check "loaded again it finds out that the version has changed" finds_out
rmmod xengnt

# SPDX-License-Identifier: GPL-2.0
# A guest is saved with a table of one version and restored with one of the other: a frame holds twice
# or half as many references, so the same ones are in other frames, all of which must be there.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh
. /lib/xengnt/drivers.sh

COUNT=$(setting count)   # in six frames
MORE=$((COUNT + 1000))   # and beyond them
FRAMES=$(setting frames) # that they take afterwards
HOLDER=/sys/module/hold_refs/parameters

is_restored() { dmesg | grep -q "the table has version $(setting last) after resuming"; }
end_all() { echo 1 >$HOLDER/end; }
out() { echo "$(cat $HOLDER/ended) $(counter granted)"; }
is_mapped() { [ "$(xenstore-read data/notice-mapped)" = "$1" ]; }
all_are_reached() { [ "$(counter table_frames)" -ge "$FRAMES" ]; }
more_are_refused() { ! load_module hold_refs count=$MORE; }

ktap_plan 15
load_module xengnt
ktap_check "$COUNT references are granted" load_module hold_refs count=$COUNT
ktap_equal "all of them ours" "$(counter granted)" "$COUNT"
echo "# waits to be saved"
ktap_check "the version is another one" wait_for 200 is_restored
ktap_check "each reference is in a frame that is there" sh -c '! dmesg | grep "have no frame"'
ktap_check "access ends" end_all
ktap_equal "through each of them" "$(out)" "$COUNT 0"
ktap_check "its driver unloads" rmmod hold_refs
# The kernel's own code writes through a NULL pointer when its table has grown now, at once or soon.
ktap_check "more than the kernel has are refused" more_are_refused
ktap_check "as many as before are granted" load_module hold_refs count=$COUNT
ktap_check "in $FRAMES frames" all_are_reached
xenstore-write data/notice "$(cat $HOLDER/last)"
ktap_check "dom0 maps what the highest, $(cat $HOLDER/last), leads to" wait_for 100 is_mapped 1
end_all
ktap_equal "only that is in use" "$(out)" "$((COUNT - 1)) 1"
echo "# waits for its page"
wait_for 100 is_mapped 0
end_all
ktap_equal "and then it is not" "$(out)" "$COUNT 0"
rmmod hold_refs
ktap_check "nothing is left" idle
ktap_check "no call was refused" sh -c '! grep -v " 0$" /sys/kernel/debug/xengnt/errors'
rmmod xengnt

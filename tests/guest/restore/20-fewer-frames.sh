# SPDX-License-Identifier: GPL-2.0
# A guest is saved with references in more frames than its table has where it is restored. The
# kernel's own code finds its table gone then and leaves it at that; ours says what is lost, writes
# nothing where no table is, and lets drivers end and give back all that they have.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh
. /lib/xengnt/drivers.sh

COUNT=3000 # six frames of version 1
HOLDER=/sys/module/hold_refs/parameters

lost() { dmesg | sed -n 's/.*smaller after resuming: \([0-9]*\) references have no frame.*/\1/p'; }
is_restored() { [ "$(lost)" ]; }
some_are_lost() { [ "$(lost)" -ge $((COUNT - 2 * 512)) ]; }
end_all() { echo 1 >$HOLDER/end; }

ktap_plan 8
load_module xengnt
ktap_check "$COUNT references are granted" load_module hold_refs count=$COUNT
ktap_equal "all of them ours" "$(counter granted)" "$COUNT"
echo "# waits to be saved"
ktap_check "the log names the number without a frame" wait_for 200 is_restored
echo "# $(lost) references have no frame"
ktap_check "those beyond two frames at least" some_are_lost
ktap_check "access ends" end_all
ktap_equal "through each of them" "$(cat $HOLDER/ended) $(counter granted)" "$COUNT 0"
rmmod hold_refs
ktap_check "nothing is left" idle
ktap_check "no call was refused" sh -c '! grep -v " 0$" /sys/kernel/debug/xengnt/errors'
rmmod xengnt

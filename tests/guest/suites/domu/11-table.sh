# SPDX-License-Identifier: GPL-2.0
# The table is of the version and the size that dom0 gave this guest, so that
# what the other suites show is shown for that kind of table.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh
. /lib/xengnt/drivers.sh

ktap_plan 2
load_module xengnt
said=$(dmesg | sed -n 's/.*xengnt: ready: version \([0-9]*\) table, up to \([0-9]*\) frames,.*/\1 \2/p' |
	tail -n 1)
ktap_equal "version" "${said% *}" "$(setting version)"
ktap_equal "frames" "${said#* }" "$(setting frames)"
rmmod xengnt

# SPDX-License-Identifier: GPL-2.0
# dom0's part of suites/both/30-oracle.sh: one who maps the guest's grants and
# grants it pages, each time that the oracle loads there.
# shellcheck shell=sh
. /lib/xengnt/common.sh

[ -e /modules/oracle_peer.ko ] || exit 0
node=/local/domain/$2/data/oracle/ref
while sleep 0.2; do
	ref=$(xenstore-read "$node" 2>/dev/null) || continue
	# Of a guest that ended in the middle.
	grep -q '^oracle_peer ' /proc/modules && rmmod oracle_peer
	load_module oracle_peer domid="$2" ref="$ref"
	rmmod oracle_peer
done

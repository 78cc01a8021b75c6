# SPDX-License-Identifier: GPL-2.0
# One driver on xengnt and one on the kernel's own grant table, both at work at the
# same time; then the other way round.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh
. /lib/xengnt/drivers.sh

OURS=/drivers
STOCK=/modules
net=$(setting net)

# mixed WHERE_BLKFRONT_IS WHERE_NETFRONT_IS ON_XENGNT ON_STOCK: 6 results.
mixed() {
	want_disks yes
	insmod "$1/xen-blkfront.ko" && insmod "$2/xen-netfront.ko" max_queues=1
	wait_for 30 disks_there
	ktap_equal "the disks are there" $? 0
	ktap_check "dom0 can be reached" network_up "$net.2" "$net.1"
	uses_xengnt "$3" && ! uses_xengnt "$4"
	ktap_equal "$3 is on xengnt, $4 is not" $? 0
	ktap_check "disk and network at the same time" both_at_work "$net"
	want_disks no
	wait_for 30 disks_gone && wait_for 5 rmmod xen-blkfront && network_gone
	ktap_equal "both go" $? 0
	ktap_standing "no reference, page or p2m entry is missing" "$before"
}

ktap_plan 13
load_xengnt
before=$(standing)
transfer data 4096 1 >/tmp/data
mixed $OURS $STOCK xen_blkfront xen_netfront
mixed $STOCK $OURS xen_netfront xen_blkfront
ktap_check "xengnt goes" unload_xengnt

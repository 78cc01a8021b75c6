#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# dom0's part: serves a disk and a network to a guest, with the kernel's own backends.
. /lib/xengnt/common.sh
. /lib/xengnt/dom0.sh
. /job/settings # MIB, ROUNDS, TYPE, GUEST_SECONDS

insmod /drivers/brd.ko rd_nr=2 rd_size=$((MIB * 1024))
load_module xen-blkback
load_module xen-netback max_queues=1
# A disk that has been written to once: its memory is there.
dd if=/dev/zero of=/dev/ram0 bs=1M 2>/dev/null

guest_start "domu-$TYPE" "$TYPE" memory 512 vcpus 1 \
	cmdline "test_net=10.0.1 test_mib=$MIB test_rounds=$ROUNDS test_type=$TYPE" \
	config "vif = [ 'ip=10.0.1.1' ]" || exit 1
start_peers "domu-$TYPE"
status=0
guest_wait "domu-$TYPE" "$GUEST_SECONDS" || status=1
end_peers
exit $status

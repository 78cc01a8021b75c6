#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# In a guest: the kernel's own blkfront and netfront, as Debian built them and
# rebuilt on xengnt, in turns. dom0's side stays the same. Each figure is a line
# "throughput: NAME SIDE MS"; bench/throughput.py reads them.
. /lib/xengnt/ktap.sh
. /lib/xengnt/drivers.sh

MIB=$(setting mib)
ROUNDS=$(setting rounds)
net=$(setting net)

# where SIDE: its drivers.
where() { if [ "$1" = stock ]; then echo /modules; else echo /drivers; fi; }

now_ms() {
	read -r now _ </proc/uptime
	echo "${now%.*}${now#*.}0"
}

# timed NAME SIDE COMMAND...
timed() {
	name=$1 side=$2
	shift 2
	begun=$(now_ms)
	"$@" 2>/dev/null || echo "throughput: $name failed"
	echo "throughput: $name $side $(($(now_ms) - begun))"
}

# Without persistent grants, so that each request grants and ends; requests of
# 1 MiB past the page cache.
disk() {
	want_disks yes
	insmod "$(where "$1")/xen-blkfront.ko" feature_persistent=0
	wait_for 60 disks_there || echo "throughput: no disk"
	dd if=/dev/xvda of=/dev/null bs=1M count=8 iflag=direct 2>/dev/null
	timed blkfront_write "$1" dd if=/tmp/data of=/dev/xvda bs=1M oflag=direct
	timed blkfront_read "$1" dd if=/dev/xvda of=/dev/null bs=1M count="$MIB" iflag=direct
	want_disks no
	wait_for 60 disks_gone
	wait_for 5 rmmod xen-blkfront
}

network() {
	insmod "$(where "$1")/xen-netfront.ko" max_queues=1
	network_up "$net.2" "$net.1"
	transfer tcp-client "$net.1" 7000 1 >/dev/null
	transfer tcp-client "$net.1" 7000 "$MIB" | sed -n \
		"s/.*sent in \([0-9]*\) ms, received in \([0-9]*\) ms, words wrong there 0, here 0$/throughput: netfront_send $1 \1\nthroughput: netfront_receive $1 \2/p"
	network_gone
}

measure() {
	echo "throughput: $(setting type) guest, $MIB MiB at a time"
	load_module xengnt
	transfer data $((MIB * 1024)) 1 >/tmp/data
	for round in $(seq "$ROUNDS"); do
		phase "round $round of $ROUNDS"
		# Who goes first goes last next time.
		if [ $((round % 2)) = 1 ]; then order="stock xengnt"; else order="xengnt stock"; fi
		for side in $order; do
			disk "$side"
			network "$side"
		done
	done
	rmmod xengnt
}

to_kmsg measure

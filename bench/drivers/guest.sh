#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# In a guest: the kernel's own blkfront and netfront, as Debian built them and
# rebuilt on xengnt, in turns. dom0's side stays the same. Each figure is a line
# "throughput: NAME SIDE MS"; bench/drivers/report.py reads them.
. /lib/xengnt/ktap.sh
. /lib/xengnt/drivers.sh

MIB=$(setting mib)
ROUNDS=$(setting rounds)
net=$(setting net)
PASSES="1 2 3 4" # with the same driver, before it is the other side's turn

# where SIDE: its drivers.
where() { if [ "$1" = stock ]; then echo /modules; else echo /drivers; fi; }

now_ms() {
	read -r now _ </proc/uptime
	echo "${now%.*}${now#*.}0"
}

# timed NAME OPERANDS...: how long dd takes for that, several times over: the clock has 10 ms.
timed() {
	name=$1
	shift
	begun=$(now_ms)
	for pass in $PASSES; do
		dd "$@" bs=1M 2>/dev/null || echo "throughput: $name failed"
	done
	echo "throughput: $name $SIDE $(($(now_ms) - begun))"
}

# Without persistent grants, so that each request grants and ends; requests of
# 1 MiB past the page cache.
disk() {
	want_disks yes
	insmod "$(where "$SIDE")/xen-blkfront.ko" feature_persistent=0
	wait_for 60 disks_there || echo "throughput: no disk"
	dd if=/dev/xvda of=/dev/null bs=1M count=8 iflag=direct 2>/dev/null
	timed blkfront_write if=/tmp/data of=/dev/xvda oflag=direct
	timed blkfront_read if=/dev/xvda of=/dev/null count="$MIB" iflag=direct
	want_disks no
	wait_for 60 disks_gone
	wait_for 5 rmmod xen-blkfront
}

# sums: of the milliseconds of each direction, as many as there were good transfers.
sums() {
	awk -v side="$SIDE" -v wanted="$(echo "$PASSES" | wc -w)" '
		/words wrong there 0, here 0$/ {
			n++
			for (i = 1; i < NF; i++) {
				if ($i == "sent") sent += $(i + 2)
				if ($i == "received") received += $(i + 2)
			}
		}
		END {
			if (n != wanted) print "throughput: netfront failed"
			else printf "throughput: netfront_send %s %d\nthroughput: netfront_receive %s %d\n",
				side, sent, side, received
		}'
}

network() {
	insmod "$(where "$SIDE")/xen-netfront.ko" max_queues=1
	network_up "$net.2" "$net.1"
	transfer tcp-client "$net.1" 7000 1 >/dev/null
	for pass in $PASSES; do
		transfer tcp-client "$net.1" 7000 "$MIB"
	done | sums
	network_gone
}

measure() {
	echo "throughput: $(setting type) guest, $MIB MiB at a time, $(echo "$PASSES" | wc -w) times"
	load_module xengnt
	transfer data $((MIB * 1024)) 1 >/tmp/data
	for round in $(seq "$ROUNDS"); do
		phase "round $round of $ROUNDS"
		# Who goes first goes last next time.
		if [ $((round % 2)) = 1 ]; then order="stock xengnt"; else order="xengnt stock"; fi
		for SIDE in $order; do
			disk
			network
		done
	done
	rmmod xengnt
}

to_kmsg measure

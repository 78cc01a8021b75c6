# SPDX-License-Identifier: GPL-2.0
# Disks: blkfront on xengnt here, blkback on xengnt in dom0; once with persistent
# grants and once without, so that each request maps and unmaps.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh
. /lib/xengnt/drivers.sh

SIZES="1 4 63 1000 8000"

fill_files() {
	for kib in $SIZES; do
		transfer data "$kib" "$kib" >"/mnt/$kib" || return 1
	done
	(cd /mnt && md5sum [0-9]* >/tmp/sums)
}
check_files() { (cd /mnt && md5sum -s -c /tmp/sums); }

# Requests of 1 MiB: more than fit into a request without indirect segments.
write_directly() {
	transfer data 4096 "$round" >/tmp/direct
	dd if=/tmp/direct of=/mnt/direct bs=1M oflag=direct 2>/dev/null
}
read_directly() {
	dd if=/mnt/direct bs=1M iflag=direct 2>/dev/null | cmp - /tmp/direct
}
remount() {
	umount /mnt && echo 3 >/proc/sys/vm/drop_caches && mount -t ext4 /dev/xvda /mnt
}
write_fails() { ! dd if=/dev/zero of=/dev/xvdb bs=4k count=1 conv=fsync 2>/dev/null; }
same_readonly() {
	[ "$(head -c 4m /dev/xvdb | md5sum | cut -d' ' -f1)" = "$(setting disk_sum)" ]
}
# Somebody else's judgement; the program is on the read-only disk.
fio_verifies() {
	mount -t ext4 -o ro /dev/xvdb /fio || return 1
	/fio/ld-linux-x86-64.so.2 --library-path /fio /fio/fio --name=verify --directory=/mnt \
		--size=8m --rw=randwrite --bsrange=4k-128k --direct=1 --ioengine=libaio --iodepth=8 \
		--verify=crc32c --do_verify=1 --verify_fatal=1 --unlink=1 >/tmp/fio 2>&1
	verified=$?
	grep -E 'err=|(read|write):' /tmp/fio | sed 's/^/# /'
	umount /fio && grep -q 'err= 0' /tmp/fio && grep -q '^  read: ' /tmp/fio && return $verified
}
says() { dmesg | grep 'blkfront: xvda:' | tail -n 1 | grep "$1"; }

dom0_says_clean() {
	wait_for 30 xenstore-exists data/clean && [ "$(xenstore-read data/clean)" = yes ]
}

# disks WORD: what blkfront says of its persistent grants. 10 results.
disks() {
	round=$((round + 1))
	ktap_check "persistent grants $1, indirect segments" \
		says "persistent grants: $1; indirect descriptors: enabled"
	[ -e /tmp/sums ] || mkfs.ext4 -q /dev/xvda
	ktap_check "mounted" mount -t ext4 /dev/xvda /mnt
	[ -e /tmp/sums ] || fill_files
	remount
	ktap_check "files are read back" check_files
	ktap_check "direct writes" write_directly
	ktap_check "direct reads" read_directly
	ktap_check "fio verifies what it has written" fio_verifies
	umount /mnt
	ktap_check "fsck -f is clean" e2fsck -fn /dev/xvda
	xenstore-rm data/clean 2>/dev/null
	want_disks no
	ktap_check "the disks are taken away" wait_for 30 disks_gone
	ktap_check "it is for dom0, past blkfront and blkback" dom0_says_clean
	ktap_check "blkfront goes" wait_for 5 rmmod xen-blkfront
}

round=0
mkdir -p /mnt /fio
ktap_plan 30
load_xengnt
before=$(standing)
want_disks yes
ktap_check "blkfront loads" insmod /drivers/xen-blkfront.ko feature_persistent=1
ktap_check "the disks are there" wait_for 30 disks_there
disks enabled
ktap_standing "no reference, page or p2m entry is missing" "$before"
want_disks yes
ktap_check "blkfront loads again" insmod /drivers/xen-blkfront.ko feature_persistent=0
ktap_check "the disks are there again" wait_for 30 disks_there
ktap_check "the read-only disk has its contents" same_readonly
ktap_check "the read-only disk cannot be written" write_fails
disks disabled
ktap_check "it granted" test "$(counter granted_total)" -gt 0
ktap_standing "no reference, page or p2m entry is missing" "$before"
ktap_check "xengnt goes" unload_xengnt

# SPDX-License-Identifier: GPL-2.0
# A disk: blkfront on xengnt here, blkback on xengnt in dom0.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh

persistent=$(sed -n 's/.*test_persistent=\([01]\).*/\1/p' /proc/cmdline)
idle() { [ "$(counter claimed) $(counter granted) $(counter deferred) $(counter listed)" = "0 0 0 0" ]; }

fill_files() {
	for kib in 1 4 63 1000 5000; do
		head -c ${kib}k /dev/urandom >/mnt/$kib || return 1
	done
	(cd /mnt && md5sum [0-9]* >/tmp/sums)
}
check_files() { (cd /mnt && md5sum -s -c /tmp/sums); }

# Requests of 1 MiB: more than fit into a request without indirect segments.
write_directly() {
	head -c 4m /dev/urandom >/tmp/direct
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
	yes xengnt | head -c "$(blockdev --getsize64 /dev/xvdb)" | cmp -s - /dev/xvdb
}

ktap_plan 15
load_module xengnt
echo "# persistent grants: $persistent"
ktap_check "blkfront loads" insmod /drivers/xen-blkfront.ko feature_persistent="$persistent"
ktap_check "the disk is there" wait_for 20 test -b /dev/xvda
ktap_check "the read-only disk is there" wait_for 20 test -b /dev/xvdb
ktap_check "mkfs.ext4" mkfs.ext4 -q /dev/xvda
mkdir -p /mnt
mount -t ext4 /dev/xvda /mnt
ktap_check "files are written" fill_files
ktap_check "unmounted and mounted" remount
ktap_check "files are read back" check_files
ktap_check "direct writes" write_directly
ktap_check "direct reads" read_directly
umount /mnt
ktap_check "fsck -f is clean" e2fsck -fn /dev/xvda
ktap_check "the read-only disk has its contents" same_readonly
ktap_check "the read-only disk cannot be written" write_fails
echo "# granted $(counter granted_total), claimed now $(counter claimed), granted now $(counter granted)"
grep -E '^(xen_blkfront|ext4|xengnt) ' /proc/modules | sed 's/^/# /'
ktap_check "blkfront goes" wait_for 20 rmmod xen-blkfront
ktap_check "no reference is missing" wait_for 10 idle
ktap_check "xengnt goes" rmmod xengnt

# SPDX-License-Identifier: GPL-2.0
# dom0's part of suites/domu/30-disk.sh: gives the guest its disks while it wants
# them. A blkfront that was unloaded does not take the same devices again. When they
# are back it looks at the file system, without blkback.
# shellcheck shell=sh
. /lib/xengnt/common.sh

there=no
while sleep 0.3; do
	wanted=$(xenstore-read "/local/domain/$2/data/disks" 2>/dev/null)
	if [ -z "$wanted" ] || [ "$wanted" = "$there" ]; then
		continue
	fi
	if [ "$wanted" = yes ]; then
		xl block-attach "$1" phy:/dev/ram0,xvda,w
		xl block-attach "$1" phy:/dev/ram1,xvdb,r
	else
		xl block-detach "$1" xvda
		xl block-detach "$1" xvdb
		clean=no
		e2fsck -fn /dev/ram0 >/dev/null 2>&1 && clean=yes
		xenstore-write "/local/domain/$2/data/clean" $clean
	fi
	there=$wanted
done

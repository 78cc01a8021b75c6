# SPDX-License-Identifier: GPL-2.0
# dom0's part of suites/domu/20-vchan.sh: first as the server, then as the client of
# what the guest offers. What came of it is told to the guest.
# shellcheck shell=sh
. /lib/xengnt/common.sh

data=/local/domain/$2/data
served=0 asked=0
transfer vchan-server "$2" "/local/domain/0/data/vchan-$2" || served=1
xenstore-write "$data/vchan-served" $served
wait_for 100 xenstore-exists "$data/vchan/event-channel"
transfer vchan-client "$2" "$data/vchan" "$VCHAN_MIB" || asked=1
xenstore-write "$data/vchan-asked" $asked

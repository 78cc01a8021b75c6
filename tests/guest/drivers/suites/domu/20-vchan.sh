# SPDX-License-Identifier: GPL-2.0
# libxenvchan between this guest and dom0, each side once as the server: the
# server's memory is granted by xen-gntalloc, the client maps it by xen-gntdev,
# on xengnt both of them, here and in dom0.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh
. /lib/xengnt/drivers.sh

MIB=$(setting vchan_mib)
SERVER=/local/domain/0/data/vchan-$(xenstore-read domid)

told() { wait_for 60 xenstore-exists "data/$1" && [ "$(xenstore-read "data/$1")" = 0 ]; }

ktap_plan 11
load_xengnt
before=$(standing)
load_module xen-evtchn
ktap_check "gntalloc loads" insmod /drivers/xen-gntalloc.ko
ktap_check "gntdev loads" insmod /drivers/xen-gntdev.ko
ktap_check "dom0's server is there" wait_for 20 xenstore-read "$SERVER/event-channel"
ktap_check "$MIB MiB each way, dom0's server" transfer vchan-client 0 "$SERVER" "$MIB"
ktap_check "dom0 says so too" told vchan-served
granted=$(counter granted_total)
ktap_check "$MIB MiB each way, our server" transfer vchan-server 0 "/local/domain/$(xenstore-read domid)/data/vchan"
ktap_check "dom0 says so too" told vchan-asked
ktap_check "our server's memory was granted by xengnt" test "$(counter granted_total)" -gt "$granted"
rmmod xen-gntdev && rmmod xen-gntalloc
ktap_equal "gntdev and gntalloc go" $? 0
ktap_standing "no reference, page or p2m entry is missing" "$before"
ktap_check "xengnt goes" unload_xengnt

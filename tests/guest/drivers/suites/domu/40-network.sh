# SPDX-License-Identifier: GPL-2.0
# A network: netfront on xengnt here, netback on xengnt in dom0.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh

MIB=$(sed -n 's/.*test_mib=\([0-9]*\).*/\1/p' /proc/cmdline)
net=$(sed -n 's/.*test_net=\([0-9.]*\).*/\1/p' /proc/cmdline)
queues=$(sed -n 's/.*test_queues=\([0-9]*\).*/\1/p' /proc/cmdline)
idle() { [ "$(counter claimed) $(counter granted) $(counter deferred) $(counter listed)" = "0 0 0 0" ]; }

interface_there() { [ -e /sys/class/net/eth0 ] || [ -e /sys/class/net/enX0 ]; }
pings() {
	ping -q -c 10 -i 0.2 -W 20 -s "$1" "$net.1" >/tmp/pings
	sed 's/^/# /' /tmp/pings
	grep -q " 0% packet loss" /tmp/pings
}
queues_are() { [ "$(find "/sys/class/net/$dev/queues" -name 'rx-*' | wc -l)" = "$queues" ]; }
send() { nc "$net.1" 7000 </tmp/data; }
there() { wget -q -s "http://$net.1/sent" 2>/dev/null; }
fetch() {
	wait_for 20 there
	[ "$(wget -q -O - "http://$net.1/sent" | md5sum)" = "$(md5sum </tmp/data)" ]
}

ktap_plan 11
load_module xengnt
ktap_check "netfront loads" insmod /drivers/xen-netfront.ko max_queues="$queues"
ktap_check "the interface is there" wait_for 20 interface_there
dev=$(basename /sys/class/net/e*)
ifconfig "$dev" "$net.2" netmask 255.255.255.0 up
wait_for 20 ping -q -c 1 -W 1 "$net.1" >/dev/null
ktap_check "it has $queues queue(s)" queues_are
ktap_check "small packets" pings 8
ktap_check "full packets" pings 1472
ktap_check "packets in pieces" pings 20000
# Random numbers are slow under emulation: one block of them, again and again.
head -c 1000000 /dev/urandom >/tmp/block
while cat /tmp/block; do :; done 2>/dev/null | head -c "${MIB}m" >/tmp/data
rm -f /tmp/block
ktap_check "$MIB MiB sent" send
ktap_check "$MIB MiB fetched, the same" fetch
rm -f /tmp/data
echo "# granted $(counter granted_total), granted now $(counter granted)"
ifconfig "$dev" down
ktap_check "netfront goes" wait_for 20 rmmod xen-netfront
ktap_check "no reference is missing" wait_for 10 idle
ktap_check "xengnt goes" rmmod xengnt

# SPDX-License-Identifier: GPL-2.0
# A network: netfront on xengnt here, netback on xengnt in dom0.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh
. /lib/xengnt/drivers.sh

MIB=$(setting net_mib)
net=$(setting net)
queues=$(setting queues)

pings() {
	ping -q -c 10 -i 0.2 -W 20 -s "$1" "$net.1" >/tmp/pings
	sed 's/^/# /' /tmp/pings
	grep -q " 0% packet loss" /tmp/pings
}
queues_are() { [ "$(find /sys/class/net/e*/queues -name 'rx-*' | wc -l)" = "$queues" ]; }

# How many of the queues' interrupts have come: one each for sending and receiving.
interrupts() {
	awk '$NF ~ /^vif0-q[0-9]+-[rt]x$/ {
		n = 0
		for (i = 2; i < NF; i++)
			n += $i
		came += n > 0
	}
	END { print came + 0 }' /proc/interrupts
}
# The kernel gives each connection a queue by chance.
all_queues_used() {
	for _ in $(seq 60); do
		[ "$(interrupts)" != $((2 * queues)) ] || return 0
		transfer tcp-client "$net.1" 7000 0 >/dev/null
	done
	return 1
}

ktap_plan 10
load_xengnt
before=$(standing)
ktap_check "netfront loads" insmod /drivers/xen-netfront.ko max_queues="$queues"
ktap_check "dom0 can be reached" network_up "$net.2" "$net.1"
ktap_check "it has $queues queue(s)" queues_are
ktap_check "small packets" pings 8
ktap_check "full packets" pings 1472
ktap_check "packets in pieces" pings 20000
ktap_check "$MIB MiB each way" transfer tcp-client "$net.1" 7000 "$MIB"
ktap_check "every queue was used" all_queues_used
grep vif0-q /proc/interrupts | sed 's/^/# /'
echo "# granted $(counter granted_total), granted now $(counter granted)"
network_gone
ktap_standing "netfront goes: no reference, page or p2m entry is missing" "$before"
ktap_check "xengnt goes" unload_xengnt

# SPDX-License-Identifier: GPL-2.0
# Takeover is switched while Debian's own blkfront and netfront are at work.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh
. /lib/xengnt/drivers.sh
. /lib/xengnt/takeover.sh

CYCLES=${CYCLES:-10}
net=$(setting net)

# On and off until the work is done, and CYCLES times at least; leaves it on.
switch_on_and_off() {
	switched=0
	while [ -e /tmp/switching ] || [ "$switched" -lt "$CYCLES" ]; do
		echo 1 >"$SWITCH" || break
		sleep 0.2
		echo 0 >"$SWITCH" || break
		sleep 0.2
		switched=$((switched + 1))
	done
	echo 1 >"$SWITCH"
	echo "$switched" >/tmp/switched
}
work_while_switching() {
	: >/tmp/switching
	switch_on_and_off &
	switcher=$!
	both_at_work "$net"
	worked=$?
	rm /tmp/switching
	wait $switcher
	echo "# switched on and off $(cat /tmp/switched) times"
	[ "$(cat /tmp/switched)" -ge "$CYCLES" ] && return $worked
}
is_state() { [ "$(takeover_state)" = "$1" ]; }
names_holder() { dmesg | grep -q "takeover: $1 still holds [1-9]"; }

ktap_plan 16
load_module xengnt
before=$(standing)
transfer data 4096 1 >/tmp/data
want_disks yes
insmod /drivers/xen-blkfront.ko && insmod /drivers/xen-netfront.ko max_queues=1
wait_for 30 disks_there
ktap_equal "the disks are there" $? 0
ktap_check "dom0 can be reached" network_up "$net.2" "$net.1"
ktap_check "they work while it is switched on and off" work_while_switching
ktap_check "it is on" is_state on
ktap_check "they work while it is on" both_at_work "$net"
# Connected again, so that every reference that netfront has is ours.
network_gone
insmod /drivers/xen-netfront.ko max_queues=1
ktap_check "dom0 can be reached again" network_up "$net.2" "$net.1"
sed 's/^/# /' "$FILE"
ktap_check "off" sh -c "echo 0 >$SWITCH"
ktap_check "it waits for what they hold" is_state draining
ktap_check "netfront is named" names_holder xen_netfront
ktap_check "they work while it waits" both_at_work "$net"
ktap_check "what they granted meanwhile was ours" test "$(counter granted_total)" -gt 1000
ktap_check "on and off again meanwhile" work_while_switching
want_disks no
wait_for 30 disks_gone && wait_for 5 rmmod xen-blkfront && network_gone
ktap_equal "both go" $? 0
echo 0 >"$SWITCH"
ktap_check "it is off when they have gone" wait_for 60 is_state off
ktap_standing "no reference, page or p2m entry is missing" "$before"
ktap_check "xengnt goes" rmmod xengnt

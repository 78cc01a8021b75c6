# SPDX-License-Identifier: GPL-2.0
# libxenvchan, from dom0 to itself: its memory is granted by xen-gntalloc and
# mapped by xen-gntdev.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh

PROXY=$(echo /usr/lib/xen-*/bin/vchan-socket-proxy)
WHERE=/local/domain/0/data/vchan
MIB=1
SECONDS_AT_MOST=60

ends() {
	# shellcheck disable=SC2046  # several
	kill $(pidof vchan-socket-proxy sleep) 2>/dev/null
	wait
	xenstore-rm $WHERE 2>/dev/null
}

# across FROM TO: what FROM (client or server) reads comes out at TO. Each
# proxy's input stays open: it ends with its input, arrived or not.
across() {
	rm -f /tmp/got
	if [ "$1" = server ]; then
		{ cat /tmp/sent; sleep 100; } | "$PROXY" -m server 0 $WHERE - >/dev/null &
	else
		sleep 100 | "$PROXY" -m server 0 $WHERE - >/tmp/got &
	fi
	wait_for 20 xenstore-exists $WHERE/ring-ref
	if [ "$2" = client ]; then
		sleep 100 | "$PROXY" -m client 0 $WHERE - >/tmp/got &
	else
		{ cat /tmp/sent; sleep 100; } | "$PROXY" -m client 0 $WHERE - >/dev/null &
	fi
	across_status=0
	wait_for $SECONDS_AT_MOST cmp -s /tmp/sent /tmp/got || across_status=1
	ends
	return $across_status
}

ktap_plan 3
head -c ${MIB}m /dev/urandom >/tmp/sent
before=$(counter granted_total)
ktap_check "$MIB MiB from client to server" across client server
ktap_check "$MIB MiB from server to client" across server client
ktap_check "its memory was granted by xengnt" test "$(counter granted_total)" -gt "$before"

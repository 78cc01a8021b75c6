#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A guest of tests/guest/run soak does what dom0 says: a line of shell in data/do-N, its
# answer (the status, and what it printed) in data/did-N.
. /lib/xengnt/ktap.sh
. /lib/xengnt/drivers.sh
. /lib/xengnt/suites.sh
. /job/can.sh

turn=1
while :; do
	until xenstore-exists "data/do-$turn" 2>/dev/null; do sleep 0.2; done
	line=$(xenstore-read "data/do-$turn")
	echo "# $line"
	status=0
	(eval "$line") >/tmp/said 2>&1 || status=$?
	sed 's/^/#   /' /tmp/said
	xenstore-write "data/did-$turn" "$status $(tail -c 1000 /tmp/said)"
	turn=$((turn + 1))
done

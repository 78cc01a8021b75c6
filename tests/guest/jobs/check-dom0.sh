#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The job of dom0 in a test run: its own suites, then a guest of each type,
# and what is to be said when they have gone.
. /lib/xengnt/common.sh
. /lib/xengnt/dom0.sh
. /lib/xengnt/suites.sh
. /job/settings # GUESTS_WANTED, GUEST_SECONDS; for debug kernels also GUEST_MEMORY, GUEST_ARGS

# start_guest KIND: a type of guest; behind it "-v2" for a version 2 table, "-fN" for a table of N
# frames at most. What the guest is to find is on its command line, for suites/domu/11-table.sh.
start_guest() {
	version=1 frames=64
	for option in $(echo "$1" | tr '-' ' '); do
		case $option in
		v*) version=${option#v} ;;
		f*) frames=${option#f} ;;
		esac
	done
	found=$version
	[ -z "$VERSION_1_ONLY" ] || found=1
	guest_start "domu-$1" "${1%%-*}" memory "${GUEST_MEMORY:-256}" \
		cmdline "grant_table.version=$version test_version=$found test_frames=$frames ${GUEST_ARGS:-}" \
		config "max_grant_frames = $frames"
}

# Xen may forbid version 2; guests that ask for it get version 1 then.
VERSION_1_ONLY=$(xl info xen_commandline | grep -w gnttab=max-ver:1)

failed=0
run_suites dom0
for kind in $GUESTS_WANTED; do
	start_guest "$kind" || {
		failed=1
		continue
	}
	start_peers "domu-$kind"
	guest_wait "domu-$kind" "$GUEST_SECONDS" || failed=1
	end_peers
done
run_suites dom0 /job/last
exit $failed

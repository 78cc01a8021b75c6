#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# dom0's job of tests/guest/run mutants: one guest for each mutant, one after the other.
. /lib/xengnt/common.sh
. /lib/xengnt/dom0.sh
. /job/settings # GUEST_SECONDS

# /job/mutants: the mutant's number, the kind of guest, its suites.
while read -r number kind _; do
	version=1
	[ "$kind" = "${kind%-v2}" ] || version=2
	guest_start "mutant-$number" "${kind%%-*}" \
		cmdline "grant_table.version=$version test_version=$version test_frames=64 test_mutant=$number" \
		config "max_grant_frames = 64" || continue
	start_peers "mutant-$number"
	guest_wait "mutant-$number" "$GUEST_SECONDS"
	end_peers
done </job/mutants

# SPDX-License-Identifier: GPL-2.0
# Runs test suites, in dom0 and in guests alike; source common.sh first.
# shellcheck shell=sh
. /lib/xengnt/account.sh

# Only for one that hangs: emulation on a busy machine can be ten times slower.
SUITE_SECONDS=${SUITE_SECONDS:-300}

# Ends a suite that takes too long together with all that it has started, an
# insmod that waits for ever included.
run_limited() {
	setsid "$@" &
	limited=$!
	{ sleep "$SUITE_SECONDS" && kill -KILL "-$limited"; } >/dev/null 2>&1 &
	watchdog=$!
	limited_status=0
	wait "$limited" || limited_status=$?
	kill "$watchdog"
	return "$limited_status"
}

# run_suites PLACE [DIR]: all of /job/suites, or of DIR, in the order of their names. A suite
# that takes something away from the kernel has failed, unless ACCOUNT is no.
run_suites() {
	for suite in "${2:-/job/suites}"/*.sh; do
		[ -e "$suite" ] || continue
		suite_name=$(basename "$suite" .sh)
		phase "suite $suite_name begins"
		suite_status=0
		[ "${ACCOUNT:-yes}" = no ] || before=$(account)
		to_kmsg run_limited sh "$suite" "$1" || suite_status=$?
		[ "${ACCOUNT:-yes}" = no ] || to_kmsg close_account "$before"
		phase "suite $suite_name ended with status $suite_status"
	done
}

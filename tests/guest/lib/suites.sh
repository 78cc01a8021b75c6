# SPDX-License-Identifier: GPL-2.0
# Runs test suites, in dom0 and in guests alike; source common.sh first.
# shellcheck shell=sh

# Only for one that hangs: emulation on a busy machine can be ten times slower.
SUITE_SECONDS=300

# run_suites PLACE: all of /job/suites, in the order of their names.
run_suites() {
	for suite in /job/suites/*.sh; do
		[ -e "$suite" ] || continue
		suite_name=$(basename "$suite" .sh)
		phase "suite $suite_name begins"
		suite_status=0
		to_kmsg timeout "$SUITE_SECONDS" sh "$suite" "$1" || suite_status=$?
		phase "suite $suite_name ended with status $suite_status"
	done
}

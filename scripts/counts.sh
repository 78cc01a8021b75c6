# SPDX-License-Identifier: GPL-2.0
# Counts results for the scripts that check something: source it, do not run it.
# The last line of each is "N passed, N failed[, N skipped]".
# shellcheck shell=bash

passed=0 failed=0 skipped=0

# rule NAME COMMAND...: passes when the command does; shows what it prints when it does not.
rule() {
	local name=$1 output
	shift
	if output=$("$@" 2>&1); then
		passed=$((passed + 1))
		echo "ok   $name"
	else
		failed=$((failed + 1))
		echo "FAIL $name"
		echo "     | ${output//$'\n'/$'\n     | '}"
	fi
}

# The last line of results in a log.
last_counts() { grep -aE '^[0-9]+ passed, [0-9]+ failed' "$1" | tail -n 1 || [[ $? == 1 ]]; }

# add_counts NAME LOG STATUS: adds the last line of results in the log. A command that
# counted nothing has failed, whatever it returned; so has one that failed after its tests.
add_counts() {
	if [[ $(last_counts "$2") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)? ]]; then
		passed=$((passed + BASH_REMATCH[1]))
		failed=$((failed + BASH_REMATCH[2]))
		skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
		(($3 == 0 || BASH_REMATCH[2] > 0)) || failed=$((failed + 1))
	else
		echo "FAIL $1: no result (status $3), see $2"
		failed=$((failed + 1))
	fi
}

# part NAME LOG COMMAND...: shows what the command prints, keeps it in the log, adds its counts.
part() {
	local name=$1 log=$2 status=0
	shift 2
	"$@" 2>&1 | tee "$log" || status=$?
	add_counts "$name" "$log" "$status"
}

# The last line, and whether something passed and nothing failed.
finish_counts() {
	echo "$passed passed, $failed failed$( ((skipped == 0)) || echo ", $skipped skipped")"
	((failed == 0 && passed > 0))
}

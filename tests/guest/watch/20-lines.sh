# SPDX-License-Identifier: GPL-2.0
# The lines of the manual pages' EXAMPLES, as they stand there.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh

OUT=/tmp/line.out

# has PATTERN...: each is in what was printed.
has() {
	for pattern; do
		grep -qE "$pattern" $OUT || {
			echo "# no line with $pattern among $(wc -l <$OUT):"
			head -n 5 $OUT | sed 's/^/# /'
			return 1
		}
	done
}

run_line() { chroot /watch sh -c "$1" >$OUT 2>&1; }
attached() { grep -q '^Attaching' $OUT; }

# Goes on until it is interrupted. An interrupt is lost while it is still attaching,
# which it does for a while after saying so; a second one stops it from printing.
run_bpftrace() {
	: >$OUT
	chroot /watch sh -c "exec $1" >>$OUT 2>&1 &
	wait_for 200 attached && sleep 15
	for _ in 1 2 3; do
		kill -INT $!
		wait_for 20 gone $! && break
	done
	gone $! || kill -KILL $!
	wait $!
}
gone() { [ ! -e "/proc/$1/exe" ]; } # a program that has ended, waited for or not

owners_named() {
	run_line "$1" && has '^refs [0-9]+ oldest_s .* pool selftest_watch$' ' work\+' >/dev/null
}
minute_old() { grep -qE 'age_s ([7-9][0-9]|[0-9]{3,}) ' /sys/kernel/debug/xengnt/deferred; }

# check_line LINE: what it prints is about what selftest_watch does.
check_line() {
	case $1 in
	'grep ^free '*) run_line "$1" && has '^free [0-9]+$' ;;
	'grep -v '*) run_line "$1"; [ ! -s $OUT ] ;; # no wrong call so far
	trace-cmd*) run_line "$1" &&
		has 'xengnt_grant: +ref=[0-9]+ domid=0 frame=0x[0-9a-f]+ readonly=1' \
			'xengnt_end: +ref=[0-9]+ ended=1' 'xengnt_defer: +ref=[0-9]+ domid=0' ;;
	perf*) run_line "$1" &&
		has 'xengnt:xengnt_grant: ref=[0-9]+ domid=0 frame=0x[0-9a-f]+ readonly=1' \
			'xengnt:xengnt_end: ref=[0-9]+ ended=1' 'xengnt:xengnt_reclaim: ref=[0-9]+ domid=0' ;;
	bpftrace*xengnt_defer*) run_bpftrace "$1"; has '^@\[0\]: [1-9]' ;;
	bpftrace*xengnt_grant*) run_bpftrace "$1"; has '^ +work\+[0-9]+$' '^\]: [1-9]' ;;
	'echo 1 '*) run_line "$1" ;;
	'cat '*owners) wait_for 20 owners_named "$1" || has 'selftest_watch' ;;
	'xengnt-top '*jq*) wait_for 90 minute_old; run_line "$1" && has '"domid": 0' '"deferred": [3-9]' ;;
	*) echo "# nobody knows what it must print" && return 1 ;;
	esac
}

ktap_plan "$(wc -l </job/lines)"
while IFS= read -r line; do
	ktap_check "$(echo "$line" | tr -d '#')" check_line "$line" </dev/null
	tail -n 3 $OUT | sed 's/^/# /'
done </job/lines

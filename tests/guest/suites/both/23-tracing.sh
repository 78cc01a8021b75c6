# SPDX-License-Identifier: GPL-2.0
# Every tracepoint, as tracefs shows it: a module does each thing once and says
# which events must have come, no more and no less, with which fields.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh

TRACING=/sys/kernel/tracing
EVENTS='alloc_list alloc free_list free grant end callback misuse map unmap defer reclaim'
SELF_MAPPED='map unmap defer reclaim' # only where a guest may map its own grants

# same NAME: the events of this name in /tmp/events are those of /tmp/expected. An
# expected line that ends in + is the beginning of one.
same() {
	awk -v name="xengnt_$1:" '
	$1 != name { next }
	FILENAME == "/tmp/expected" { wanted[++nr_wanted] = $0; next }
	{
		for (i = 1; i <= nr_wanted; i++)
			if (wanted[i] == $0 || (wanted[i] ~ /\+$/ && index($0, wanted[i]) == 1))
				break
		if (i > nr_wanted) { print "# not expected: " $0; bad = 1 } else { seen++; wanted[i] = "" }
	}
	END {
		for (i = 1; i <= nr_wanted; i++)
			if (wanted[i]) { print "# did not come: " wanted[i]; bad = 1 }
		exit bad || !seen
	}' /tmp/expected /tmp/events
}

# The sum of a field over the events of a name.
sum() { sed -n "s/^xengnt_$1: .*\b$2=\([0-9]*\).*/\1/p" /tmp/events | awk '{ sum += $1 } END { print sum + 0 }'; }
read_events() { sed -n 's/^.*[0-9]: \(xengnt_[a-z_]*: .*\)$/\1/p' $TRACING/trace >/tmp/events; }
# All of them: those given back one step later must not fall between reading the events and the counter.
gave_back() { [ "$(counter unleased_total)" -eq "$(counter leased_total)" ]; }

mount -t tracefs tracefs $TRACING 2>/dev/null
load_module xengnt spare_limit=0
echo 1 >$TRACING/events/xengnt/enable
said=$(dmesg | wc -l)
load_module selftest_watch each=1
dmesg | tail -n "+$((said + 1))" | sed -n 's/^.*expect: //p' >/tmp/expected
read_events # before the module goes, and its symbols with it

ktap_plan 15
for event in $EVENTS; do
	case " $SELF_MAPPED " in
	*" $event "*) skip=$(maps_own_grants || echo 1) ;;
	*) skip='' ;;
	esac
	if [ "$skip" ]; then
		ktap_skip "xengnt_$event" "this type of guest may not map its own grants"
	else
		ktap_check "xengnt_$event" same "$event"
	fi
done
rmmod selftest_watch
ktap_check "all references go back to the kernel" wait_for 30 gave_back
read_events
ktap_equal "xengnt_lease: as many as were leased" "$(sum lease got)" "$(counter leased_total)"
ktap_equal "xengnt_unlease: as many as went back" "$(sum unlease count)" "$(counter unleased_total)"
echo 0 >$TRACING/events/xengnt/enable
rmmod xengnt

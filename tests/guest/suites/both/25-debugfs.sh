# SPDX-License-Identifier: GPL-2.0
# The files of debugfs against each other: who waits, who has what, what is leased.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh

DEBUG=/sys/kernel/debug/xengnt
value() { sed -n "s/^$2 //p" "$DEBUG/$1"; }
# field FILE NAME: of each line that has it; "key value" pairs, the pool's name last.
field() { sed -n "s/^\(.* \)\{0,1\}$2 \([^ ]*\).*/\2/p" "$DEBUG/$1"; }
sum() { field "$1" "$2" | awk '{ sum += $1 } END { print sum + 0 }'; }
same_as_stats() {
	for key in leased leased_total unleased_total table_frames; do
		[ "$(value lease $key)" = "$(counter $key)" ] || {
			echo "# $key: $(value lease $key) in lease, $(counter $key) in stats"
			return 1
		}
	done
}

kept=0 self=''
if maps_own_grants; then
	kept=3 self=$(xenstore-read domid 2>/dev/null || echo 0) # selftest_watch's own
fi

ktap_plan 10
load_module xengnt lease_limit=100 lease_step=10 spare_limit=7
load_module selftest_watch wait_for=300
cat $DEBUG/waiters $DEBUG/lease $DEBUG/domains $DEBUG/deferred | sed 's/^/# /'
ktap_check "who waits, and for how many" \
	grep -qx 'place 1 count 300 fn watch_called \[selftest_watch\]' $DEBUG/waiters
ktap_equal "nobody else does" "$(wc -l <$DEBUG/waiters) $(counter waiting)" "1 1"
ktap_equal "the lease has its parameters" \
	"$(value lease limit) $(value lease step) $(value lease spare_limit)" "100 10 7"
ktap_check "its other lines are those of stats" same_as_stats
ktap_equal "domains: what is deferred" "$(sum domains deferred) $(field domains domid)" "$kept $self"
ktap_equal "domains: what is granted" "$(sum domains granted)" "$(counter granted)"
ktap_equal "deferred: a line each" "$(wc -l <$DEBUG/deferred) $(counter deferred)" "$kept $kept"
ktap_equal "with its owner" "$(grep -c "^ref [0-9]* domid $self age_s [0-9]* page [0-9a-f]* pool selftest_watch$" $DEBUG/deferred)" $kept
ktap_equal "pools: the owner's is there" \
	"$(sed -n 's/^name selftest_watch held .* limit .* used \(.\)$/\1/p' $DEBUG/pools)" 1
rmmod selftest_watch
ktap_check "nobody waits any more" sh -c "! grep . $DEBUG/waiters"
rmmod xengnt

# SPDX-License-Identifier: GPL-2.0
# Loads and unloads xengnt.ko twenty times, or ROUNDS: no reference and no page is lost.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh

ROUNDS=${ROUNDS:-20}

sum_of_states() {
	sum=0
	for key in free cached listed claimed granted deferred; do
		sum=$((sum + $(counter $key)))
	done
	echo "$sum"
}

# Sets "lost" to the pages that are missing after this many loads and unloads.
measure() {
	before=$(settled_pages)
	loaded=0 shown=0 consistent=0
	for _ in $(seq $ROUNDS); do
		load_module xengnt || break
		loaded=$((loaded + 1))
		if [ -e "$STATS" ]; then
			shown=$((shown + 1))
			[ "$(sum_of_states)" = "$(counter leased)" ] && consistent=$((consistent + 1))
		fi
		[ "$loaded" = $ROUNDS ] && cat "$STATS"
		rmmod xengnt || break
	done
	lost=$((before - $(settled_pages)))
	echo "# settled pages: $before before, $lost lost in $loaded loads"
}

ktap_plan 6

# A load that leaks one page loses as many as there are loads, each time.  The kernel's
# own caches (stacks, slabs) also take pages, but only until they are full: so
# a measurement that shows a loss is made again, twice at most.
lost=$ROUNDS
for _ in 1 2 3; do
	[ "$lost" -lt $ROUNDS ] || measure
done

ktap_equal "loaded and unloaded $ROUNDS times" "$loaded" $ROUNDS
ktap_equal "counters there each time" "$shown" $ROUNDS
ktap_equal "leased is the sum of the states each time" "$consistent" $ROUNDS
ktap_check "module gone from /proc/modules" sh -c '! grep -q ^xengnt /proc/modules'
ktap_check "counters gone with it" test ! -e "$STATS"
if [ "$lost" -lt $ROUNDS ]; then
	ktap_ok "less than a page lost per load"
else
	ktap_not_ok "less than a page lost per load" "$lost pages lost in $ROUNDS loads"
fi

# SPDX-License-Identifier: GPL-2.0
# Loads and unloads xengnt.ko twenty times: no reference and no page is lost.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh

ROUNDS=20

# References that the kernel's own allocator has left, as far as userspace can
# see it, are what the module leases and gives back: after loading the lease
# must be the sum of its parts.
sum_of_states() {
	sum=0
	for key in free cached listed claimed granted deferred; do
		sum=$((sum + $(counter $key)))
	done
	echo "$sum"
}

load_and_unload() {
	load_module xengnt && rmmod xengnt
}

ktap_plan 6

# The first two rounds pay for what stays: slab pages, per-CPU lists, symbols.
load_and_unload
load_and_unload
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
after=$(settled_pages)

ktap_equal "loaded and unloaded $ROUNDS times" "$loaded" $ROUNDS
ktap_equal "counters there each time" "$shown" $ROUNDS
ktap_equal "leased is the sum of the states each time" "$consistent" $ROUNDS
ktap_check "module gone from /proc/modules" sh -c '! grep -q ^xengnt /proc/modules'
ktap_check "counters gone with it" test ! -e "$STATS"

# A load that leaks one page loses at least twenty; what the rest of the system
# takes and gives meanwhile is well below that.
lost=$((before - after))
echo "# settled pages: $before before, $after after, lost $lost"
if [ "$lost" -lt $ROUNDS ]; then
	ktap_ok "less than a page lost per load"
else
	ktap_not_ok "less than a page lost per load" "$lost pages lost in $ROUNDS loads"
fi

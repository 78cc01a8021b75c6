# SPDX-License-Identifier: GPL-2.0
# Each allocation of the module fails once while it loads: then it does not, and
# leaves nothing behind.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh

MOST=200
fail=/sys/module/fail_alloc/parameters

loaded() { grep -q "^xengnt " /proc/modules; }

# Loads with the first, second, ... allocation failing. Sets refused, survived, stuck.
load_failing() {
	refused=0 survived=0 stuck=0
	nth=0
	while [ $((nth += 1)) -lt $MOST ]; do
		echo $nth >$fail/nth
		load_module xengnt 2>/dev/null
		echo "# allocation $nth, $(cat $fail/last): $(loaded && echo loaded || echo refused)"
		if [ "$(cat $fail/fired)" = N ]; then
			# More than there are: the module is loaded.
			echo 0 >$fail/nth
			loaded || stuck=1
			rmmod xengnt || stuck=1
			return
		fi
		# insmod tries again by another system call, and that goes well.
		if loaded; then
			survived=$((survived + 1))
			rmmod xengnt || stuck=1
		else
			refused=$((refused + 1))
		fi
	done
	stuck=1
}

ktap_plan 4
ktap_check "the test that makes allocations fail" load_module fail_alloc
load_failing # so that what the kernel allocates once and keeps is there
# The kernel's caches take pages too, until they are full: a loss is measured again, twice at most.
for _ in 1 2 3; do
	before=$(settled_pages)
	load_failing
	lost=$((before - $(settled_pages)))
	echo "# $((refused + survived)) loads with a failure, $lost pages lost"
	[ "$lost" -ge $((refused + survived)) ] || break
done
ktap_check "each allocation while loading was made to fail" test $((refused + survived)) -ge 8
ktap_equal "the module loads and goes afterwards" "$stuck" 0
ktap_check "less than a page lost for each" test "$lost" -lt $((refused + survived))
rmmod fail_alloc

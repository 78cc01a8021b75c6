# SPDX-License-Identifier: GPL-2.0
# For test suites in shell: KTAP results, and running test modules.
# shellcheck shell=sh
#
#	. /lib/xengnt/ktap.sh
#	ktap_plan 2
#	ktap_check "the file is there" test -e /some/file
#	if something; then ktap_ok "it works"; else ktap_not_ok "it works" "why not"; fi
#
# A suite that only runs test modules needs no plan of its own:
#
#	. /lib/xengnt/ktap.sh
#	run_test_module xengnt_selftest pages=64

. /lib/xengnt/common.sh

KTAP_COUNT=0
STATS=/sys/kernel/debug/xengnt/stats

ktap_plan() {
	echo "KTAP version 1"
	echo "1..$1"
}

ktap_ok() {
	KTAP_COUNT=$((KTAP_COUNT + 1))
	echo "ok $KTAP_COUNT $1"
}

# ktap_not_ok NAME [REASON]
ktap_not_ok() {
	KTAP_COUNT=$((KTAP_COUNT + 1))
	[ -z "${2:-}" ] || echo "# $2"
	echo "not ok $KTAP_COUNT $1"
}

ktap_skip() {
	KTAP_COUNT=$((KTAP_COUNT + 1))
	echo "ok $KTAP_COUNT $1 # SKIP ${2:-}"
}

# ktap_skip_all REASON: for a suite that makes no sense here; ends it.
ktap_skip_all() {
	echo "KTAP version 1"
	echo "1..0 # SKIP $1"
	exit 0
}

# ktap_check NAME COMMAND...: ok when the command succeeds.
ktap_check() {
	ktap_name=$1
	shift
	if "$@"; then
		ktap_ok "$ktap_name"
	else
		ktap_not_ok "$ktap_name" "failed: $*"
	fi
}

# ktap_equal NAME GOT WANTED
ktap_equal() {
	if [ "$2" = "$3" ]; then
		ktap_ok "$1"
	else
		ktap_not_ok "$1" "got '$2' instead of '$3'"
	fi
}

# Whether this domain may map its own grants: see tests/guest/modules/own_mapping.h.
maps_own_grants() { grep -qx PV /sys/hypervisor/guest_type || [ "$(uname -m)" = aarch64 ]; }

# Whether the kernel's own code can end access here: with a version 2 table in a guest that is
# not PV its first end dereferences NULL.
kernel_ends() { ! grep -q grant_table.version=2 /proc/cmdline || grep -qx PV /sys/hypervisor/guest_type; }

# run_test_module NAME [PARAMS...]: the module prints its KTAP with printk
# while it loads, and what it prints is on the console already.
run_test_module() {
	test_module=$1
	if ! load_module "$@"; then
		echo "Bail out! insmod $* failed"
		return 1
	fi
	rmmod "$test_module" || {
		echo "Bail out! rmmod $test_module failed"
		return 1
	}
}

# counter KEY: one of xengnt's counters; nothing when it is not there.
counter() { sed -n "s/^$1 //p" "$STATS" 2>/dev/null; }

# The kernel's own page count, made so that two readings compare: pages that
# are free (also on the processors' private lists) or in use by processes,
# files, page tables and stacks, which come and go meanwhile.  What a module
# takes is in none of these, whether pages, vmalloc, per-CPU or kmalloc memory.
# Processes on their way out make a reading low now and then, so the highest of
# five counts; a leak is in all of them.
settled_pages() {
	echo 4 >/proc/sys/vm/drop_caches # no message each time
	echo 3 >/proc/sys/vm/drop_caches
	highest=0
	for _ in 1 2 3 4 5; do
		reading=$(read_settled_pages)
		[ "$reading" -le "$highest" ] || highest=$reading
	done
	echo "$highest"
}

read_settled_pages() {
	echo 1 >/proc/sys/vm/stat_refresh
	awk '
	FILENAME == "/proc/zoneinfo" {
		if ($1 == "count:") sum += $2
		next
	}
	$1 == "nr_free_pages" || $1 == "nr_anon_pages" || $1 == "nr_file_pages" ||
	$1 == "nr_page_table_pages" || $1 == "nr_slab_reclaimable" { sum += $2 }
	$1 == "nr_kernel_stack" { sum += $2 / 4 }	# that one is in KiB
	END { print sum }' /proc/zoneinfo /proc/vmstat
}

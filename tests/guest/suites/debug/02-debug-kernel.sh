# SPDX-License-Identifier: GPL-2.0
# Whether this is the debug kernel that was asked for, and watches: a run on
# another one would prove nothing.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh

KMEMLEAK=/sys/kernel/debug/kmemleak

lockdep_watches() { grep -q '^ *debug_locks: *1$' /proc/lockdep_stats; }
kmemleak_watches() { echo scan >$KMEMLEAK; }
# What is lost before xengnt was ever loaded is the kernel's own.
forget() { sed 's/^/# /' $KMEMLEAK && echo clear >$KMEMLEAK; }

case $DEBUG_KERNEL in
kasan) watcher=kasan_report ;;
kcsan) watcher=kcsan_setup_watchpoint ;;
*) watcher=lockdep_init_map_type ;;
esac

ktap_plan 5
ktap_equal "the kernel is the $DEBUG_KERNEL one" "$(uname -r | sed 's/.*-//')" "$DEBUG_KERNEL"
ktap_check "it has $watcher" grep -qw $watcher /proc/kallsyms
ktap_check "lockdep is on" lockdep_watches
ktap_check "kmemleak is on" kmemleak_watches
ktap_check "what it found before xengnt came is forgotten" forget

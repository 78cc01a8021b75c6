# SPDX-License-Identifier: GPL-2.0
# The demo's driver, with dom0 on the other side (peers/demo.sh).
# shellcheck shell=sh
. /lib/xengnt/ktap.sh

figure() { sed -n "s/^demo: $1 //p" /tmp/demo.out; }
printed() { dmesg | sed -n "s/.*demo: $1 //p" | tail -n 1; }

ktap_plan 7
status=0
sh /demo/guest.sh >/tmp/demo.out 2>&1 || status=$?
sed 's/^/# /' /tmp/demo.out

ktap_equal "the demo ran to its end" "$status" 0
ktap_equal "dom0's answer is in every page" "$(printed answers_verified)" 64
ktap_equal "63 pages came back at once" "$(printed pages_back_at_once)" 63
ktap_equal "the one in use was deferred" "$(figure ended_deferred)" 1
ktap_equal "all pages came back in the end" "$(printed pages_back)" 64
ktap_equal "it was reclaimed" "$(figure end_reclaimed_total)" 1
ktap_equal "no reference is left granted or deferred" \
	"$(figure end_granted) $(figure end_deferred)" "0 0"

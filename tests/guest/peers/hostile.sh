# SPDX-License-Identifier: GPL-2.0
# dom0's part of suites/domu/63-hostile.sh: the backend, as often as the guest asks for it.
# shellcheck shell=sh
. /lib/xengnt/common.sh

[ -e /modules/hostile_back.ko ] || exit 0
here=/local/domain/$2/data/hostile
parameters=/sys/module/hostile_back/parameters

is_done() { [ "$(cat $parameters/done)" = Y ]; }

round=1
while :; do
	wait_for 900 xenstore-exists "$here-ref-$round" || exit 0
	grep -q "^xengnt " /proc/modules || load_module xengnt || exit 1
	load_module hostile_back "domid=$2" "ref=$(xenstore-read "$here-ref-$round")" || exit 1
	wait_for 300 is_done
	result="$(cat $parameters/mapped) $(cat $parameters/refused) $(cat $parameters/violations)"
	rmmod hostile_back
	xenstore-write "$here-result-$round" "$result"
	round=$((round + 1))
done

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# dom0's job of tests/guest/run soak: its parts, one after the other, then lives of guests
# until the time is over.
. /lib/xengnt/common.sh
. /lib/xengnt/suites.sh
. /job/settings # SOAK_PARTS, SOAK_SECONDS

export SUITE_SECONDS=900
export ACCOUNT=no # end.sh has one for all parts
mv /job/suites /job/parts
mkdir /job/suites

# part FILE NAME: a suite that is run now. A life's name ends in a number and the guest's kind.
part() {
	rm -f /job/suites/*
	cp "/job/parts/$1.sh" "/job/suites/$2.sh"
	run_suites dom0
}

lived=0
life() {
	lived=$((lived + 1))
	part life "life-$lived-$1"
}

uptime_s() { cut -d. -f1 /proc/uptime; }
seconds_left() { [ "$(uptime_s)" -lt "$SOAK_SECONDS" ]; }

load_module echo_back || exit 1
for name in $SOAK_PARTS; do
	if [ "$name" = life ]; then
		life pv
		life pvh
	else
		part "$name" "$name"
	fi
done
kind=pv
while seconds_left; do
	life $kind
	if [ $kind = pv ]; then kind=pvh; else kind=pv; fi
done
part end end

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The guest's job of tests/guest/run mutants: its mutant takes the module's place.
. /lib/xengnt/common.sh
. /lib/xengnt/suites.sh
. /lib/xengnt/drivers.sh

number=$(setting mutant)
cp "/mutants/$number.ko" /modules/xengnt.ko || exit 1
mkdir /job/chosen
# shellcheck disable=SC2013 # names have no spaces
for suite in $(sed -n "s/^$number [^ ]* //p" /job/mutants); do
	mv "/job/suites/$suite.sh" /job/chosen/
done
export SUITE_SECONDS=150
run_suites domu /job/chosen

# SPDX-License-Identifier: GPL-2.0
# What xengnt-top makes of the files of sysfs: metrics, a recording, the doctor's words.
# The recording is printed: tests/guest/run watching --record takes it from the console.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh

top() { chroot /watch xengnt-top "$@"; }
has() { grep -qE "$1" /watch/tmp/out || { sed 's/^/# /' /watch/tmp/out; return 1; }; }

last_is() { [ "$(tail -n 1 /watch/tmp/out)" = "$1" ]; }

ktap_plan 7
ktap_check "metrics are printed" sh -c 'chroot /watch xengnt-top --openmetrics >/watch/tmp/out'
ktap_check "with the table's size" has '^xengnt_table_references_max [1-9]'
ktap_check "with the driver's pool" has '^xengnt_pool_held\{pool="selftest_watch"\} [1-9]'
ktap_check "and end as OpenMetrics does" last_is '# EOF'
ktap_check "a textfile is written" top --textfile /tmp/xengnt.prom
ktap_check "all is recorded" top --record /tmp/recording
sleep 2
mkdir -p /watch/tmp/recording/later && cp /sys/kernel/debug/xengnt/* /watch/tmp/recording/later # for rates
top --doctor --root /tmp/recording >/watch/tmp/out
ktap_check "the doctor sees the driver in the recording" has 'pool selftest_watch holds'
sed 's/^/# doctor: /' /watch/tmp/out
cd /watch/tmp || exit 1
find recording xengnt.prom -type f | while read -r file; do
	case $file in */proc/modules | */proc/cpuinfo | */owners) continue ;; esac
	sed "s|^|# RECORDED $file:|" "$file"
done

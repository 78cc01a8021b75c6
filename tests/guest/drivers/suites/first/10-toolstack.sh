# SPDX-License-Identifier: GPL-2.0
# The toolstack that is running uses xengnt.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh

users() { sed -n 's/^xengnt [0-9]* [0-9]* \([^ ]*\) .*/\1/p' /proc/modules; }
is_user() { users | grep -q "$1,"; }

ktap_plan 5
ktap_check "xen_gntdev uses xengnt" is_user xen_gntdev
ktap_check "xen_gntalloc uses xengnt" is_user xen_gntalloc
ktap_check "xen_blkback uses xengnt" is_user xen_blkback
ktap_check "xen_netback uses xengnt" is_user xen_netback
ktap_check "xl works" sh -c 'xl list | grep -q "^Domain-0"'

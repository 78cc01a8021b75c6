# SPDX-License-Identifier: GPL-2.0
# The toolstack that is running uses xengnt.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh
. /lib/xengnt/drivers.sh


ktap_plan 5
ktap_check "xen_gntdev uses xengnt" uses_xengnt xen_gntdev
ktap_check "xen_gntalloc uses xengnt" uses_xengnt xen_gntalloc
ktap_check "xen_blkback uses xengnt" uses_xengnt xen_blkback
ktap_check "xen_netback uses xengnt" uses_xengnt xen_netback
ktap_check "xl works" sh -c 'xl list | grep -q "^Domain-0"'

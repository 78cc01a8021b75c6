# SPDX-License-Identifier: GPL-2.0
# dom0's part of suites/domu/50-demo.sh.
# shellcheck shell=sh
. /lib/xengnt/common.sh

wait_for 300 xenstore-exists "/local/domain/$2/data/xengnt-demo"
exec demo_back "$2"

# SPDX-License-Identifier: GPL-2.0
# dom0's part of suites/domu/40-network.sh.
# shellcheck shell=sh
exec transfer tcp-server 7000

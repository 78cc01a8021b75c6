# SPDX-License-Identifier: GPL-2.0
# Where the kernel cannot end access, takeover cannot be switched off. This suite leaves
# xengnt loaded.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh
. /lib/xengnt/takeover.sh

takeover_is_one_way || ktap_skip_all "the kernel can end access here"

no_failures() { dmesg | grep 'stock_client: .* failures' | tail -n 1 | grep -q ' 0 failures'; }

ktap_plan 6
load_module xengnt takeover=1
ktap_equal "on when loaded" "$(takeover_state) $(hooked)" "on $FUNCTIONS"
load_module stock_client
sleep 1
rmmod stock_client
ktap_check "a stock driver works, which crashes on the kernel's own functions" no_failures
ktap_check "off is refused" sh -c "! (echo 0 >$SWITCH) 2>/dev/null"
ktap_check "the log says why" \
	sh -c 'dmesg | tail -n 5 | grep -q "takeover stays on: in this guest the kernel cannot end access"'
ktap_equal "it is on" "$(takeover_state) $(hooked)" "on $FUNCTIONS"
ktap_check "hooks hold the module" sh -c '! rmmod xengnt 2>/dev/null'

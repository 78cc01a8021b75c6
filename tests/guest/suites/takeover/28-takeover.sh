# SPDX-License-Identifier: GPL-2.0
# Takeover: a module that is built against the kernel's own header works on xengnt
# while it is switched on and off, and nothing is lost; wrong use of the switch.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh
. /lib/xengnt/takeover.sh

CYCLES=${CYCLES:-10}

! takeover_is_one_way || ktap_skip_all "off is refused here: see 96-takeover-stays"

# At once if the client has taken nothing of ours meanwhile, on a slow machine.
goes_off() {
	case $(takeover_state) in
	draining | switching | off) ;;
	*) return 1 ;;
	esac
}
# Switches while the client works; leaves takeover on.
cycles() {
	for _ in $(seq "$CYCLES"); do
		echo 1 >"$SWITCH" && [ "$(takeover_state)" = on ] || return 1
		sleep 0.2
		echo 0 >"$SWITCH" && goes_off || return 1
		sleep 0.2
	done
	echo 1 >"$SWITCH"
}
unchanged() { [ "$(takeover_state)" = "$1" ] && [ "$(hooked)" = "$2" ]; }
write_fails() { ! (echo "$1" >"$SWITCH") 2>/dev/null; }
# refused REASON: cannot be switched on, nothing is hooked, and the log says why.
refused() { write_fails 1 && unchanged off 0 && dmesg | tail -n 20 | grep -q "xengnt: takeover: $1"; }
no_failures() { dmesg | grep 'stock_client: .* failures' | tail -n 1 | grep -q ' 0 failures'; }

ktap_plan 40
before=$(kernel_refs)
load_module xengnt
ktap_check "off when loaded" unchanged off 0
ktap_equal "the parameter says so" "$(cat "$SWITCH")" N
ktap_check "off when it is off" sh -c "echo 0 >$SWITCH"
ktap_check "on" sh -c "echo 1 >$SWITCH"
ktap_check "every function is hooked" unchanged on "$FUNCTIONS"
ktap_equal "the parameter says so" "$(cat "$SWITCH")" Y
ktap_check "on once more" sh -c "echo 1 >$SWITCH"
ktap_check "nonsense is refused" write_fails perhaps
ktap_check "and nothing has changed" unchanged on "$FUNCTIONS"
ktap_check "hooks hold the module" sh -c '! rmmod xengnt 2>/dev/null'
ktap_check "ftrace cannot be disabled now" \
	sh -c '! (echo 0 >/proc/sys/kernel/ftrace_enabled) 2>/dev/null'

LOST=/sys/kernel/xengnt/takeover/hooks_lost
has_lost() { [ "$(cat $LOST)" = "$1" ]; }
ktap_check "no hook is lost" has_lost 0
if [ "$(uname -m)" = x86_64 ]; then
	load_module lose_hooks
	ktap_check "lost hooks are counted" wait_for 60 has_lost 9
	rmmod lose_hooks
	ktap_check "and when they work again" wait_for 60 has_lost 0
else
	ktap_skip "lost hooks are counted" "lose_hooks.c is for x86"
	ktap_skip "and when they work again" "lose_hooks.c is for x86"
fi

load_module stock_client idle=1 sequence=8
ktap_equal "the client's list and grants are ours" "$(held_by stock_client)" 33
ktap_check "it has a pool of its name" \
	grep -q '^name stock_client held .* used 1' /sys/kernel/debug/xengnt/pools
ktap_check "calls are counted" grep -q '^function gnttab_claim_grant_reference hooked 1 how [a-z]* calls [1-9]' "$FILE"
ktap_check "off while it holds them" sh -c "echo 0 >$SWITCH"
ktap_check "waits for them" unchanged draining "$FUNCTIONS"
ktap_check "says so" \
	sh -c 'dmesg | tail -n 20 | grep -q "takeover: stock_client still holds 33 references of ours"'
ktap_check "off once more" sh -c "echo 0 >$SWITCH"
ktap_check "on again meanwhile" sh -c "echo 1 >$SWITCH"
ktap_check "is on" unchanged on "$FUNCTIONS"
echo 0 >"$SWITCH"
rmmod stock_client
ktap_check "off when they are free" wait_for 60 unchanged off 0
ktap_check "no call failed" no_failures

load_module stock_client
cycles
ktap_equal "$CYCLES times on and off while it works" $? 0
echo 0 >"$SWITCH"
ktap_check "all that it holds becomes the kernel's in time" wait_for 60 unchanged off 0
echo 1 >"$SWITCH"
sleep 0.2
rmmod stock_client
ktap_check "no call failed" no_failures
ktap_check "off at once when nothing is out" sh -c "echo 0 >$SWITCH && grep -q '^state off' $FILE"
sed 's/^/# /' "$FILE"
ktap_equal "no call was refused" "$(counter misuse_total)" 0

load_module other_redirect
ktap_check "refused while somebody else redirects a function" \
	refused 'gnttab_end_foreign_access_ref is redirected by somebody else'
rmmod other_redirect
echo 0 >/proc/sys/kernel/ftrace_enabled
ktap_check "refused while ftrace is disabled" refused '.* because ftrace is disabled'
echo 1 >/proc/sys/kernel/ftrace_enabled
ktap_check "possible afterwards" sh -c "echo 1 >$SWITCH && echo 0 >$SWITCH"
ktap_check "and off again" unchanged off 0
ktap_check "xengnt goes" rmmod xengnt
ktap_equal "no reference is missing" "$(kernel_refs)" "$before"

load_module xengnt takeover=1
ktap_check "on from the start" unchanged on "$FUNCTIONS"
(while [ ! -e /tmp/enough ]; do echo 1 >"$SWITCH"; done) &
(while [ ! -e /tmp/enough ]; do echo 0 >"$SWITCH"; done) &
sleep 1
: >/tmp/enough
wait
rm /tmp/enough
echo 0 >"$SWITCH"
ktap_check "two who write at once leave it whole" wait_for 60 unchanged off 0
ktap_check "xengnt goes" rmmod xengnt
ktap_equal "no reference is missing" "$(kernel_refs)" "$before"

# SPDX-License-Identifier: GPL-2.0
# The kernel's own implementation as the oracle: one test of the whole
# interface, built against both headers, loaded one after the other. What they
# say must be equal line by line, but for the listed differences.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh

DIFFERENCES=/lib/xengnt/oracle-differences

# Of some 490: with nobody at the other side (dom0 itself, or peers/oracle.sh there)
# it would be asked 280.
LEAST=450

# hear SIDE: loads its module and keeps what it says.
hear() {
	said=$(dmesg | wc -l)
	load_module "oracle_$1" && rmmod "oracle_$1" || return 1
	dmesg | tail -n "+$((said + 1))" >/tmp/oracle.log
	sed -n 's/^\(\[[ 0-9.]*\] \)\{0,1\}oracle: //p' /tmp/oracle.log >"/tmp/oracle.$1"
	sed -n 's/^\(\[[ 0-9.]*\] \)\{0,1\}oracle-alone: //p' /tmp/oracle.log >"/tmp/alone.$1"
}

# Prints how many lines are equal, differ as listed, differ, and those that do.
compare() {
	awk -v stock=/tmp/oracle.stock -v xengnt=/tmp/oracle.xengnt '
	!/^#/ && NF { split($0, part, / \| /); listed[part[1] " = " part[2]] = part[1] " = " part[3] }
	END {
		for (;;) {
			theirs = (getline line < stock) > 0 ? line : "(nothing)"
			ours = (getline line < xengnt) > 0 ? line : "(nothing)"
			if (theirs == "(nothing)" && ours == "(nothing)")
				break
			if (theirs == ours) {
				equal++
			} else if (listed[theirs] == ours) {
				known++
				print "# as listed: " theirs " | " ours
			} else {
				differ++
				print "# the kernel: " theirs
				print "# xengnt:     " ours
			}
		}
		print equal + 0, known + 0, differ + 0
	}' "$DIFFERENCES" >/tmp/oracle.result
	sed '$d' /tmp/oracle.result
	# shellcheck disable=SC2046  # three numbers
	set -- $(tail -n 1 /tmp/oracle.result)
	equal=$1 known=$2 differ=$3
}

kernel_ends || ktap_skip_all "this kernel's own version 2 crashes in this type of guest"

ktap_plan 10
ktap_check "the kernel's side" hear stock
# Half loaded it would keep its drivers waiting for half a minute a symbol.
load_module xengnt || {
	echo "Bail out! xengnt does not load"
	exit 1
}
ktap_ok "xengnt loads"
cp /tmp/oracle.stock /tmp/oracle.before
ktap_check "the kernel's side, beside xengnt" hear stock
ktap_check "says the same" cmp /tmp/oracle.before /tmp/oracle.stock
ktap_check "xengnt's side" hear xengnt
compare
echo "# $equal lines are equal, $known differ as listed, $differ differ"
ktap_equal "no line differs" "$differ" 0
ktap_check "at least $LEAST lines are equal" test "$equal" -ge $LEAST
sed 's/^/# /' /tmp/alone.xengnt
ktap_check "what only xengnt can be asked" sh -c '
	test -s /tmp/alone.xengnt && ! grep -q "^not ok" /tmp/alone.xengnt'
ktap_equal "claimed, granted, deferred afterwards" \
	"$(counter claimed) $(counter granted) $(counter deferred)" "0 0 0"
ktap_check "xengnt goes" rmmod xengnt

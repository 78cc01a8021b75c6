# SPDX-License-Identifier: GPL-2.0
# Tests that others wrote, from Xen's utilities: test-resource maps a new domain's grant
# table and grants in it; vchan-socket-proxy carries bytes over libxenvchan, one end of
# it by xen-gntalloc and the other by xen-gntdev, both ends in dom0.
# shellcheck shell=sh
. /lib/xengnt/ktap.sh
. /lib/xengnt/drivers.sh

KIB=512
VCHAN=/local/domain/0/data/vchan-proxy

# The proxy leaves at its input's end, whatever is still on its way to it: a pipe that it
# may write to as well has none.
proxy() { # MODE INPUT OUTPUT
	mkfifo /tmp/pipe-"$1"
	vchan-socket-proxy -m "$1" 0 $VCHAN - 0<>/tmp/pipe-"$1" >"$3" 2>/tmp/proxy-"$1" &
	pid=$!
	cat "$2" >/tmp/pipe-"$1" &
}
passed() { cmp -s /tmp/from-server /tmp/at-client && cmp -s /tmp/from-client /tmp/at-server; }
server_ended() { [ ! -e "/proc/$server/exe" ]; }

before=$(standing)
ktap_plan 5
ktap_check "test-resource" test-resource
transfer data $KIB 1 >/tmp/from-server
transfer data $KIB 2 >/tmp/from-client
granted=$(counter granted_total)
proxy server /tmp/from-server /tmp/at-server
server=$pid
wait_for 20 xenstore-exists $VCHAN/event-channel
proxy client /tmp/from-client /tmp/at-client
client=$pid
ktap_check "$KIB KiB each way through vchan-socket-proxy" wait_for 120 passed
ktap_check "its memory was granted by xengnt" test "$(counter granted_total)" -gt "$granted"
kill -KILL $client
ktap_check "the server ends when its client was killed" wait_for 20 server_ended
cat /tmp/proxy-* | sed 's/^/# /'
ktap_standing "no reference, page or p2m entry is missing" "$before"

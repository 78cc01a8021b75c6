# SPDX-License-Identifier: GPL-2.0
# What both sides of tests/guest/run soak can do; source ktap.sh first.
# shellcheck shell=sh
# shellcheck disable=SC2034  # used by who sources this

MANY=/sys/module/grants_many/parameters
CHURN=/sys/module/churn/parameters
HOSTILE=/sys/module/hostile_front/parameters
ECHO=/sys/bus/xen/devices/vecho-0

no_wrong_call() { [ "$(counter misuse_total)" = 0 ]; }
all_free() { [ "$(counter granted) $(counter claimed) $(counter listed) $(counter deferred)" = "0 0 0 0" ]; }

# --- many pages out (grants_many.c) ---------------------------------------------

# grant_many DOMID COUNT: prints the references.
grant_many() {
	load_module grants_many "domid=$1" "count=$2" && cat $MANY/refs
}
end_many() { echo 1 >$MANY/end; }
many() { echo "told $(cat $MANY/told) answered $(cat $MANY/answered) deferred $(counter deferred)"; }
many_are() { [ "$(many)" = "$1" ]; }

# busy_many COUNT: access is ended, and none of it has come back two rounds later.
busy_many() {
	end_many
	sleep 4
	many
	many_are "told 0 answered 0 deferred $1"
}

# back_many COUNT: all came back, with the other side's answer in them; the driver goes.
back_many() {
	wait_for 20 many_are "told $1 answered $1 deferred 0"
	came=$?
	many
	rmmod grants_many && return $came
}

# --- a process that has another domain's pages mapped (mapper.c) ----------------

# map_pages [-l] DOMID REFS: in a process of its own, $mapper (mapper.c), until it is killed.
map_pages() {
	mapper "$@" >/tmp/mapper 2>&1 &
	mapper=$!
	wait_for 20 grep -q '^mapped' /tmp/mapper
}

# --- what is left to the kernel -----------------------------------------------------

kernel_freed() { dmesg | grep -c 'freeing g.e. '; }
has_freed() { [ "$(kernel_freed)" -ge "$1" ]; }

# Driver and xengnt go while COUNT pages are busy; then the other side lets go.
leave_to_kernel() {
	end_many && rmmod grants_many && [ "$(counter deferred)" = "$1" ] || return 1
	echo 'file drivers/xen/grant-table.c +p' >/sys/kernel/debug/dynamic_debug/control
	kernel_freed >/tmp/freed-before
	rmmod xengnt && sleep 3
	[ "$(kernel_freed)" = "$(cat /tmp/freed-before)" ]
}
freed_by_kernel() {
	wait_for 30 has_freed $(($(cat /tmp/freed-before) + $1))
}

# --- against a hostile backend (hostile_front.c) -----------------------------------

hostile_begins() { load_module hostile_front "attempts=$1" && cat $HOSTILE/control_ref; }
hostile_runs() { echo 1 >$HOSTILE/run; }
hostile_ends() {
	echo "wrong $(cat $HOSTILE/wrong)"
	rmmod hostile_front
}

# --- messages to and from dom0 (examples/echo) ---------------------------------

echo_connected() { [ "$(xenstore-read device/vecho/0/state)" = 4 ]; }
messages() { sed -n "s/^answered //p" $ECHO/counts; }
wrong_messages() { sed -n "s/^wrong //p" $ECHO/counts; }

traffic_starts() {
	load_module echo_front && wait_for 20 echo_connected || return 1
	: >/tmp/traffic
	while [ -e /tmp/traffic ]; do
		echo 200 >$ECHO/run || echo failed >>/tmp/traffic-failed
	done >/dev/null 2>&1 &
}
# traffic_grew: messages since the last time that this was asked; none wrong, no run failed.
traffic_grew() {
	now=$(messages)
	before=$(cat /tmp/messages 2>/dev/null || echo 0)
	echo "$now" >/tmp/messages
	echo "$((now - before)) messages"
	[ "$now" -gt "$before" ] && [ "$(wrong_messages)" = 0 ] && [ ! -e /tmp/traffic-failed ]
}
traffic_flows() { wait_for 60 traffic_grew; }
traffic_ends() {
	rm /tmp/traffic
	sleep 1
	echo vecho-0 >/sys/bus/xen/drivers/echo_front/unbind && rmmod echo_front
}

# --- a second processor that comes and goes ----------------------------------------

CPU1=/sys/devices/system/cpu/cpu1/online

rounds_there() { cut -d, -f2 $CHURN/home; }
more_there() { [ "$(rounds_there)" -gt "$1" ]; }

second_processor() { echo "$1" >$CPU1; } # 0: goes, 1: comes
# hotplug TIMES: each time there must be rounds on it again.
hotplug() {
	for _ in $(seq "$1"); do
		second_processor 0 || return 1
		there=$(rounds_there)
		sleep 0.1
		[ "$(rounds_there)" = "$there" ] || return 1
		second_processor 1 && wait_for 20 more_there "$there" || return 1
	done
}
churned() { echo "home $(cat $CHURN/home) away $(cat $CHURN/away) failed $(cat $CHURN/failed)"; }
# All references that there are, with one processor only.
take_all() {
	load_module churn take=1 && cat $CHURN/taken && rmmod churn
}

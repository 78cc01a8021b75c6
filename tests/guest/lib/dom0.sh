# SPDX-License-Identifier: GPL-2.0
# For jobs inside dom0: starting guests, waiting for them, their consoles.
# Source common.sh first.
# shellcheck shell=sh

CONSOLES=/var/log/xen/console
GUESTS=/run/guests

# guest_start NAME TYPE [OPTION VALUE]...    TYPE: pv, pvh or hvm (boot-xen --hvm)
#   memory MIB     (256)
#   vcpus N        (1)
#   overlay DIR    files added to the guest's root (its job is /job/run); not for hvm
#   cmdline TEXT   added to the kernel's command line
#   config LINE    added to xl's configuration; may be given again and again
# The guest's console appears in dom0's log, each line after "NAME| ".
guest_start() {
	name=$1 type=$2 memory=256 vcpus=1 overlay='' cmdline='' config=''
	shift 2
	while [ $# -gt 1 ]; do
		case $1 in
		memory) memory=$2 ;;
		vcpus) vcpus=$2 ;;
		overlay) overlay=$2 ;;
		cmdline) cmdline=$2 ;;
		config) config="$config
$2" ;;
		*)
			echo "guest_start: no option '$1'" >&2
			return 1
			;;
		esac
		shift 2
	done

	# Under QEMU's emulated SVM a PVH or HVM guest triple-faults sooner or later
	# when its processor moves from one real one to another.
	if [ "$type" != pv ]; then
		config="$config
cpus = $(pinning "$vcpus")"
	fi

	dir=$GUESTS/$name
	mkdir -p "$dir"
	cmdline="console=hvc0 loglevel=5 panic=-1 printk.devkmsg=on log_buf_len=1M $cmdline"
	cat >"$dir/xl.cfg" <<-EOF
		name = "$name"
		type = "$type"
		memory = $memory
		vcpus = $vcpus
		on_poweroff = "destroy"
		on_reboot = "destroy"
		on_crash = "destroy"
		$config
	EOF
	if [ "$type" = hvm ]; then
		[ -z "$overlay" ] || return 1
		boots_from_disk "$dir" "$cmdline" >>"$dir/xl.cfg" || return 1
	else
		boots_from_memory "$dir" "$cmdline" "$overlay" >>"$dir/xl.cfg"
	fi
	phase "starting guest $name ($type)"
	xl create -q "$dir/xl.cfg" || {
		phase "guest $name did not start"
		return 1
	}
	rm -f "$dir/initrd"
	xl domid "$name" >"$dir/domid"
	touch "$(guest_console "$name")"
	guest_pump "$name" "$dir" <"$(guest_console "$name")" &
	echo $! >"$dir/pump"
}

# boots_from_memory DIR CMDLINE [OVERLAY]: the lines of xl's configuration.
boots_from_memory() {
	cat /boot/domu.cpio /boot/domu-overlay.cpio >"$1/initrd"
	if [ "${3:-}" ]; then
		(cd "$3" && find . | cpio -o -H newc) >>"$1/initrd" 2>/dev/null
	fi
	echo "kernel = \"/boot/vmlinux\""
	echo "ramdisk = \"$1/initrd\""
	echo "extra = \"$2\""
}

# boots_from_disk DIR CMDLINE: the same for an HVM guest, whose kernel is on a
# disk with room for the command line (scripts/xen/make-hvm-image). Looking through
# PCI before there is memory management takes seconds of emulated port reads.
# No keyboard: the kernel's frontend ends access with the kernel's own code when
# it is restored, which crashes with a version 2 table.
boots_from_disk() {
	read -r offset length </boot/hvm.img.place || return 1
	cp /boot/hvm.img "$1/disk"
	printf "%-${length}s" "$2 pci=noearly" |
		dd of="$1/disk" bs=1 seek="$offset" count="$length" conv=notrunc 2>/dev/null
	cat <<-EOF
		boot = "c"
		hdtype = "ahci"
		disk = ["format=raw,vdev=hda,access=rw,backendtype=qdisk,target=$1/disk"]
		vga = "none"
		vkb_device = 0
		usb = 0
		vnc = 0
		sdl = 0
	EOF
}

# ["1", "0", ...]: one of the two processors for each of the guest's N.
pinning() {
	list='' n=0
	while [ "$n" -lt "$1" ]; do
		list="$list\"$(((n + 1) % $(nproc)))\", "
		n=$((n + 1))
	done
	echo "[${list%, }]"
}

guest_domid() { cat "$GUESTS/$1/domid"; }
guest_console() { echo "$CONSOLES/guest-$1.log"; }
guest_gone() { ! xenstore-exists "/local/domain/$(guest_domid "$1")" 2>/dev/null; }

# Copies a console that is still growing; stops at its end once told to.
guest_pump() {
	buffer='' last=''
	while :; do
		if IFS= read -r line; then
			kmsg "$1| $buffer$line"
			buffer=''
		else
			buffer=$buffer$line
			[ "$last" ] && break
			if [ -e "$2/ended" ]; then last=1; else sleep 0.2; fi
		fi
	done
	[ -z "$buffer" ] || kmsg "$1| $buffer"
}

# guest_wait_text NAME PATTERN SECONDS: until the guest has printed it.
guest_wait_text() {
	wait_for "$3" grep -q "$2" "$(guest_console "$1")"
}

# guest_wait NAME SECONDS: until the guest has ended; destroys it when late.
guest_wait() {
	late=0
	wait_for "$2" guest_gone "$1" || late=1
	if [ $late = 1 ]; then
		phase "guest $1 has not ended within $2 s"
		xl destroy "$1"
	fi
	rm -f "$GUESTS/$1/disk"
	touch "$GUESTS/$1/ended"
	wait "$(cat "$GUESTS/$1/pump")"
	[ $late = 1 ] || phase "guest $1 has ended"
	return $late
}

# The other side of tests that need two domains: each peer runs in dom0 as
# long as a guest does, with the guest's name and domain number.  Each is a
# process group of its own, so that it ends with all that it has started.
start_peers() {
	peers=''
	for peer in /job/peers/*; do
		[ -e "$peer" ] || continue
		# shellcheck disable=SC2016  # the inner shell expands it
		setsid sh -c '. /lib/xengnt/common.sh; to_kmsg sh "$@"' peer \
			"$peer" "$1" "$(guest_domid "$1")" &
		peers="$peers $!"
	done
}

end_peers() {
	for pid in $peers; do
		kill -KILL "-$pid" 2>/dev/null
	done
}

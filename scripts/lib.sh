# SPDX-License-Identifier: GPL-2.0
# Shared by the shell scripts of this directory: source it, do not run it.
# shellcheck shell=bash

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$TOP/build
PKGS=$BUILD/pkgs            # packages unpacked here are never installed on this machine
# shellcheck disable=SC2034  # used by the scripts that source this file
GUEST_DIR=$BUILD/guest      # what QEMU boots

# The kind of machine that is built for and booted is the release's, in KVER:
# this one's (amd64), or arm64, with headers that are only unpacked.  So are
# those of a later Debian (its kernels say so: +deb13), whose compiler is in a
# chroot, see scripts/debian/build-root.  XEN_ROOT has Xen, its tools, their libraries
# and busybox: this Debian's, or those of the Debian named in XEN_SUITE.
# shellcheck disable=SC2034
case ${KVER:-} in
*-arm64*)
	DEB_ARCH=arm64
	TRIPLET=aarch64-linux-gnu
	XEN_ROOT=$PKGS/xen-arm64
	export ARCH=arm64 CROSS_COMPILE=$TRIPLET-
	;;
*)
	DEB_ARCH=amd64
	TRIPLET=x86_64-linux-gnu
	XEN_ROOT=$PKGS/xen
	;;
esac
# shellcheck disable=SC2034
[[ -z ${XEN_SUITE:-} ]] || XEN_ROOT=$PKGS/xen-$XEN_SUITE
# shellcheck disable=SC2034
DEVICE_MODEL_ROOT=$PKGS/device-model${XEN_SUITE:+-$XEN_SUITE} # for HVM guests
[[ $DEB_ARCH == amd64 ]] || DEVICE_MODEL_ROOT=/nonexistent
if [[ -z ${DEB_SUITE+set} ]]; then
	case ${KVER:-} in
	*+deb13*) DEB_SUITE=trixie ;;
	*) DEB_SUITE='' ;; # this machine's
	esac
fi
if [[ ${KVER:-} && ($DEB_ARCH != amd64 || $DEB_SUITE) ]]; then
	export KERNELDIR=${KERNELDIR:-$PKGS/headers-$KVER/usr/src/linux-headers-$KVER}
fi

say() { printf '%s: %s\n' "${0##*/}" "$*"; }

die() {
	printf '%s: error: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# Releases whose headers are installed, the newest last.
installed_releases() {
	find /usr/src -maxdepth 1 -name 'linux-headers-[0-9]*' -printf '%f\n' 2>/dev/null |
		sed -nE 's/^linux-headers-([0-9][0-9.]*(-[0-9]+|\+deb[0-9]+[^-]*)-(amd64|arm64))$/\1/p' |
		sort -V
}

# Of several the one of Debian's default kernel: the others may be here for a test.
default_release() {
	local all usual
	all=$(installed_releases)
	if [[ $all == *$'\n'* ]]; then
		usual=$(apt-cache depends --important linux-headers-amd64 2>/dev/null |
			sed -nE 's/^ *Depends: linux-headers-([0-9].*)$/\1/p' | head -n 1)
		grep -Fx -- "${usual:-none}" <<<"$all" && return
	fi
	tail -n 1 <<<"$all"
}

# The kernel release the module is built for and the guests run: KVER, else
# what KERNELDIR was configured as, else the kernel whose headers are installed.
kernel_release() {
	if [[ -n ${KVER:-} ]]; then
		echo "$KVER"
	elif [[ -n ${KERNELDIR:-} ]]; then
		# Debian's own kernel.release says 6.1.192 where uname says 6.1.0-56-amd64.
		sed -nE 's/^#define UTS_RELEASE "(.*)"/\1/p' "$KERNELDIR/include/generated/utsrelease.h" ||
			die "KERNELDIR=$KERNELDIR is not a configured kernel build directory"
	else
		default_release
	fi
}

# Where the unpacked kernel image and modules of a release are kept.
kernel_root() { echo "$PKGS/kernel-$1"; }

# A copy of the project's files, to be built for another kernel without touching
# what is built here; it has this checkout's downloads.  copy_tree DIR
copy_tree() {
	rm -rf "$1"
	mkdir -p "$1/build"
	git -C "$TOP" ls-files -z | tar -c --null -C "$TOP" -T - | tar -x -C "$1"
	ln -s "$PKGS" "$1/build/pkgs"
}

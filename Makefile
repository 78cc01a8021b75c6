# SPDX-License-Identifier: GPL-2.0
# What a person types: `make help` lists it.

.DEFAULT_GOAL := module
.DELETE_ON_ERROR:

# --- the kernel to build for --------------------------------------------------
# KERNELDIR= names a configured kernel build directory, KVER= a release whose
# headers are installed; else the running kernel, else the newest headers here.
ifdef KERNELDIR
else ifdef KVER
KERNELDIR := $(firstword $(wildcard /lib/modules/$(KVER)/build /usr/src/linux-headers-$(KVER) \
	$(CURDIR)/build/pkgs/headers-$(KVER)/usr/src/linux-headers-$(KVER)))
else
KERNELDIR := $(firstword $(wildcard /lib/modules/$(shell uname -r)/build/Makefile))
KERNELDIR := $(patsubst %/Makefile,%,$(KERNELDIR))
ifeq ($(KERNELDIR),)
KERNELDIR := $(addprefix /usr/src/linux-headers-,$(shell scripts/debian/kver 2>/dev/null))
endif
endif
export KERNELDIR

# Another kind of machine's kernel: its headers are unpacked by scripts/deps.
ifneq ($(findstring -arm64,$(KVER)),)
export KVER
export ARCH := arm64
export CROSS_COMPILE := aarch64-linux-gnu-
endif

# The C++ compiler of the same version as the kernel's C compiler.
kernel_cc := $(shell sed -n 's/^CONFIG_CC_VERSION_TEXT="\([^ ]*-\)\{0,1\}gcc\(-[0-9]*\)\{0,1\} .*/g++\2/p' \
	$(KERNELDIR)/.config 2>/dev/null)
CXX := $(or $(shell command -v $(CROSS_COMPILE)$(kernel_cc) 2>/dev/null),$(CROSS_COMPILE)g++)

# A later Debian's kernel: in a chroot with its compiler.
ifneq ($(findstring +deb13,$(KVER)),)
export KVER
build_root := scripts/debian/build-root
endif

.PHONY: module
module: have-headers ## build xengnt.ko for the running kernel (or KERNELDIR=, KVER=)
	+$(build_root) $(MAKE) -C $(KERNELDIR) M=$(CURDIR) CXX=$(CXX) modules
	scripts/check-objects

.PHONY: have-headers
have-headers:
	@test -e "$(KERNELDIR)/Makefile" || { \
		echo "error: no kernel headers$(if $(KVER), for $(KVER)): apt-get install linux-headers-$(or $(KVER),amd64)" >&2; \
		exit 1; }

.PHONY: kernel-dir
kernel-dir: have-headers
	@echo $(KERNELDIR)

.PHONY: deps
deps: ## install what building and testing need (Debian, as root)
	scripts/deps all

.PHONY: demo
demo: ## show the main job in Xen guests, from nothing (as root)
	scripts/demo

.PHONY: check
check: ## all tests, from nothing (as root)
	scripts/check

.PHONY: check-all
check-all: ## every target of this list, each in a fresh clone (hours, as root; CHECK_ALL=--share-downloads)
	scripts/check-all $(CHECK_ALL)

.PHONY: check-host
check-host: ## the tests that need no guest
	scripts/deps build host
	scripts/check-host

.PHONY: coverage
coverage: ## lines and branches of the core that the host tests run
	scripts/deps host
	scripts/coverage

.PHONY: mutants
mutants: ## changes the core in 220 places: would a host test notice? (20 minutes)
	scripts/deps host
	tests/host/mutants.py

.PHONY: mutants-shims
mutants-shims: ## changes the shims in 26 places: would a guest test notice? (half an hour)
	scripts/deps build guest
	+$(MAKE) module
	scripts/build-clients test-modules oracle examples bench
	tests/guest/run mutants

.PHONY: fuzz
fuzz: ## libFuzzer leads the random driver (FUZZ_SECONDS=60)
	scripts/deps host
	scripts/fuzz

.PHONY: check-guest
check-guest: ## the tests in Xen guests, in one boot
	scripts/deps build guest
	+$(MAKE) module
	scripts/build-clients test-modules oracle examples bench
	tests/guest/run suites

.PHONY: check-hvm
check-hvm: ## the tests in HVM guests, which have a device model in dom0 (as root)
	scripts/deps build guest hvm
	+$(MAKE) module
	scripts/build-clients test-modules oracle examples bench
	tests/guest/run suites --guests hvm,hvm-v2 --only-guests --out build/check-hvm

.PHONY: check-matrix
check-matrix: ## build for several kernels, and run the guest tests on each (MATRIX=--missing: go on)
	scripts/deps build guest
	scripts/check-matrix $(MATRIX)

.PHONY: check-arm64
check-arm64: ## cross-build for arm64, and run dom0's tests on an emulated arm64 machine (as root)
	scripts/check-arm64

.PHONY: check-drivers
check-drivers: ## the kernel's own drivers, unmodified, on xengnt in Xen guests
	scripts/deps build guest
	+$(MAKE) module
	scripts/debian/need fio
	scripts/build-clients test-modules
	scripts/debian/build-stock-drivers
	tests/guest/run drivers

.PHONY: check-rebound
check-rebound: ## Debian's own driver binaries, put onto xengnt by xengnt-rebind, in Xen guests
	scripts/deps build guest
	+$(MAKE) module
	scripts/debian/need fio
	scripts/build-clients test-modules
	scripts/debian/rebind-stock-drivers
	tests/guest/run drivers --drivers rebound

.PHONY: check-taken-over
check-taken-over: ## Debian's own driver files taken over, and switched while they are at work
	scripts/deps build guest
	+$(MAKE) module
	scripts/debian/need fio
	scripts/build-clients test-modules
	tests/guest/run suites --takeover --guests pv --out build/check-takeover
	tests/guest/run suites --takeover --guests pvh --only-guests --out build/check-takeover-pvh
	tests/guest/run drivers --drivers taken-over --guests pv

.PHONY: check-debug-kernel
check-debug-kernel: ## the guest tests in a kernel with lockdep, kmemleak and more (an hour, as root)
	scripts/check-debug-kernel $(DEBUG_KERNELS)

.PHONY: check-restore
check-restore: ## guests are saved and restored while the echo example runs in them
	scripts/deps build guest hvm
	+$(MAKE) module
	tests/guest/run restore

.PHONY: soak
soak: ## guests live, are paused, killed and destroyed while pages are mapped (SOAK_MINUTES=15)
	scripts/deps build guest
	+$(MAKE) module
	scripts/debian/build-stock-drivers
	tests/guest/run soak
	scripts/deps host
	XENGNT_SWEEP=long scripts/check-host steps

.PHONY: check-watching
check-watching: ## xengnt-top, trace-cmd, perf and bpftrace as documented, in dom0 (as root)
	scripts/deps build guest
	+$(MAKE) module
	tests/guest/run watching

.PHONY: check-guide
check-guide: ## follow the driver guide's steps from an empty folder (as root)
	scripts/check-guide

.PHONY: check-module
check-module: have-headers ## build the module and check its objects, sparse, its names
	+KERNELDIR=$(KERNELDIR) CXX=$(CXX) scripts/check-module

# The kernel's own clean would also go through build/ and take the guests' kernel modules with it.
kbuild_clean = $(MAKE) -s -C $(KERNELDIR) M=$(CURDIR) \
	RCS_FIND_IGNORE='\( -path "$(CURDIR)/build" -o -name .git \) -prune -o' clean

.PHONY: check-outside-xen
check-outside-xen: ## the module refuses to load where there is no Xen
	scripts/deps build guest
	+$(MAKE) module
	scripts/checks/check-outside-xen

.PHONY: clean-module
clean-module:
	+$(kbuild_clean)

.PHONY: bench
bench: ## compare with the kernel's own code, natively and in a guest
	scripts/deps all
	+$(MAKE) module
	bench/run

.PHONY: install
install: ## install what was built: module, headers, tool, manual (DESTDIR=, PREFIX=)
	scripts/install

.PHONY: uninstall
uninstall: ## take away what make install installed
	scripts/install --remove

.PHONY: deb
deb: ## Debian packages xengnt-dkms, xengnt-dev, xengnt-top in build/deb
	scripts/make-deb

.PHONY: check-packages
check-packages: ## install, upgrade and remove the packages in a clean Debian (as root)
	scripts/check-packages

.PHONY: docs
docs: ## the API reference, in build/docs
	scripts/deps build
	KERNELDIR=$(KERNELDIR) scripts/make-docs

.PHONY: check-docs
check-docs: ## manual pages against the module, the tool's tests, the API reference
	scripts/check-docs

.PHONY: check-monitoring
check-monitoring: ## alert rules, metrics and the dashboard with Prometheus on loopback (a minute)
	scripts/check-monitoring

.PHONY: check-panic
check-panic: ## a deliberate panic in dom0: the module's lines are on the console
	scripts/deps build guest
	+$(MAKE) module
	tests/guest/run panic

.PHONY: clean
clean: ## remove what was built (downloads in build/pkgs stay)
	+test ! -e "$(KERNELDIR)/Makefile" || $(kbuild_clean)
	find build -mindepth 1 -maxdepth 1 ! -name pkgs -exec rm -rf {} + 2>/dev/null; true

.PHONY: help
help: ## this list
	@sed -nE 's/^([a-z0-9-]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 26

# SPDX-License-Identifier: GPL-2.0
# For the Kbuild (or Makefile) of a driver that is built outside the kernel:
#
#	obj-m := mydriver.o
#	include /path/to/xengnt/include/xengnt/xengnt.mk
#
# That line gives the driver
#   - this include directory before the kernel's: <xen/grant_table.h> is ours;
#   - xengnt's exported symbols, with their versions;
#   - a rule that makes NAME.o from NAME.cc, freestanding C++20;
#   - when the file is a Makefile and make is called in its directory: the
#     targets modules, modules_install and clean (KERNELDIR= or KVER= choose
#     the kernel).
#
# Settings, before the line or on make's command line:
#   XENGNT_SYMVERS  xengnt's Module.symvers, when it is not at its usual place
#   CXX             the C++ compiler, when it is not the C compiler's sister
#   cxxflags-y      flags for this driver's C++ files, -I of its own included

xengnt-include := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))..)

ifneq ($(KERNELRELEASE),)
# --- read by the kernel's build ------------------------------------------------
# In front of the kernel's own include directories: the order decides whose
# <xen/grant_table.h> a driver gets.
NOSTDINC_FLAGS += -I$(xengnt-include)

# Beside the include directory in a checkout, below the kernel's release in a
# package.
XENGNT_SYMVERS ?= $(firstword $(wildcard $(xengnt-include)/../Module.symvers \
	$(xengnt-include)/../$(KERNELRELEASE)/Module.symvers))
ifeq ($(wildcard $(XENGNT_SYMVERS))$(filter %/Makefile.clean,$(MAKEFILE_LIST)),)
$(error no Module.symvers of xengnt: build xengnt first, or set XENGNT_SYMVERS)
endif
KBUILD_EXTRA_SYMBOLS += $(XENGNT_SYMVERS)
# Kbuild does not look at it again by itself: after xengnt has changed, a driver
# would keep the old versions, and not load.
$(obj)/Module.symvers: $(XENGNT_SYMVERS)

include $(xengnt-include)/xengnt/cxx.mk
xengnt-cxx-paths := -I$(xengnt-include)

else
# --- typed by a person ---------------------------------------------------------
KVER ?= $(shell uname -r)
KERNELDIR ?= $(firstword $(wildcard /lib/modules/$(KVER)/build /usr/src/linux-headers-$(KVER)))

.PHONY: modules modules_install clean
modules modules_install clean:
	@test -e "$(KERNELDIR)/Makefile" || { \
		echo "error: no headers of kernel $(KVER): set KVER= or KERNELDIR=" >&2; exit 1; }
	+@$(MAKE) -C $(KERNELDIR) M=$(CURDIR) $@
.DEFAULT_GOAL := modules
endif

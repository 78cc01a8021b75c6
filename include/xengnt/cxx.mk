# SPDX-License-Identifier: GPL-2.0
# The rule that makes NAME.o from NAME.cc, freestanding C++20, in a Kbuild file.
# xengnt itself is built with it; drivers get it from xengnt.mk.
#
#   CXX               the compiler, when it is not the C compiler's sister
#   cxxflags-y        flags for this module's C++ files, -I of its own included
#   xengnt-cxx-paths  -I of the headers for drivers

# The C++ compiler of the same version: its objects are linked with the C ones.
CXX ?= $(or $(shell command -v $(subst gcc,g++,$(lastword $(CC))) 2>/dev/null),g++)

# The kernel's flags for the ABI and the mitigations are kept. What only C knows
# goes, and so do all include paths: kernel headers are not C++. Debug
# information stays out, because the tools that make BTF from it reject C++.
# The language comes without what a module cannot carry: exceptions, run-time
# types, constructors of static objects, functions to be called at exit.
xengnt-cxx-drop := -std=% -Wstrict-prototypes -Wold-style-definition \
	-Wdeclaration-after-statement -Wno-pointer-sign -Wimplicit-% -Werror=implicit-% \
	-Werror=strict-prototypes -Werror=designated-init -Wno-designated-init \
	-Werror=incompatible-pointer-types -Wmissing-prototypes -Wno-format-security \
	-Wno-main -Wno-override-init -Wvla -I% -g -gdwarf-% -fplugin% -Wno-array-bounds -Wno-alloc-size-larger-than
# Atomic operations in place: GCC's functions for them are in a library that is not there.
xengnt-cxx-arch-$(CONFIG_ARM64) := -mno-outline-atomics
xengnt-cxx-flags = -Wp,-MMD,$(depfile) $(filter-out $(xengnt-cxx-drop),$(_c_flags)) \
	$(modkern_cflags) -std=gnu++20 -ffreestanding -fno-exceptions -fno-rtti \
	-fno-threadsafe-statics -fno-use-cxa-atexit -g0 -Wall -Wextra -Werror \
	$(xengnt-cxx-arch-y) $(xengnt-cxx-paths) $(cxxflags-y) $(basename_flags) $(modname_flags)

quiet_cmd_xengnt_cxx_o_cc = CXX $(quiet_modtag) $@
      cmd_xengnt_cxx_o_cc = $(CXX) $(xengnt-cxx-flags) -c -o $@ $< $(cmd_objtool)

$(obj)/%.o: $(src)/%.cc FORCE
	$(call if_changed_dep,xengnt_cxx_o_cc)

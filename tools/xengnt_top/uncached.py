# SPDX-License-Identifier: GPL-2.0
"""Whether an HVM guest's grant table is mapped uncached.

Linux puts it into the memory range of Xen's platform PCI device. The firmware marks
the ranges of devices uncacheable; on Intel's processors Xen overrides that, on AMD's
it cannot: https://lists.xenproject.org/archives/html/xen-devel/2025-05/msg01659.html
"""

import re

RANGE = re.compile(r"^\s*([0-9a-f]+)-([0-9a-f]+) : xen-platform-pci", re.MULTILINE)
REGISTER = re.compile(r"base=0x([0-9a-f]+).*size=\s*(\d+)([KMG])B.*: (\S+)")
UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
VENDORS = ("AuthenticAMD", "HygonGenuine")


def uncached_table(facts):
    """The evidence, or nothing."""
    place = RANGE.search(facts["iomem"])
    if facts["guest_type"] != "HVM" or not place:
        return []
    if not any(vendor in facts["cpuinfo"] for vendor in VENDORS):
        return []
    start, end = int(place[1], 16), int(place[2], 16)
    for line in facts["mtrr"].splitlines():
        register = REGISTER.search(line)
        if not register or register[4] != "uncachable":
            continue
        base = int(register[1], 16)
        if base <= start and end < base + int(register[2]) * UNITS[register[3]]:
            return [f"the platform device's range is {start:#x}-{end:#x} (/proc/iomem)",
                    f"/proc/mtrr: {line.strip()}", "the processor is AMD's or Hygon's"]
    return []

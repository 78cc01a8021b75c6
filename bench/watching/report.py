# SPDX-License-Identifier: GPL-2.0
"""The table of bench/watching/run, from what it left in the given directory."""

import re
import statistics
import sys
from pathlib import Path

ROWS = (  # name in the guest, name natively, what it is
    ("one", "one", "allocate + free one reference"),
    ("grant_end", "grant_end", "grant_foreign_access + try_end"),
    ("list_untouched_32", "list_untouched/32", "list of 32: allocate + free"),
    ("list_32", "list/32", "list of 32, claimed and released"),
    ("claim_release", "claim_release", "claim + release from a private list"),
    ("sequence_16", "seq_empty/16", "sequence of 16"),
)


def instructions(directory):
    found = {}
    for path in directory.glob("callgrind.*"):
        text = path.read_text(encoding="utf-8", errors="replace")
        title = re.search(r"Client Request: (\S+) xengnt (\d+)", text)
        total = re.search(r"^totals: (\d+)", text, re.M)
        if title and total:
            found[title[1]] = int(total[1]) / int(title[2])
    return found


def times(log):
    """{name: ([ns without], [ns with])}"""
    found, track = {}, None
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        switch = re.search(r"tracking: ([01])$", line)
        figures = re.search(r"bench: (\w+) (\d+\.\d+) (\d+\.\d+)$", line)
        if switch:
            track = int(switch[1])
        elif figures and track is not None:
            pair = found.setdefault(figures[1], ([], []))
            pair[track].extend((float(figures[2]), float(figures[3])))
    return found


def main(out):
    bare, traced, both = (instructions(out / "native" / hooks)
                          for hooks in ("NONE", "TRACEPOINTS", "ALL"))
    measured = times(out / "console.log")
    print(f"{'':38} {'instructions, all off':>29} {'':4} {'ns, emulated PV dom0':>25}")
    print(f"{'':38} {'bare':>7} {'tracepoints':>12} {'tracking':>9} {'track=0':>13} {'track=1':>9}")
    for guest, native, what in ROWS:
        off, on = map(statistics.median, measured[guest])
        print(f"{what:38} {bare[native]:7,.0f} {traced[native] - bare[native]:+12,.0f} "
              f"{both[native] - traced[native]:+9,.0f} {off:13,.0f} {on:9,.0f} {on / off:7.1f}x")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

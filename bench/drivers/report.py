#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Prints what tests/guest/run throughput measured: medians, ratios, spread; writes
build/bench/drivers.txt and drivers.json.

Exit status: 0, also when the target is missed; 1 when a figure is missing.
"""

import json
import re
import statistics
import sys
from pathlib import Path

OUT = Path(__file__).resolve().parent.parent.parent / "build" / "bench"
LINE = re.compile(r"throughput: (\w+) (stock|xengnt) (\d+)\s*$")
FAILED = re.compile(r"throughput: (\w+ failed|no disk)")
SETTINGS = re.compile(r"throughput: (\w+) guest, (\d+) MiB at a time, (\d+) times")
TARGET = 1.0
ROWS = (("blkfront_write", "blkfront, written"), ("blkfront_read", "blkfront, read"),
        ("netfront_send", "netfront, sent"), ("netfront_receive", "netfront, received"))


def read(log):
    """({row: {side: [ms, ...]}}, what failed, (kind of guest, MiB that a figure is for))"""
    found, failed, settings = {}, [], ("?", 0)
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        if figure := LINE.search(line):
            row, side, ms = figure.groups()
            found.setdefault(row, {"stock": [], "xengnt": []})[side].append(int(ms))
        elif said := SETTINGS.search(line):
            settings = said[1], int(said[2]) * int(said[3])
        elif FAILED.search(line):
            failed.append(line)
    return found, failed, settings


def ratios(sides):
    """Of each round, and of the medians."""
    each = [stock / xengnt for stock, xengnt in zip(sides["stock"], sides["xengnt"]) if xengnt]
    return each, statistics.median(sides["stock"]) / statistics.median(sides["xengnt"])


def table(found, kind, mib):
    rounds = min((len(times) for sides in found.values() for times in sides.values()), default=0)
    yield (f"{kind.upper()} guest, {mib} MiB in each of {rounds} rounds, medians  "
           f" {'stock':>8} {'xengnt':>8} MiB/s {'ratio':>6} {'target':>7} {'rounds from..to':>18}")
    for row, title in ROWS:
        if row not in found:
            continue
        sides = found[row]
        each, ratio = ratios(sides)
        speeds = [mib * 1000 / statistics.median(sides[side]) for side in ("stock", "xengnt")]
        yield (f"{title:58} {speeds[0]:8.1f} {speeds[1]:8.1f} {'':5} {ratio:6.2f} {f'>= {TARGET:g}':>7}"
               f" {f'{min(each):.2f}..{max(each):.2f}':>18} {'met' if ratio >= TARGET else 'MISSED'}")


def main():
    log = OUT / "drivers.log"
    if not log.exists():
        print(f"report: error: {log} is not there: tests/guest/run throughput makes it", file=sys.stderr)
        return 1
    found, failed, (kind, mib) = read(log)
    # Of each row as many figures of one side as of the other, and some.
    absent = [row for row, _ in ROWS
              if len(counts := {len(times) for times in found.get(row, {"": []}).values()}) != 1
              or 0 in counts]
    for what in failed + [f"not measured: {row}" for row in absent]:
        print(f"report: error: {what}", file=sys.stderr)
    if absent:
        return 1
    text = "\n".join(table(found, kind, mib))
    print(text)
    (OUT / "drivers.txt").write_text(text + "\n", encoding="utf-8")
    (OUT / "drivers.json").write_text(
        json.dumps({"guest": kind, "mib": mib, "ms": found}, indent=1) + "\n", encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

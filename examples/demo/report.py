#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""report.py CONSOLE-LOG: the demo's table.  Each figure is one that the guest,
dom0 or xengnt's counters reported; a missing one is an error, not a zero."""

import re
import sys
from pathlib import Path

from console import read_noise, split, trouble  # of tests/guest, by PYTHONPATH

GUESTS = ("domu-pv", "domu-pvh")
FIGURE = re.compile(r"demo: (\w+) (-?\d+)$")
PAGES = 64
STATES = ("free", "cached", "listed", "claimed", "granted", "deferred")
IN_USE = ("listed", "claimed", "granted", "deferred")
# Loading modules and running a shell costs the kernel's caches some pages (5 to
# 25 seen).  The 64 granted ones would stand out; a single one is not seen here
# but in its page count, which the driver reads.
PAGE_NOISE = 48


class Guest:
    def __init__(self, name, lines):
        self.name = name
        self.figures = {}
        self.wrong = []
        for line in lines:
            found = FIGURE.search(line)
            if found:
                self.figures[found[1]] = int(found[2])
            elif "demo: error" in line or "demo_back: " in line or "demo_front: " in line:
                self.wrong.append(line)

    def get(self, key):
        if key not in self.figures:
            self.figures[key] = 0
            self.wrong.append(f"nobody reported '{key}'")
        return self.figures[key]

    def gain(self, key):
        """How far a total has come since the module was loaded."""
        return self.get(f"end_{key}_total") - self.get(f"start_{key}_total")

    def row(self):
        return {
            "leased": self.get("ended_leased"),
            "granted": self.gain("granted"),
            "mapped": self.get("mapped"),
            "verified": min(self.get("verified"), self.get("answers_verified")),
            "ended": self.get("pages_back_at_once"),
            "deferred": self.gain("deferred"),
            "reclaimed": self.gain("reclaimed"),
        }

    def want(self, what, got, wanted):
        if got != wanted:
            self.wrong.append(f"{what}: {got} and not {wanted}")

    def check_row(self, row):
        for key in ("granted", "mapped", "verified"):
            self.want(key, row[key], PAGES)
        self.want("ended at once", row["ended"], PAGES - 1)
        self.want("deferred", row["deferred"], 1)
        self.want("deferred while dom0 had it mapped", self.get("ended_deferred"), 1)
        self.want("reclaimed", row["reclaimed"], 1)
        self.want("dom0's page unchanged while mapped", self.get("kept_intact"), 1)
        if row["leased"] < PAGES:
            self.wrong.append(f"leased: {row['leased']}, fewer than {PAGES}")

    def check_leaks(self):
        """Lines that say how it is known that nothing leaked."""
        leased = self.get("end_leased")
        idle = self.get("end_free") + self.get("end_cached")
        self.want("references leased but not free", leased - idle, 0)
        for state in IN_USE:
            self.want(f"references left {state}", self.get(f"end_{state}"), 0)
        allocated, freed = self.gain("allocated"), self.gain("freed")
        self.want("references freed", freed, allocated)
        back = self.get("pages_back")
        self.want("pages held by the driver alone", back, PAGES)
        before, after = self.get("settled_pages_before"), self.get("settled_pages_after")
        if before - after >= PAGE_NOISE:
            self.wrong.append(f"the kernel has {before - after} pages fewer than before")
        return (f"references: {allocated} allocated, {freed} freed, 0 in use of {leased} leased",
                f"pages: {back} of {PAGES} granted pages held by their owner alone; "
                f"kernel's count {before} before, {after} after ({after - before:+d}, "
                f"its own caches move up to {PAGE_NOISE})")


def main():
    log = Path(sys.argv[1]).read_bytes().decode("utf-8", errors="replace")
    places = split(log)
    noise_file = Path(__file__).resolve().parent.parent.parent / "tests/guest/known-noise"
    noise = read_noise(noise_file.read_text(encoding="utf-8"))
    guests = [Guest(name, places.get(name, [])) for name in GUESTS]
    rows = [guest.row() for guest in guests]

    print(f"{'guest':10}" + "".join(f"{key:>11}" for key in rows[0]))
    for guest, row in zip(guests, rows):
        guest.check_row(row)
        print(f"{guest.name:10}" + "".join(f"{value:>11}" for value in row.values()))
    print()
    for guest in guests:
        for line in guest.check_leaks():
            print(f"{guest.name:10} {line}")

    wrong = [f"{guest.name}: {line}" for guest in guests for line in guest.wrong]
    for place, lines in places.items():
        wrong += [title for title, _ in trouble(place, lines, noise)]
    print()
    for line in wrong:
        print(f"WRONG  {line}")
    print("something is off, see above" if wrong else "nothing leaked")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: GPL-2.0
"""The rows of the table with their targets, and the figures that bench/run left for them."""

import json
import re
import statistics
from collections import namedtuple

SIDES = ("stock", "xengnt")

# Targets are ratios, kernel / xengnt: without and with mitigations natively, and in a guest.
Row = namedtuple("Row", "key what plain mitigated guest")


def row(key, what, native, guest, mitigated=None):
    return Row(key, what, native, mitigated or native, guest)


ROWS = (
    row("packet", "netfront's cycle: claim + grant, end + release", 1.0, 1.0, mitigated=1.3),
    row("request", "blkfront's request: the same for 11 segments", 1.0, 1.0),
    row("claimed", "grant_ref + end_ref on a claimed reference", 1.0, 1.0),
    row("claim_release", "claim + release from a private list", 1.0, 1.0),
    row("grant_end", "grant_foreign_access + try_end", 1.5, 2.5),
    row("one", "allocate + free one reference", 1.5, 2.0),
    row("ones/256", "256 one by one, then freed", None, None),
    row("list_untouched/32", "list of 32: allocate + free", 5, 3),
    row("list/32", "list of 32, claimed and released shuffled", 1.5, 1.3),
    row("list_untouched/256", "list of 256: allocate + free", 8, 5),
    row("list/256", "list of 256, claimed and released shuffled", 1.5, 1.3),
    row("seq_empty/16", "sequence of 16, empty table", 1.5, 1.2),
    row("seq16_fragmented", "sequence of 16, 30,000 in use, every 2nd free", 1000, 500),
    row("two_cpus", "allocate + free one, 2 CPUs at once", 12, 4),
    row("two_packets", "netfront's cycle, 2 CPUs at once", 1.0, 1.0),
    row("across_cpus", "allocate on one CPU, free on another", 3, None),
    row("longest", "longest critical section", 100, 20),
    row("map_unmap/32", "backend: map + unmap of 32", None, 1.0),
    row("copy/32", "backend: copy of 32", None, 1.0),
    row("page_cache", "backend: page cache, get + put", None, 1.0),
)
GUEST_NAMES = {"ones_256": "ones/256", "list_32": "list/32", "list_256": "list/256",
               "list_untouched_32": "list_untouched/32", "list_untouched_256": "list_untouched/256",
               "sequence_16": "seq_empty/16", "longest_section": "longest",
               "map_unmap_32": "map_unmap/32", "copy_32": "copy/32"}
# Rows that some places do not have.
BACKEND = ("map_unmap/32", "copy/32", "page_cache")  # in a PV dom0 only
NOT_NATIVE = BACKEND
NOT_GUEST = ("across_cpus",)
NOT_COUNTED = ("two_cpus", "two_packets", "across_cpus", "longest", *BACKEND)
NOT_MITIGATED = ("longest",)  # counted in instructions, in the build without

MOST_INSTRUCTIONS = {"packet": 110}
DEFERRED_TARGET_MS = 2000
TAKEN = "taken_"  # before a row's name: "stock" is what a driver sees that is taken over

GUEST_LINE = re.compile(r"(?:(\S+)\| .*)?bench: (\w+) ([\d.]+) ([\d.]+)\s*$")
DEFERRED_LINE = re.compile(r"bench: deferred_(\w+) (\d+) grants (\d+) ms")


def load(path):
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def medians(documents):
    """{("list/32", "stock"): nanoseconds} of Google Benchmark's repetitions, the median of all."""
    values = {}
    for entry in (entry for document in documents if document for entry in document["benchmarks"]):
        if entry["run_type"] != "iteration" or entry.get("error_occurred"):
            continue
        parts = re.sub(r"/(manual_time|iterations:\d+)", "", entry["run_name"]).split("/")
        side = "stock" if "stock" in parts else "xengnt"
        parts.remove(side)
        key = "/".join(parts)
        # The processor's time, which other programs do not lengthen, where there is one thread.
        manual = "manual_time" in entry["run_name"]
        values.setdefault((key, side), []).append(entry["real_time" if manual else "cpu_time"])
        for counter in ("bytes", "bytes_bare", "refs"):
            if counter in entry:
                values.setdefault((key, counter, side), []).append(entry[counter])
    return {key: statistics.median(found) for key, found in values.items()}


def native_results(directory, build):
    """{key: {side: ns}} of the passes over one build: "plain" or "mitigated"."""
    found = medians(load(path) for path in sorted(directory.glob(f"rows-{build}-*.json")))
    results = {row.key: {side: found[row.key, side] for side in SIDES}
               for row in ROWS if all((row.key, side) in found for side in SIDES)}
    sections = load(directory / "sections.json")
    if sections and build == "plain":
        results["longest"] = {side: sections[side]["longest"] for side in SIDES}
    return results


def guest_results(log):
    """({place: {key: {side: ns}}}, {side: {"grants": n, "ms": n}})"""
    places, deferred = {"dom0": {}, "domu-pvh": {}}, {}
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else ():
        figures, late = GUEST_LINE.search(line), DEFERRED_LINE.search(line)
        if figures:
            place, name, stock, xengnt = figures.groups()
            taken = TAKEN if name.startswith(TAKEN) else ""
            name = name.removeprefix(TAKEN)
            places.setdefault(place or "dom0", {})[taken + GUEST_NAMES.get(name, name)] = {
                "stock": float(stock), "xengnt": float(xengnt)}
        elif late:
            deferred[late[1]] = {"grants": int(late[2]), "ms": int(late[3])}
    return places, deferred


def callgrind_results(directory):
    found = {}
    for path in directory.glob("callgrind.*"):
        text = path.read_text(encoding="utf-8", errors="replace")
        title = re.search(r"Client Request: (\S+) (\w+) (\d+)", text)
        total = re.search(r"^totals: (\d+)", text, re.M)
        if title and total:
            key, side, times = title.groups()
            found.setdefault(key, {})[side] = int(total[1]) / int(times)
    return found


def missing(plain, mitigated, places, deferred, counted, sweeps):
    """What was to be measured and was not."""
    def absent(place, results, without):
        return (f"{place}: {row.key}" for row in ROWS
                if row.key not in results and row.key not in without)

    yield from absent("natively", plain, NOT_NATIVE)
    yield from absent("natively with mitigations", mitigated, NOT_NATIVE + NOT_MITIGATED)
    yield from absent("dom0", places["dom0"], NOT_GUEST)
    yield from absent("the PVH guest", places["domu-pvh"], NOT_GUEST + BACKEND)
    yield from absent("callgrind", counted, NOT_COUNTED)
    for side in SIDES:
        if side not in deferred:
            yield f"dom0: deferred grants, {side}"
    if not sweeps:
        yield "natively: the sweeps"

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Prints the table of what bench/run measured, with ratios and targets, and
writes it to build/bench/ as text, Markdown and JSON, and plots as SVG.

Exit status: 0, also when a target is missed; 1 when a figure is missing.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
OUT = TOP / "build" / "bench"

# key, what it is, target natively, target in a guest
ROWS = (
    ("one", "allocate + free one reference", 1.5, 1.8),
    ("ones/256", "256 one by one, then freed", None, None),
    ("grant_end", "grant_foreign_access + try_end", None, 1.8),
    ("list/32", "list of 32, claimed and released shuffled", None, None),
    ("list_untouched/32", "list of 32: allocate + free", 5, 3),
    ("list/256", "list of 256, claimed and released shuffled", None, None),
    ("list_untouched/256", "list of 256: allocate + free", 6, 4),
    ("claim_release", "claim + release from a private list", 0.9, 0.9),
    ("seq_empty/16", "sequence of 16, empty table", 2, 1.5),
    ("seq16_fragmented", "sequence of 16, 30,000 in use, every 2nd free", 300, 100),
    ("two_cpus", "allocate + free on 2 CPUs at once", 12, 3),
    ("longest", "longest critical section", 100, 20),
)
GUEST_NAMES = {"ones_256": "ones/256", "list_32": "list/32", "list_256": "list/256",
               "list_untouched_32": "list_untouched/32", "list_untouched_256": "list_untouched/256",
               "sequence_16": "seq_empty/16", "longest_section": "longest"}
GUEST_LINE = re.compile(r"(?:(\S+)\| .*)?bench: (\w+) ([\d.]+) ([\d.]+)\s*$")
DEFERRED_LINE = re.compile(r"bench: deferred_(\w+) (\d+) grants (\d+) ms")
DEFERRED_TARGET_MS = 2000
TAKEN = "taken_"  # before a row's name: "stock" is what a driver sees that is taken over


def load(name):
    path = OUT / name
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def medians(document):
    """{("list/32", "stock"): nanoseconds} of Google Benchmark's output."""
    found = {}
    for entry in document["benchmarks"] if document else ():
        if entry.get("aggregate_name", "median") != "median":
            continue
        parts = re.sub(r"/(manual_time|iterations:\d+)", "", entry["run_name"]).split("/")
        side = "stock" if "stock" in parts else "xengnt"
        parts.remove(side)
        # The processor's time, which other programs do not lengthen, where there is one thread.
        manual = "manual_time" in entry["run_name"]
        found["/".join(parts), side] = entry["real_time" if manual else "cpu_time"]
        for counter in ("bytes", "bytes_bare", "refs"):
            if counter in entry:
                found["/".join(parts), counter, side] = entry[counter]
    return found


def native_results():
    found = medians(load("rows.json"))
    results = {key: {side: found[key, side] for side in ("stock", "xengnt")}
               for key, *_ in ROWS if (key, "stock") in found and (key, "xengnt") in found}
    sections = load("sections.json")
    if sections:
        results["longest"] = {side: sections[side]["longest"] for side in ("stock", "xengnt")}
    return results


def guest_results():
    """({place: {key: {side: ns}}}, {side: (grants, ms)})"""
    log = OUT / "console.log"
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


def callgrind_results():
    found = {}
    for path in (OUT / "native").glob("callgrind.*"):
        text = path.read_text(encoding="utf-8", errors="replace")
        title = re.search(r"Client Request: (\S+) (\w+) (\d+)", text)
        total = re.search(r"^totals: (\d+)", text, re.M)
        if title and total:
            key, side, times = title.groups()
            found.setdefault(key, {})[side] = int(total[1]) / int(times)
    return found


def show(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def line(title, figures, unit, target):
    ratio = figures["stock"] / figures["xengnt"]
    mark = "" if target is None else "met" if ratio >= target else "MISSED"
    wanted = "-" if target is None else f">= {target:g}"
    return (f"{title:46} {show(figures['stock']):>11} {show(figures['xengnt']):>9} {unit:5}"
            f" {ratio:9.2f} {wanted:>7} {mark}".rstrip())


def section(title, results, unit, targets, longest_unit):
    yield ""
    yield f"{title:46} {'stock':>11} {'xengnt':>9} {'':5} {'ratio':>9} {'target':>7}"
    for key, what, *target in ROWS:
        if key in results:
            yield line(what, results[key], longest_unit if key == "longest" else unit,
                       target[targets] if targets is not None else None)


def taken_section(title, results):
    """The kernel's functions, the same calls taken over, and ours called directly."""
    yield ""
    yield f"{title:46} {'kernel':>11} {'taken over':>11} {'rebuilt':>9} {'':5} {'ratio':>9}"
    for key, what, *_ in ROWS:
        if TAKEN + key in results:
            kernel = results[key]["stock"]
            taken, rebuilt = (results[TAKEN + key][side] for side in ("stock", "xengnt"))
            yield (f"{what:46} {show(kernel):>11} {show(taken):>11} {show(rebuilt):>9} {'ns':5}"
                   f" {kernel / taken:9.2f}")


def deferred_line(deferred):
    ours, stock = deferred["xengnt"], deferred["stock"]
    mark = "met" if ours["ms"] <= DEFERRED_TARGET_MS else "MISSED"
    rate = stock["grants"] * 1000 / stock["ms"]
    return (f"{ours['grants']:,} busy grants, from the unmap to the last page: {ours['ms'] / 1000:.2f} s,"
            f" target <= {DEFERRED_TARGET_MS / 1000:g} s {mark}"
            f" (stock: {stock['grants']} in {stock['ms'] / 1000:.1f} s, {rate:.0f} a second)")


def memory_lines(sweeps):
    per_cpu = (sweeps["cpus_ones/128", "bytes", "xengnt"] -
               sweeps["cpus_ones/1", "bytes", "xengnt"]) / 127
    refs = sweeps["memory/32768", "refs", "xengnt"]
    per_ref = sweeps["memory/32768", "bytes", "xengnt"] / refs
    for what, got, most in (("metadata per leased reference", per_ref, 32),
                            ("a CPU's cache", per_cpu, 4096)):
        yield f"{what}: {got:.1f} bytes, target <= {most} {'met' if got <= most else 'MISSED'}"


def table(native, places, deferred, counted, sweeps):
    yield from section("natively", native, "ns", 0, "instr")
    for place, title in (("dom0", "in a PV dom0"), ("domu-pvh", "in a PVH guest")):
        yield from section(title, places[place], "ns", 1, "ns")
        yield from taken_section(f"{title}, taken over", places[place])
    yield from section("instructions, natively (callgrind)", counted, "instr", None, "instr")
    yield ""
    if "stock" in deferred and "xengnt" in deferred:
        yield deferred_line(deferred)
    if sweeps:
        yield from memory_lines(sweeps)


def markdown(native, places, counted):
    """The same for docs/performance.md: stock / xengnt, ratio, mark."""
    yield "| work | target | natively, ns | instructions | target | PV dom0, ns | PVH guest, ns |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"

    def cell(results, key, target):
        if key not in results:
            return "-"
        figures = results[key]
        ratio = figures["stock"] / figures["xengnt"]
        mark = "" if target is None else " met" if ratio >= target else " **missed**"
        return f"{show(figures['stock'])} / {show(figures['xengnt'])} = {ratio:,.{0 if ratio >= 100 else 2}f}{mark}"

    for key, what, native_target, guest_target in ROWS:
        wanted = [f">= {target:g}" if target else "-" for target in (native_target, guest_target)]
        # The longest section is counted in instructions natively.
        first, second = (("-", cell(native, key, native_target)) if key == "longest" else
                         (cell(native, key, native_target), cell(counted, key, None)))
        yield (f"| {what} | {wanted[0]} | {first} | {second} | {wanted[1]} |"
               f" {cell(places['dom0'], key, guest_target)} |"
               f" {cell(places['domu-pvh'], key, guest_target)} |")


def missing(native, places, deferred, counted, sweeps):
    keys = [key for key, *_ in ROWS]
    for place, results, wanted in (("natively", native, keys), ("dom0", places["dom0"], keys),
                                   ("the PVH guest", places["domu-pvh"], keys),
                                   ("callgrind", counted, [k for k in keys
                                                           if k not in ("two_cpus", "longest")])):
        for key in wanted:
            if key not in results:
                yield f"{place}: {key}"
    for side in ("stock", "xengnt"):
        if side not in deferred:
            yield f"dom0: deferred grants, {side}"
    if not sweeps:
        yield "natively: the sweeps"


# --- plots ------------------------------------------------------------------------

PLOTS = {
    "table-size": ("references in the table", "x", {
        "size_one": "one", "size_list": "list of 32", "size_sequence": "sequence of 16"}),
    "list-length": ("references in the list", "x", {"length_list": "list"}),
    "fragmentation": ("per cent of the table in use, at random", "", {
        "use_list": "list of 32", "use_sequence": "sequence of 16"}),
    "cpu-caches": ("CPU caches", "x", {"cpus_ones": "8 allocated and freed on each CPU in turn"}),
}


def plot(name, sweeps):
    xlabel, logarithmic, curves = PLOTS[name]
    data, drawn = [], []
    for colour, (key, title) in enumerate(curves.items(), 1):
        for side in ("stock", "xengnt"):
            points = sorted((int(where[0].split("/")[1]), value) for where, value in sweeps.items()
                            if len(where) == 2 and where[1] == side
                            and where[0].startswith(key + "/"))
            data.append("\n".join(f"{x} {y}" for x, y in points))
            dash = 2 if side == "stock" else 1
            drawn.append(f"'-' using 1:2 with linespoints lc {colour} dt {dash} pt {dash + 3}"
                         f" title '{title}, {side}'")
    script = ["set terminal svg size 720,440 background 'white'",
              f"set output '{OUT / (name + '.svg')}'",
              f"set xlabel '{xlabel}'", "set ylabel 'nanoseconds per operation'",
              "set key outside bottom center horizontal", "set grid", "set format x '%.0f'",
              f"set logscale {logarithmic} 4" if logarithmic else ""]
    if name == "cpu-caches":
        points = sorted((int(where[0].split("/")[1]), value / 1024)
                        for where, value in sweeps.items()
                        if where[1:] == ("bytes", "xengnt") and where[0].startswith("cpus_ones/"))
        data.append("\n".join(f"{x} {y}" for x, y in points))
        drawn.append("'-' using 1:2 axes x1y2 with linespoints lc 3 dt 3 title 'memory, xengnt (KiB)'")
        script += ["set y2label 'KiB'", "set y2tics", "set ytics nomirror", "set yrange [0:*]",
                   "set y2range [0:*]"]
    else:
        script.append("set logscale y")
    script.append("plot " + ", ".join(drawn))
    script += [points + "\ne" for points in data]
    subprocess.run(["gnuplot"], input="\n".join(script) + "\n", text=True, check=True)


def main():
    native, (places, deferred) = native_results(), guest_results()
    counted, sweeps = callgrind_results(), medians(load("sweeps.json"))
    text = "\n".join(table(native, places, deferred, counted, sweeps)).strip("\n")
    print(text)
    (OUT / "table.txt").write_text(text + "\n", encoding="utf-8")
    (OUT / "table.md").write_text("\n".join(markdown(native, places, counted)) + "\n",
                                  encoding="utf-8")
    everything = {"native_ns": native, "guest_ns": places, "deferred": deferred,
                  "instructions": counted,
                  "sweeps_ns": {"/".join(key): value for key, value in sweeps.items()}}
    (OUT / "results.json").write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")
    for name in PLOTS if sweeps else ():
        plot(name, sweeps)
    print("\nbuild/bench/: table.txt, table.md, results.json" +
          "".join(f", {name}.svg" for name in PLOTS if sweeps))
    absent = list(missing(native, places, deferred, counted, sweeps))
    drivers = OUT / "drivers.txt"  # by bench/drivers/report.py
    if drivers.exists():
        print("\n" + drivers.read_text(encoding="utf-8"), end="")
    else:
        absent.append("the drivers' throughput")
    for what in absent:
        print(f"report: error: not measured: {what}", file=sys.stderr)
    return 1 if absent else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Prints the table of what bench/run measured, with ratios, targets and marks, and
writes it to build/bench/ as text, Markdown and JSON, and plots as SVG. In each part
the rows that miss their target come first.

Exit status: 0, also when a target is missed; 1 when a figure is missing.
"""

import json
import sys
from pathlib import Path

import cachelines
import plots
from rows import (DEFERRED_TARGET_MS, MOST_INSTRUCTIONS, ROWS, TAKEN, callgrind_results,
                  guest_results, load, medians, missing, native_results)

TOP = Path(__file__).resolve().parent.parent
OUT = TOP / "build" / "bench"


def show(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def ratio_of(figures):
    return figures["stock"] / figures["xengnt"]


def mark(figures, target):
    if target is None or figures is None:
        return ""
    return "met" if ratio_of(figures) >= target else "MISSED"


def losses_first(columns):
    """The rows that one of the columns has, the lowest share of their target first.

    `columns` are pairs: {key: figures}, and which member of a row is the target."""
    def share(row):
        shares = [ratio_of(results[row.key]) / getattr(row, target)
                  for results, target in columns
                  if row.key in results and target and getattr(row, target)]
        return min(shares, default=float("inf"))

    rows = [row for row in ROWS if any(row.key in results for results, _ in columns)]
    missed = [row for row in rows if share(row) < 1]
    return sorted(missed, key=share) + [row for row in rows if row not in missed]


def wanted(target):
    return "-" if target is None else f">= {target:,g}"


def cells(figures, target):
    if figures is None:
        return f"{'-':>11} {'-':>9} {'-':>9} {'':6}"
    return (f"{show(figures['stock']):>11} {show(figures['xengnt']):>9} {ratio_of(figures):9,.2f}"
            f" {mark(figures, target):6}")


HEADS = f"{'kernel':>11} {'xengnt':>9} {'ratio':>9} {'':6}"


def native_section(plain, mitigated):
    yield ""
    yield f"{'natively, ns':46} {'':11} {'without mitigations':>36} {'':2} {'with mitigations':>36}"
    yield f"{'':46} {'target':>11} {HEADS} {HEADS}".rstrip()
    for row in losses_first(((plain, "plain"), (mitigated, "mitigated"))):
        target = wanted(row.plain)
        if row.mitigated != row.plain:
            target += f"/{row.mitigated:g}"
        what = row.what + (", instructions" if row.key == "longest" else "")
        yield (f"{what:46} {target:>11} {cells(plain.get(row.key), row.plain)}"
               f" {cells(mitigated.get(row.key), row.mitigated)}").rstrip()


def guest_section(title, results):
    yield ""
    yield f"{title + ', ns':46} {'target':>11} {HEADS}".rstrip()
    for row in losses_first(((results, "guest"),)):
        yield (f"{row.what:46} {wanted(row.guest):>11}"
               f" {cells(results.get(row.key), row.guest)}").rstrip()


def counted_section(results):
    yield ""
    yield f"{'instructions, natively (callgrind)':46} {'target':>11} {HEADS}".rstrip()
    for row in losses_first(((results, None),)):
        most = MOST_INSTRUCTIONS.get(row.key)
        text = f"{row.what:46} {f'<= {most}' if most else '-':>11} {cells(results[row.key], None)}"
        if most:
            text = text.rstrip() + (" met" if results[row.key]["xengnt"] <= most else " MISSED")
        yield text.rstrip()


def taken_section(title, results):
    """The kernel's functions, the same calls taken over, and ours called directly."""
    if not any(TAKEN + row.key in results for row in ROWS):
        return
    yield ""
    yield f"{title:46} {'kernel':>11} {'taken over':>11} {'rebuilt':>9} {'':5} {'ratio':>9}"
    for row in ROWS:
        if TAKEN + row.key in results:
            kernel = results[row.key]["stock"]
            taken, rebuilt = (results[TAKEN + row.key][side] for side in ("stock", "xengnt"))
            yield (f"{row.what:46} {show(kernel):>11} {show(taken):>11} {show(rebuilt):>9} {'ns':5}"
                   f" {kernel / taken:9.2f}")


def deferred_line(deferred):
    ours, stock = deferred["xengnt"], deferred["stock"]
    met = "met" if ours["ms"] <= DEFERRED_TARGET_MS else "MISSED"
    rate = stock["grants"] * 1000 / stock["ms"]
    return (f"{ours['grants']:,} busy grants, from the unmap to the last page: {ours['ms'] / 1000:.2f} s,"
            f" target <= {DEFERRED_TARGET_MS / 1000:g} s {met}"
            f" (stock: {stock['grants']} in {stock['ms'] / 1000:.1f} s, {rate:.0f} a second)")


def memory_lines(sweeps):
    per_cpu = (sweeps["cpus_ones/128", "bytes", "xengnt"] -
               sweeps["cpus_ones/1", "bytes", "xengnt"]) / 127
    refs = sweeps["memory/32768", "refs", "xengnt"]
    per_ref = sweeps["memory/32768", "bytes", "xengnt"] / refs
    for what, got, most in (("metadata per leased reference", per_ref, 32),
                            ("a CPU's cache", per_cpu, 4096)):
        yield f"{what}: {got:.1f} bytes, target <= {most} {'met' if got <= most else 'MISSED'}"


def table(plain, mitigated, places, deferred, counted, sweeps, moves):
    yield from native_section(plain, mitigated)
    for place, title in (("dom0", "in a PV dom0"), ("domu-pvh", "in a PVH guest")):
        yield from guest_section(title, places[place])
        yield from taken_section(f"{title}, taken over", places[place])
    yield from counted_section(counted)
    yield ""
    if "stock" in deferred and "xengnt" in deferred:
        yield deferred_line(deferred)
    if sweeps:
        yield from memory_lines(sweeps)
    if moves:
        locked = cachelines.locked(moves, "packet")
        yield (f"netfront's cycle: {locked:g} locked operations, target <= 1"
               f" {'met' if locked <= 1 else 'MISSED'}")
        yield ""
        yield from cachelines.table(moves)


def markdown(plain, mitigated, places, counted, moves):
    """The same for docs/performance.md: kernel / xengnt = ratio, mark."""
    yield ("| work | target | natively, ns | with mitigations, ns | instructions | target |"
           " PV dom0, ns | PVH guest, ns |")
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"

    def cell(results, key, target):
        if key not in results:
            return "-"
        figures = results[key]
        ratio = ratio_of(figures)
        met = mark(figures, target).replace("MISSED", "**missed**")
        return (f"{show(figures['stock'])} / {show(figures['xengnt'])} ="
                f" {ratio:,.{0 if ratio >= 100 else 2}f} {met}".rstrip())

    dom0, pvh = places["dom0"], places["domu-pvh"]
    for row in losses_first(((plain, "plain"), (mitigated, "mitigated"), (dom0, "guest"),
                             (pvh, "guest"))):
        native = wanted(row.plain)
        if row.mitigated != row.plain:
            native += f", with mitigations {wanted(row.mitigated)}"
        # The longest section is counted in instructions natively.
        first, count = cell(plain, row.key, row.plain), cell(counted, row.key, None)
        if row.key == "longest":
            first, count = "-", first
        yield (f"| {row.what} | {native} | {first} | {cell(mitigated, row.key, row.mitigated)} |"
               f" {count} | {wanted(row.guest)} | {cell(dom0, row.key, row.guest)} |"
               f" {cell(pvh, row.key, row.guest)} |")
    if moves:
        yield ""
        yield from cachelines.markdown(moves)


def main():
    plain, mitigated = (native_results(OUT, build) for build in ("plain", "mitigated"))
    places, deferred = guest_results(OUT / "console.log")
    counted = callgrind_results(OUT / "native")
    sweeps = medians([load(OUT / "sweeps.json")])
    moves = load(OUT / "cachelines.json")
    text = "\n".join(table(plain, mitigated, places, deferred, counted, sweeps, moves)).strip("\n")
    print(text)
    (OUT / "table.txt").write_text(text + "\n", encoding="utf-8")
    (OUT / "table.md").write_text("\n".join(markdown(plain, mitigated, places, counted, moves)) + "\n",
                                  encoding="utf-8")
    everything = {"native_ns": plain, "native_mitigated_ns": mitigated, "guest_ns": places,
                  "deferred": deferred, "instructions": counted, "cache_lines": moves,
                  "sweeps_ns": {"/".join(key): value for key, value in sweeps.items()}}
    (OUT / "results.json").write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")
    drawn = list(plots.PLOTS) if sweeps else []
    for name in drawn:
        plots.plot(name, sweeps, OUT)
    if moves:
        cachelines.plot(moves, OUT)
        drawn.append("cache-lines")
    print("\nbuild/bench/: table.txt, table.md, results.json" +
          "".join(f", {name}.svg" for name in drawn))
    absent = list(missing(plain, mitigated, places, deferred, counted, sweeps))
    if not moves:
        absent.append("natively: the cache lines that move")
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

# SPDX-License-Identifier: GPL-2.0
"""A report as lines of text."""

import textwrap
import time

from .report import as_count

NOW_KEYS = ("free", "cached", "listed", "claimed", "granted", "deferred")
RATE_HEADS = {"allocated": "ALLOC/S", "freed": "FREE/S", "granted": "GRANT/S", "ended": "END/S",
              "deferred": "DEFER/S", "reclaimed": "RECLAIM/S"}
NO_LIMIT = 0xFFFFFFFF


def cell(value):
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.1f}" if value < 1000 else f"{value:.0f}"
    return str(value)


def limit_cell(value):
    return "none" if value in (None, NO_LIMIT) else cell(value)


def pool_name(row):
    return row["name"] if row.get("used", 1) else f"{row['name']} (destroyed)"


def table(heads, rows):
    """The first column to the left, the others to the right, at least nine wide."""
    cells = [list(heads)] + [[cell(value) for value in row] for row in rows]
    widths = [max(9, *(len(row[i]) for row in cells)) for i in range(len(cells[0]))]
    for row in cells:
        yield "  ".join(text.ljust(width) if i == 0 else text.rjust(width)
                        for i, (text, width) in enumerate(zip(row, widths))).rstrip()


TABLE_KEYS = {"TABLE": "references_max", "USED": "used", "KERNEL": "kernel_used", "FREE": "free",
              "K.FREE": "kernel_free", "TO GROW": "growable", "LEFT": "headroom"}
LITTLE = 10  # percent


def headroom_lines(stats):
    """The table as a whole; nothing from a module that does not tell."""
    left, of = stats.get("table_headroom"), stats.get("table_references_max")
    if not of:
        return
    if left * 100 < of * LITTLE:
        yield (f"LITTLE LEFT  {left} of {of} references, {cell(stats.get('table_frames_now'))} of "
               f"{cell(stats.get('table_frames_max'))} frames: xengnt-top --doctor")
    yield from table(TABLE_KEYS, [[stats.get(f"table_{key}") for key in TABLE_KEYS.values()]])


def report_lines(report):
    stats, rates = report["stats"], report["rates"]
    clock = time.strftime("%H:%M:%S", time.localtime(report["time"]))
    limit = stats.get("lease_limit")
    lease = f"{cell(stats.get('leased'))} leased" + (f" of {limit}" if limit else "")
    yield f"xengnt-top {clock}  {lease}, {cell(stats.get('waiting'))} waiting"
    yield from headroom_lines(stats)
    yield from table([key.upper() for key in NOW_KEYS], [[stats.get(key) for key in NOW_KEYS]])
    yield from table(RATE_HEADS.values(), [[rates[key] for key in RATE_HEADS]])
    errors = [f"{key} {value}" for key, value in report["errors"].items() if as_count(value)]
    if as_count(stats.get("enospc_total")):
        errors.insert(0, f"out of references {stats['enospc_total']}")
    if errors:
        yield ""
        yield from textwrap.wrap("FAILED CALLS  " + ", ".join(errors), 79, subsequent_indent="  ")
    if report["pools"]:
        yield ""
        yield from table(
            ("POOL", "HELD", "RESERVE", "LIMIT", "ALLOC/S", "FREE/S"),
            [(pool_name(row), row.get("held"), row.get("reserve"), limit_cell(row.get("limit")),
              row["allocated_per_s"], row["freed_per_s"]) for row in report["pools"]])
    if report["domains"]:
        yield ""
        yield from table(
            ("DOMAIN", "GRANTED", "DEFERRED", "OLDEST", "DEFERRED/S", "RECLAIMED/S"),
            [(str(row["domid"]), row["granted"], row["deferred"], f"{row['oldest_s']} s", row["deferred_per_s"],
              row["reclaimed_per_s"]) for row in report["domains"]])
    if report["missing"]:
        yield ""
        yield f"this module has no file {', '.join(report['missing'])}: that part is not shown"

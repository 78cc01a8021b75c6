# SPDX-License-Identifier: GPL-2.0
"""The table and the plot of what bench/native/cachelines counted: cache lines that
one CPU had to fetch from another, for each operation, against the number of CPUs."""

import subprocess

SIDES = ("stock", "xengnt")
NOTHING, LIST = 0.005, 1 / 16  # at most so many; the first is printed as 0.00

# key, what it is, goal: at most so many lines
ROWS = (
    ("one", "allocate + free one", NOTHING),
    ("ones/8", "8 one by one, then freed; each", NOTHING),
    ("grant_end", "grant_foreign_access + try_end", NOTHING),
    ("packet", "netfront's cycle", NOTHING),
    ("request", "blkfront's request", NOTHING),
    ("claimed", "grant + end, claimed one by one", NOTHING),
    ("list_untouched", "list of 32, each member", LIST),
    ("list", "list of 32, claimed and released; each", LIST),
    ("ones/256", "256 one by one, then freed; each", None),
    ("across_cpus", "allocate here, free on another CPU", None),
    ("deferred", "deferred end, with its worker", None),
    ("dealt_out", "grant + end, neighbours on other CPUs", None),
    ("mix/packet", "in the mix: netfront's cycle", NOTHING),
    ("mix/request", "in the mix: blkfront's request", NOTHING),
    ("mix/one", "in the mix: allocate + free one", NOTHING),
    ("mix/grant_end", "in the mix: grant + try_end", NOTHING),
    ("mix/claimed", "in the mix: grant + end, claimed", NOTHING),
    ("mix/list_untouched", "in the mix: list, each member", LIST),
    ("mix/list", "in the mix: list, touched; each", LIST),
    ("mix/deferred", "in the mix: deferred end", None),
)


def per_operation(moves):
    """{(key, side): {cpus: lines}}"""
    found = {}
    for row in moves["rows"]:
        found.setdefault((row["row"], row["side"]), {})[row["cpus"]] = row["transfers"]
    return found


def locked(moves, key):
    """Locked operations of ours, on one CPU."""
    return next(row["locked"] for row in moves["rows"]
                if (row["row"], row["side"], row["cpus"]) == (key, "xengnt", 1))


def mark(lines, goal):
    if goal is None:
        return ""
    return "met" if max(lines.values()) <= goal else "MISSED"


def wanted(goal):
    return "-" if goal is None else "0" if goal == NOTHING else "<= 1/16"


def losses_first(found):
    missed = [row for row in ROWS if mark(found[row[0], "xengnt"], row[2]) == "MISSED"]
    return missed + [row for row in ROWS if row not in missed]


def table(moves):
    found = per_operation(moves)
    cpus = sorted(found[ROWS[0][0], "stock"])
    yield f"{'cache lines that move, per operation; CPUs:':46} {'goal':>7} {'':7}" + "".join(
        f"{n:>7}" for n in cpus)
    for key, what, goal in losses_first(found):
        for side in SIDES:
            lines = found[key, side]
            head = f"{what:46} {wanted(goal):>7}" if side == "stock" else f"{'':46} {'':7}"
            end = f" {mark(lines, goal)}" if side == "xengnt" else ""
            name = "kernel" if side == "stock" else side
            yield (f"{head} {name:>7}" + "".join(f"{lines[n]:7.2f}" for n in cpus) + end).rstrip()


def markdown(moves):
    found = per_operation(moves)
    cpus = sorted(found[ROWS[0][0], "stock"])
    yield "| work | goal | " + " | ".join(f"{n} CPUs" if n > 1 else "1 CPU" for n in cpus) + " |"
    yield "| --- | --- |" + " --- |" * len(cpus)
    for key, what, goal in losses_first(found):
        met = mark(found[key, "xengnt"], goal).replace("MISSED", "**missed**")
        pairs = (f"{found[key, 'stock'][n]:.2f} / {found[key, 'xengnt'][n]:.2f}" for n in cpus)
        yield f"| {what} | {wanted(goal)} {met}".rstrip() + " | " + " | ".join(pairs) + " |"


PLOTTED = (("one", "allocate + free one"), ("packet", "netfront's cycle"),
           ("list", "list, each member"), ("mix/one", "one, in the mix"),
           ("mix/packet", "netfront's cycle, in the mix"), ("deferred", "deferred end"))


def plot(moves, directory):
    found = per_operation(moves)
    data, drawn = [], []
    for colour, (key, title) in enumerate(PLOTTED, 1):
        for side in SIDES:
            data.append("\n".join(f"{n} {lines}" for n, lines in sorted(found[key, side].items())))
            dash = 2 if side == "stock" else 1
            name = "kernel" if side == "stock" else side
            drawn.append(f"'-' using 1:2 with linespoints lc {colour} dt {dash} pt {dash + 3}"
                         f" title \"{title}, {name}\"")
    script = ["set terminal svg size 960,480 background 'white'",
              f"set output '{directory / 'cache-lines.svg'}'",
              "set xlabel 'CPUs'", "set logscale x 2",
              "set ylabel 'cache lines that move, per operation'",
              "set key outside right top vertical", "set grid", "set yrange [0:*]",
              "plot " + ", ".join(drawn)]
    script += [points + "\ne" for points in data]
    subprocess.run(["gnuplot"], input="\n".join(script) + "\n", text=True, check=True)

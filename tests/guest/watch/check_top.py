# SPDX-License-Identifier: GPL-2.0
"""Run beside selftest_watch: what xengnt-top says against the counters, read
right before and right after it; then a picture of it on a terminal."""

import json
import os
import pty
import select
import subprocess
import sys
import time

from vt100 import Terminal

DEBUG = "/sys/kernel/debug/xengnt/"
TOTALS = ("allocated", "freed", "granted", "ended", "deferred", "reclaimed")
STATES = ("free", "cached", "listed", "claimed", "granted", "deferred")
KEPT = 3  # ends that selftest_watch keeps deferred
ROUND = 20  # references that it grants at a time
results = []


def check(name, good, detail=""):
    results.append(good)
    if not good:
        print(f"# {detail}")
    print(f"{'ok' if good else 'not ok'} {len(results)} {name}", flush=True)


def read_stats():
    with open(DEBUG + "stats", encoding="ascii") as file:
        return {key: int(value) for key, value in (line.split() for line in file)}


def read_lines(name):
    with open(DEBUG + name, encoding="ascii") as file:
        return file.read().splitlines()


def check_report():
    begun, before = time.monotonic(), read_stats()
    run = subprocess.run(["xengnt-top", "--once", "--json", "--interval", "2"],
                         stdout=subprocess.PIPE, check=False)
    after, seconds = read_stats(), time.monotonic() - begun
    check("it ends well", run.returncode == 0, f"status {run.returncode}")
    report = json.loads(run.stdout)

    for key in before:
        if key.endswith("_total"):
            low, shown, high = before[key], report["stats"].get(key), after[key]
            if not (shown is not None and low <= shown <= high):
                check("each total lies between two readings", False, f"{key}: {low} {shown} {high}")
                break
    else:
        check("each total lies between two readings", True)

    # What it saw in its interval is at most what there was in ours, and most of that
    # when ours is not much longer.
    interval = report["interval_s"]
    for key in TOTALS:
        seen = report["rates"][key] * interval
        grown = after[f"{key}_total"] - before[f"{key}_total"]
        least = grown * interval / seconds / 3
        check(f"the rate of {key}", 0 < least <= seen <= grown + 1,
              f"{seen:.1f} in {interval} s, the counter grew by {grown} in {seconds:.1f} s")
    states = sum(report["stats"][key] for key in STATES)
    check("the states add up to what is leased, but for what changed while they were read",
          abs(states - report["stats"]["leased"]) <= ROUND, str(report["stats"]))
    check("no key is missing", set(before) == set(report["stats"]), str(report["stats"]))

    pools = {row["name"]: row for row in report["pools"]}
    pool = pools.get("selftest_watch", {})
    check("its pools are those of the file",
          sorted(pools) == sorted(line.split()[1] for line in read_lines("pools")), str(pools))
    check("the driver's pool allocates and frees, and holds what is deferred",
          pool.get("allocated_per_s", 0) > 10 and pool["freed_per_s"] > 10 and
          pool["held"] >= KEPT, str(pool))
    domains = {row["domid"]: row for row in report["domains"]}
    deferred = len(read_lines("deferred"))
    check("the domain that keeps pages is shown with them",
          abs(domains.get(0, {}).get("deferred", 0) - deferred) <= 1 and deferred >= KEPT and
          domains[0]["oldest_s"] > 0, f"{domains}, the file has {deferred}")
    check("errors are those of the file",
          [f"{key} {value}" for key, value in report["errors"].items()] == read_lines("errors"),
          str(report["errors"]))


def read_for(terminal, seconds):
    text, end = b"", time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([terminal], [], [], left)[0]:
            try:
                text += os.read(terminal, 65536)
            except OSError:
                break
    return text.decode()


def check_picture():
    os.environ.update(TERM="vt100", COLUMNS="80", LINES="24")
    child, terminal = pty.fork()
    if not child:
        os.execvp("xengnt-top", ["xengnt-top", "--interval", "1"])
    screen, clocks, rates = Terminal(), set(), ["0"]
    for _ in range(30):
        screen.feed(read_for(terminal, 1))
        clocks.add(screen.lines()[0].split("  ")[0])
        rows = [line.split() for line in screen.lines()]
        rates = next((below for row, below in zip(rows, rows[1:]) if row[:1] == ["ALLOC/S"]), ["0"])
        if len(clocks) > 3 and "-" not in rates:
            break
    os.write(terminal, b"q")
    read_for(terminal, 2)
    status = os.waitpid(child, 0)[1]
    check("a terminal shows a new picture each second", len(clocks) > 3, f"{clocks}")
    check("with rates that are not 0", len(rates) == 6 and "-" not in rates and
          min(map(float, rates)) > 0, str(rates))
    check("with the pool and the domain",
          any(row[:1] == ["selftest_watch"] for row in rows) and
          any(row[:1] == ["DOMAIN"] for row in rows), str(rows))
    check("with the table as a whole", any(row[:2] == ["TABLE", "USED"] for row in rows), str(rows))
    check("q ends it", status == 0, f"status {status}")
    for line in rows:
        print("# " + "  ".join(line))


print("KTAP version 1\n1..19", flush=True)
time.sleep(3)  # so that what is deferred has an age
check_report()
check_picture()
sys.exit(0)

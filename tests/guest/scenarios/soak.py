# SPDX-License-Identifier: GPL-2.0
"""Lets guests be paused, killed and destroyed with their pages mapped, xengnt be
loaded and unloaded, processors come and go, for a while; nothing may be missing
at the end.

Not a part of make check: it takes SOAK_MINUTES (15).  The parts are in
tests/guest/soak.  Logs: build/soak/.
"""

import argparse
import os
import re
import shutil
import subprocess
from pathlib import Path

import runner
from drivers import overlay

TOP = Path(__file__).resolve().parents[3]
TESTS = TOP / "tests" / "guest"
SOAK = TESTS / "soak"
OUT = TOP / "build" / "soak"
MODULES = TOP / "build" / "modules"
PARTS = ("life", "cycles", "hotplug")
# What the last life may take that begins before the time is over, and the end.
SPARE_SECONDS = 1200
GUEST = re.compile(r"@@ starting guest (\S+) ")
LIFE = re.compile(r"@@ suite (life-\d+-\w+) begins$")


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("parts", nargs="*", metavar="PART", choices=[[], *PARTS],
                        help=f"what to begin with, of {', '.join(PARTS)}; all when not given")
    parser.add_argument("--minutes", type=float, default=os.environ.get("SOAK_MINUTES", "15"),
                        help="guests live and die until then (default: SOAK_MINUTES, or 15)")
    return parser.parse_args()


def add_mapper(tree):
    (tree / "bin").mkdir(exist_ok=True)
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static",
                    "-o", tree / "bin" / "mapper", SOAK / "mapper.c"], check=True)


def build_job(args, parts):
    shutil.rmtree(OUT, ignore_errors=True)
    dom0, domu = OUT / "dom0", OUT / "domu"
    both = [TOP / "xengnt.ko", MODULES / "soak" / "grants_many.ko",
            *(TESTS / "modules" / f"{name}.ko" for name in ("count_pages", "count_refs"))]
    job = runner.add_job(OUT, SOAK / "dom0.sh",
                         [SOAK / f"{name}.sh" for name in (*PARTS, "end")])
    for name in ("early", "can.sh", "guests.sh"):
        shutil.copy(SOAK / name, job)
    (job / "settings").write_text(f"SOAK_PARTS='{' '.join(parts)}'\n"
                                  f"SOAK_SECONDS={args.minutes * 60:.0f}\n", encoding="ascii")
    runner.add_modules(dom0, [*both, MODULES / "echo" / "echo_back.ko",
                              MODULES / "hostile" / "hostile_back.ko"])
    overlay.add_stock_drivers(dom0, ("xen-gntdev", "xen-gntalloc"))
    add_mapper(dom0)
    shutil.copy(TOP / "examples" / "echo" / "echo-attach", dom0 / "bin")

    job = runner.add_job(domu, SOAK / "domu.sh",
                         [TESTS / "suites" / "both" / "10-load-unload.sh"])
    shutil.copy(SOAK / "can.sh", job)
    runner.add_modules(domu, [*both, MODULES / "echo" / "echo_front.ko",
                              MODULES / "hostile" / "hostile_front.ko",
                              MODULES / "soak" / "churn.ko"])
    add_mapper(domu)
    return dom0, domu


def expected_suites(dom0_lines, parts):
    """The parts, every life that began, and of guests those that were started:
    dom0 counts what they do, but for the suite of the guest of the cycles."""
    lives = [found[1] for line in dom0_lines if (found := LIFE.search(line))]
    planned = [name for part in parts
               for name in (["life-1-pv", "life-2-pvh"] if part == "life" else [part])]
    guests = {found[1]: () for line in dom0_lines if (found := GUEST.search(line))}
    if "cycles" in parts:
        guests["cycles"] = ("10-load-unload",)
    return {"dom0": list(dict.fromkeys([*planned, *lives, "end"])), **guests}


def main():
    args = options()
    parts = args.parts or list(PARTS)
    subprocess.run([TOP / "scripts/build-clients", "examples/echo", "tests/guest/hostile",
                    "tests/guest/soak"], check=True)
    subprocess.run([TOP / "scripts/build-clients", "test-modules"], check=True)
    dom0, domu = build_job(args, parts)
    status = runner.boot(OUT, dom0, "--domu-overlay", domu,
                         "--deadline", args.minutes * 60 + SPARE_SECONDS)
    if status == 2:
        return 2
    places = runner.read_places(OUT / "console.log")
    expected = expected_suites(places.get("dom0", []), parts)
    return runner.finish(OUT, runner.judge(OUT, places, expected, status))

# SPDX-License-Identifier: GPL-2.0
"""Saves and restores guests of each kind, again and again, and migrates them, while the
echo example runs in them.

A guest is TYPE:HOW,HOW...: pv, pvh or hvm, -v2 behind it for a version 2 table; and what
is done to it, one after the other: save (and restore), migrate (from here to here), downgrade
or upgrade (save, and restore where the toolstack forbids version 2, or allows it again).
-fewer or -other behind that, and nothing else: saved with references in more frames than
its table may have after the restore, or restored with a table of the other version.
HVM guests have a boot of their own.  A dom0 that keeps a guest's image needs 2 GiB.
Logs: build/check-restore/.
"""

import argparse
import shutil
import subprocess
from pathlib import Path

import runner
from ktap import Report

TOP = Path(__file__).resolve().parents[3]
TESTS = TOP / "tests" / "guest"
OUT = TOP / "build" / "check-restore"
MODULES = TOP / "build" / "modules"
MANY = "save,save,save,save,save"
# A PV guest is not migrated while it runs: Debian's Xen has no shadow paging.
GUESTS = (f"pv:{MANY}", f"pvh:{MANY},migrate", "pv-v2:save,downgrade", "pv:upgrade", "pvh-v2:save",
          "hvm:save,migrate", "hvm-v2:save", "pv-fewer", "pvh-fewer", "pv-other",
          "pv-v2-other", "pvh-other")
SUITES = {"fewer": "20-fewer-frames", "other": "30-other-version",
          "pvh-other": "40-other-version-translated"}
SHORT = ("pv:save", "pvh:save", "pv-fewer", "pv-other", "pvh-other")


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("guests", nargs="*", metavar="TYPE:HOW,HOW...",
                        help=f"default: {' '.join(GUESTS)}")
    parser.add_argument("--short", action="store_true", help=f"a part of make check: {SHORT}")
    return parser.parse_args()


def boot(out, guests, *more):
    """The verdict on one boot of Xen with these guests; None when there was none."""
    shutil.rmtree(out, ignore_errors=True)
    dom0, domu = out / "dom0", out / "domu"
    job = runner.add_job(out, TESTS / "restore" / "dom0.sh")
    (job / "guests").write_text("".join(guest.replace(":", " ").replace(",", " ") + "\n"
                                        for guest in guests), encoding="ascii")
    runner.add_modules(dom0, [TOP / "xengnt.ko", MODULES / "echo" / "echo_back.ko",
                              TESTS / "modules" / "peer_maps.ko"])
    runner.add_job(domu, TESTS / "restore" / "domu.sh", sorted((TESTS / "restore").glob("[0-9]*.sh")))
    runner.add_modules(domu, [TOP / "xengnt.ko", MODULES / "echo" / "echo_front.ko",
                              MODULES / "echo-cxx" / "echo_front_cxx.ko",
                              TESTS / "modules" / "selftest_notice.ko",
                              TESTS / "modules" / "hold_refs.ko"])
    (dom0 / "bin").mkdir()
    shutil.copy(TOP / "examples" / "echo" / "echo-attach", dom0 / "bin")
    status = runner.boot(out, dom0, "--domu-overlay", domu, "--deadline", 1800, *more)
    if status == 2:
        return None
    places = runner.read_places(out / "console.log")
    kinds = [guest.partition(":")[0] for guest in guests]
    suites = {f"domu-{kind}": (SUITES.get(kind) or SUITES.get(kind.rpartition("-")[2], "10-restore"),)
              for kind in kinds}
    return runner.judge(out, places, {"dom0": (), **suites}, status)


def main():
    args = options()
    guests = SHORT if args.short else args.guests or GUESTS
    subprocess.run([TOP / "scripts" / "build-clients", "examples", "test-modules"], check=True)
    total = Report()
    for out, more in ((OUT, ("--memory", 4096, "--dom0-mem", 2048)), (OUT / "hvm", ("--hvm",))):
        there = [guest for guest in guests if guest.startswith("hvm") == (out != OUT)]
        report = boot(out, there, *more) if there else Report()
        if not report:
            return 2
        total.add(report)
    return runner.finish(OUT, total)

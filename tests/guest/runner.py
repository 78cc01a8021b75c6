# SPDX-License-Identifier: GPL-2.0
"""What the scripts share that boot Xen for tests: the roots of dom0 and of its
guests, the boot, the verdict."""

import os
import shutil
import subprocess
from pathlib import Path

from console import read_noise, split
from ktap import Report
from verdict import judge_place

TESTS = Path(__file__).resolve().parent
TOP = TESTS.parent.parent
STRIP = "aarch64-linux-gnu-strip" if "-arm64" in os.environ.get("KVER", "") else "strip"

BOOT_TROUBLE = {
    1: "dom0's job failed",
    3: "the machine stopped before the end of dom0's job",
    124: "the deadline passed",
}


def add_job(tree, run, suites=()):
    """A root's /job: what is run there, and its suites."""
    job = tree / "job"
    (job / "suites").mkdir(parents=True)
    shutil.copy(run, job / "run")
    (job / "run").chmod(0o755)
    for path in suites:
        shutil.copy(path, job / "suites")
    return job


def find_modules(top, extra=()):
    """{name: path}: the project's module, test modules, example drivers, the benchmark."""
    places = [top / "tests" / "guest" / "modules", top / "tests" / "guest" / "takeover",
              *(top / "build" / name for name in ("modules", "demo", "bench/guest"))]
    paths = [path for place in places for path in sorted(place.rglob("*.ko"))]
    paths += sorted(top.glob("*.ko"))
    paths += [path for place in extra for path in sorted(place.glob("*.ko"))]
    return {path.name: path for path in paths}


def add_modules(tree, paths):
    """A root's /modules. Debug information is most of a module, and of no use in there."""
    (tree / "modules").mkdir(parents=True)
    for path in paths:
        subprocess.run([STRIP, "--strip-debug", "-o", tree / "modules" / path.name, path],
                       check=True)


def boot(out, dom0, *options):
    """Boots with dom0's root and OUT/job; the console goes to OUT/console.log."""
    # A console of an earlier boot must not be judged in place of this one's.
    (out / "console.log").unlink(missing_ok=True)
    # setpriv: the boot ends with us, however we end.
    return subprocess.run(["setpriv", "--pdeathsig", "TERM", TOP / "scripts/xen/boot-xen",
                           "--job", out / "job", "--overlay", dom0, "--log", out / "console.log",
                           *map(str, options)], check=False).returncode


def read_places(log):
    """{"dom0": its lines, "xen": ..., each guest: ...}"""
    return split(log.read_bytes().decode("utf-8", errors="replace"))


def show(place, suite, report):
    verdict = "FAILED" if report.failures else "ok"
    counts = f"{report.passed} passed"
    if report.failures:
        counts += f", {len(report.failures)} failed"
    if report.skipped:
        counts += f", {report.skipped} skipped"
    print(f"{place + ' ' + suite:40} {verdict:6} {counts}")
    for title, context in report.failures:
        print(f"    {title}")
        for line in context:
            print(f"        | {line}")


def judge(out, places, expected, status=0, known=()):
    """Holds each place to the names of suites that are expected there, Xen to none.
    Files of noise that is known besides the usual: known."""
    noise = [regex for path in (TESTS / "known-noise", *known)
             for regex in read_noise(path.read_text(encoding="utf-8"))]
    total = Report()
    for place, suites in {**expected, "xen": ()}.items():
        lines = places.get(place, [])
        (out / f"{place}.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
        for suite, report in judge_place(place, lines, suites, noise):
            show(place, suite, report)
            total.add(report)
    if status:
        machine = Report()
        machine.fail(BOOT_TROUBLE.get(status, f"boot-xen ended with status {status}"))
        show("machine", "boot", machine)
        total.add(machine)
    return total


def finish(out, total):
    """The last lines, and the script's status."""
    print(f"consoles: {os.path.relpath(out, TOP)}/")
    skipped = f", {total.skipped} skipped" if total.skipped else ""
    print(f"{total.passed} passed, {len(total.failures)} failed{skipped}")
    return 1 if total.failures or not total.passed else 0

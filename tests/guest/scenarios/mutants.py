# SPDX-License-Identifier: GPL-2.0
"""Would the guest tests notice?  Changes the shims, src/linux, in one place at a time.

Each change of tests/guest/mutants/list is built as a module of its own. A guest is
started with it, a few in each boot of Xen, and runs the suites that have to notice;
one with the unchanged module comes first, and must pass. A change that no suite
notices is explained in the list, or a test is missing.

Not a part of make check. Logs: build/shim-mutants/.
"""

import argparse
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import runner
from console import read_noise
from verdict import judge_place

TOP = Path(__file__).resolve().parents[3]
TESTS = TOP / "tests" / "guest"
LIST = TESTS / "mutants" / "list"
LIST_NAME = LIST.relative_to(TOP)
OUT = TOP / "build" / "shim-mutants"
TREE = OUT / "tree"
LEAST = 20
PLACES = ("both", "domu", "takeover")
GUEST_SECONDS = 400
KEYS = {"file", "in", "old", "new", "guest", "suites", "why", "survives"}


def fail(text):
    sys.exit(f"mutants: error: {text}")


@dataclass
class Mutant:
    number: int
    file: str
    begin: str
    old: str
    new: str
    guest: str
    suites: list
    why: str
    survives: str

    def __str__(self):
        return f"{self.number} {self.file}: {self.why}"

    def applied(self, text):
        """The file with the change. It must be clear which place is meant, also after
        the file has changed."""
        at = text.find(self.begin)
        if at < 0:
            fail(f"{LIST_NAME}: {self.file} has no '{self.begin}' any more: correct 'in'")
        at = text.find(self.old, at)
        end = text.find("\n}\n", text.find(self.begin))
        if at < 0 or (self.begin.endswith("(") and at > end):
            fail(f"{LIST_NAME}: {self.file} has no '{self.old}' in '{self.begin}' any more: "
                 "correct 'old', or give the change another place")
        return text[:at] + self.new + text[at + len(self.old):]


def suite_names(wanted):
    """The suites of guests with these numbers or names."""
    names = []
    for name in wanted:
        found = [path.stem for place in PLACES
                 for path in (TESTS / "suites" / place).glob(f"{name}*.sh")
                 if path.stem == name or path.stem.startswith(f"{name}-")]
        if len(found) != 1:
            fail(f"{LIST_NAME}: there is not one suite {name}: {found or 'none'}")
        names += found
    return names


def read_list():
    mutants = []
    text = "\n".join(line for line in LIST.read_text(encoding="utf-8").splitlines()
                     if not line.startswith("#"))
    for block in filter(None, (block.strip() for block in text.split("\n\n"))):
        entry = dict(line.split(": ", 1) for line in block.splitlines())
        if set(entry) - KEYS or not {"file", "old", "new", "suites", "why"} <= set(entry):
            fail(f"{LIST_NAME}: not a change: {block}")
        mutants.append(Mutant(len(mutants) + 1, entry["file"], entry.get("in", ""), entry["old"],
                              entry["new"], entry.get("guest", "pv"),
                              suite_names(entry["suites"].split(", ")), entry["why"],
                              entry.get("survives", "")))
    return mutants


def run(log, *command, cwd=TOP):
    with open(OUT / log, "w", encoding="utf-8") as out:
        if subprocess.run(command, cwd=cwd, stdout=out, stderr=subprocess.STDOUT,
                          check=False).returncode:
            fail(f"{' '.join(map(str, command))} failed, see {OUT / log}")


def build_module(name):
    run(f"{name}.build.log", "make", "module", cwd=TREE)
    (OUT / "modules").mkdir(exist_ok=True)
    subprocess.run([runner.STRIP, "--strip-debug", "-o", OUT / "modules" / f"{name}.ko",
                    TREE / "xengnt.ko"], check=True)


def build(mutants):
    """The unchanged module as 0.ko, every mutant by its number."""
    subprocess.run(["bash", "-c", '. scripts/lib.sh; copy_tree "$1"', "bash", TREE], cwd=TOP,
                   check=True)
    build_module("0")
    for mutant in mutants:
        path = TREE / "src" / "linux" / mutant.file
        text = path.read_text(encoding="utf-8")
        path.write_text(mutant.applied(text), encoding="utf-8")
        print(f"building {mutant}", flush=True)
        build_module(str(mutant.number))
        path.write_text(text, encoding="utf-8")


def boot(name, mutants):
    """Boots with a guest for each mutant; {number: lines of its console}."""
    out = OUT / name
    shutil.rmtree(out, ignore_errors=True)
    dom0, domu = out / "dom0", out / "domu"
    lines = "".join(f"{mutant.number} {mutant.guest} {' '.join(mutant.suites)}\n"
                    for mutant in mutants)
    job = runner.add_job(out, TESTS / "mutants" / "dom0.sh")
    (job / "settings").write_text(f"GUEST_SECONDS={GUEST_SECONDS}\n", encoding="ascii")
    guest_job = runner.add_job(domu, TESTS / "mutants" / "domu.sh",
                               [path for place in PLACES
                                for path in (TESTS / "suites" / place).glob("*.sh")])
    for place in (job, guest_job):
        (place / "mutants").write_text(lines, encoding="ascii")
    shutil.copytree(TESTS / "peers", job / "peers")
    modules = runner.find_modules(TOP)
    for tree in (dom0, domu):
        runner.add_modules(tree, modules.values())
    (domu / "mutants").mkdir()
    for mutant in mutants:
        shutil.copy(OUT / "modules" / f"{mutant.number}.ko", domu / "mutants")
    (dom0 / "usr" / "bin").mkdir(parents=True)
    shutil.copy(TOP / "examples" / "echo" / "echo-attach", dom0 / "usr" / "bin")
    # Taking over patches functions that other CPUs are running.
    more = ["--one-thread"] if any("takeover" in name for mutant in mutants
                                   for name in mutant.suites) else []
    status = runner.boot(out, dom0, "--domu-overlay", domu, "--deadline",
                         200 + (GUEST_SECONDS + 60) * len(mutants), *more)
    if status:
        print(f"boot {name} ended with status {status}, see {out}/console.log")
    places = runner.read_places(out / "console.log")
    return {mutant.number: places.get(f"mutant-{mutant.number}", []) for mutant in mutants}


def first_failure(mutant, lines, noise):
    """What the tests said first; "" when nothing, None when the guest did not get that far."""
    if not any(f"@@ suite {mutant.suites[0]} begins" in line for line in lines):
        return None
    for suite, report in judge_place(f"mutant-{mutant.number}", lines, mutant.suites, noise):
        if report.failures:
            return f"{suite}: {report.failures[0][0]}"
    return ""


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("numbers", nargs="*", type=int, help="changes of the list; all by default")
    parser.add_argument("--per-boot", type=int, default=8, metavar="N",
                        help="guests in one boot of Xen (default: %(default)s)")
    parser.add_argument("--list", action="store_true", help="only name them")
    parser.add_argument("--build", action="store_true", help="only build them")
    parser.add_argument("--built", action="store_true",
                        help="take what an earlier --build of this same source has built")
    return parser.parse_args()


def main():
    args = options()
    mutants = read_list()
    for mutant in mutants:
        mutant.applied((TOP / "src" / "linux" / mutant.file).read_text(encoding="utf-8"))
    if args.numbers:
        mutants = [mutant for mutant in mutants if mutant.number in args.numbers]
    untouched = {path.name for path in (TOP / "src" / "linux").glob("*.c")} - {
        mutant.file for mutant in mutants}
    if not args.numbers and (untouched or len(mutants) < LEAST):
        print(f"{LIST_NAME}: {len(mutants)} changes, of {LEAST} at least; "
              f"write one for each of these files: {sorted(untouched) or 'none'}")
        # A list that is behind the source is still a list that fits it.
        if not args.list:
            return 1
    if args.list or not mutants:
        print(*mutants, sep="\n")
        return 0
    os.nice(10)
    OUT.mkdir(parents=True, exist_ok=True)
    if not args.built:
        build(mutants)
    if args.build:
        return 0
    suites = sorted({suite for mutant in mutants for suite in mutant.suites})
    unchanged = Mutant(0, "-", "", "", "", "pv", suites, "unchanged", "")
    noise = read_noise((TESTS / "known-noise").read_text(encoding="utf-8"))
    caught, survived, unknown = [], [], []
    todo = [unchanged, *mutants]
    for at in range(0, len(todo), args.per_boot):
        batch = todo[at:at + args.per_boot]
        consoles = boot(f"boot-{at // args.per_boot + 1}", batch)
        for mutant in batch:
            found = first_failure(mutant, consoles[mutant.number], noise)
            if mutant is unchanged and found != "":
                fail(f"the unchanged module does not pass: {found or 'no guest came up'}")
            if mutant is unchanged:
                continue
            kind = unknown if found is None else caught if found else survived
            kind.append(mutant)
            print(f"{mutant}\n    " + ("NOT RUN: the guest did not come up" if found is None else
                                        f"caught by {found}" if found else
                                        f"survived: {mutant.survives or 'NOT EXPLAINED'}"),
                  flush=True)
    explained = [mutant for mutant in survived if mutant.survives]
    for mutant in caught:
        if mutant.survives:
            print(f"{mutant}: is caught, so its 'survives' in {LIST_NAME} is not true any more")
    print(f"{len(caught) + len(survived)} mutants, {len(caught)} caught, {len(survived)} survived"
          f" ({len(explained)} explained){f', {len(unknown)} not run' if unknown else ''}")
    bad = len(explained) < len(survived) or unknown or any(m.survives for m in caught)
    return 1 if bad else 0

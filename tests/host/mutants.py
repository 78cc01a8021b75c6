#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Would the host tests notice?  Changes the core in one place at a time.

Each mutant is src/core with one operator, constant, statement, barrier, lock or
order of stores changed.  It is compiled, linked with test programs that were
built before, and run until the first test fails; a test that takes far too long
counts as failed.  What does not compile, or compiles to the same object, is no
mutant.  A survivor is either listed with its reason in tests/host/mutants.list
or is a test that is missing.

  tests/host/mutants.py [--count N] [--seed N] [--only TEXT] [--jobs N] [--list]
"""
import argparse
import collections
import concurrent.futures
import hashlib
import os
import pathlib
import queue
import resource
import shutil
import subprocess
import sys
import threading

import mutations

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = TOP / "build/host/mutants"
EXPLAINED = TOP / "tests/host/mutants.list"
LEAST = 200
TARGET = 95.0
COMPILE = ["g++", "-O1", "-w", "-g0", "-std=gnu++20", "-ffreestanding", "-fno-exceptions",
           "-fno-rtti", "-fno-threadsafe-statics", "-fno-use-cxa-atexit", "-c",
           # What UBSan reports in make check-host.
           "-fsanitize=bounds,shift", "-fsanitize-undefined-trap-on-error"]
# What scripts/check-host static does: which lock guards what.
ANALYSE = ["clang++", "-std=gnu++20", "-ffreestanding", "-fno-exceptions", "-fno-rtti",
           "-Wthread-safety", "-Wthread-safety-beta", "-Werror", "-fsyntax-only"]
HANGS_AFTER = 6  # seconds
STEPS_HEADER = TOP / "tests/host/steps/atomic_steps.hh"


class Test:
    """One run of a test program, with its baseline's time."""

    def __init__(self, name, program, version, **environment):
        self.name, self.program = name, program
        self.environment = dict(os.environ, XENGNT_TABLE_VERSION=str(version),
                                XENGNT_ONE_PROCESS="1", **environment)
        self.cpu_limit = 200  # seconds of processor time
        self.kinds = None  # of mutants that it is run for: all

    def passes(self, binary):
        """Whether it ends well; one that uses no processor time for a while hangs."""
        with subprocess.Popen(["prlimit", f"--cpu={self.cpu_limit}", binary, "--gtest_fail_fast",
                               "--gtest_brief=1"], env=self.environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as child:
            used = None
            while True:
                try:
                    return child.wait(timeout=HANGS_AFTER) == 0
                except subprocess.TimeoutExpired:
                    before, used = used, used_by(child.pid)
                    if used == before:
                        child.kill()
                        return False


# The quick ones first: most mutants do not get far. What threads can see beyond steps is what
# happens within one step.
TESTS = [
    Test("unit", "unit-tests", 1),
    Test("unit, version 2", "unit-tests", 2),
    Test("random", "random-tests", 1, XENGNT_STEPS="200000"),
    Test("random, version 2", "random-tests", 2, XENGNT_STEPS="200000"),
    Test("steps", "step-tests", 1, XENGNT_SCHEDULES="2000"),
    Test("steps, version 2", "step-tests", 2, XENGNT_SCHEDULES="2000"),
    Test("threads", "thread-tests", 1),
]
TESTS[-1].kinds = {"lock", "barrier", "order", "ordering"}


def used_by(pid):
    """The processor time of a process, in ticks."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def fail(message):
    sys.exit(f"mutants: error: {message}")


def call(log, *command):
    with open(BUILD / log, "w", encoding="utf-8") as out:
        if subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, check=False).returncode:
            fail(f"{command[0]} failed, see {BUILD / log}")


def build_tests():
    """Builds the test programs once; all but the core is then one object for each."""
    BUILD.mkdir(parents=True, exist_ok=True)
    if not (BUILD / "build.ninja").exists():
        call("configure.log", "cmake", "-G", "Ninja", "-S", TOP / "tests/host", "-B", BUILD,
             "-DXENGNT_CONFIG=mutants", "-DCMAKE_CXX_COMPILER=g++")
    call("build.log", "ninja", "-C", BUILD)
    for program in {test.program for test in TESTS}:
        objects = sorted((BUILD / f"CMakeFiles/{program}.dir").rglob("*.o"))
        call(f"{program}-rest.log", "ld", "-r", "-o", BUILD / f"{program}.rest.o", *objects)


def compile_core(source, output, steps):
    extra = ["-include", STEPS_HEADER] if steps else []
    return subprocess.run([*COMPILE, *extra, "-o", output, source / "core/unity.cc"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False).returncode == 0


def locks_are_held(source):
    return subprocess.run([*ANALYSE, source / "core/unity.cc"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False).returncode == 0


def link(program, core, output):
    return subprocess.run(["g++", "-o", output, core, BUILD / f"{program}.rest.o",
                           BUILD / "libsim.a", "-lgtest_main", "-lgtest", "-lrapidcheck", "-lpthread"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False).returncode == 0


class Place:
    """A copy of the sources to change, and room for what is made of them."""

    def __init__(self, number):
        self.root = BUILD / f"place{number}"
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(TOP / "src", self.root / "src",
                        ignore=shutil.ignore_patterns("linux", "*.o", ".*"))
        self.binaries = {}

    def object(self, steps):
        """The core's object, or None when it does not compile."""
        output = self.root / ("steps.o" if steps else "core.o")
        return output if compile_core(self.root / "src", output, steps) else None

    def caught_by(self, kind):
        """The first test that fails, "nothing", or None when this is no mutant."""
        self.binaries = {}
        if kind == "lock" and not locks_are_held(self.root / "src"):
            return "the analysis of locks"
        for test in TESTS:
            if test.kinds and kind not in test.kinds:
                continue
            binary = self.binaries.get(test.program)
            if not binary:
                core = self.object(test.program == "step-tests")
                binary = self.root / test.program
                if not core or not link(test.program, core, binary):
                    return None
                self.binaries[test.program] = binary
            if not test.passes(binary):
                return test.name
        return "nothing"

    def judge(self, mutation, original):
        path = self.root / "src/core" / mutation.file
        text = path.read_text(encoding="utf-8")
        path.write_text(mutation.applied(text), encoding="utf-8")
        try:
            core = self.object(False)
            if not core or core.read_bytes() == original:
                return None
            return self.caught_by(mutation.kind)
        finally:
            path.write_text(text, encoding="utf-8")


def used_by_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(place):
    """The unchanged core must pass; how long that takes bounds the mutants."""
    if not locks_are_held(place.root / "src"):
        fail("the unchanged core does not pass the analysis of locks")
    for test in TESTS:
        core = place.object(test.program == "step-tests")
        binary = place.root / test.program
        if not core or not link(test.program, core, binary):
            fail("the unchanged core does not build this way")
        used = used_by_children()
        if not test.passes(binary):
            fail(f"the unchanged core does not pass: {test.name}")
        test.cpu_limit = 1 + int(0.8 + 2.5 * (used_by_children() - used))


def read_explained():
    """The reasons by (file, change); a change is "old => new" as printed."""
    reasons = {}
    if EXPLAINED.exists():
        for line in EXPLAINED.read_text(encoding="utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                parts = [part.strip() for part in line.split(" ## ")]
                if len(parts) != 3 or not all(parts):
                    fail(f"{EXPLAINED.name}: not 'file ## old => new ## reason': {line}")
                reasons[parts[0], parts[1]] = parts[2]
    return reasons


def run(mutants, count, jobs):
    """Judges mutants until `count` were real ones: (mutation, by what) each."""
    places = queue.Queue()
    for number in range(jobs):
        places.put(Place(number))
    first = places.get()
    measure(first)
    original = first.object(False).read_bytes()
    places.put(first)
    done, skipped, lock, enough = [], 0, threading.Lock(), threading.Event()

    def one(mutation):
        nonlocal skipped
        if enough.is_set():
            return
        place = places.get()
        try:
            by = place.judge(mutation, original)
        finally:
            places.put(place)
        with lock:
            if by is None:
                skipped += 1
            elif not enough.is_set():
                done.append((mutation, by))
                mark = "SURVIVED" if by == "nothing" else f"caught by {by}"
                print(f"[{len(done)}] {mutation}: {mark}", flush=True)
                if count and len(done) >= count:
                    enough.set()

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for result in [pool.submit(one, mutation) for mutation in mutants]:
            result.result()
    print(f"skipped: {skipped} that do not compile or change nothing in the object")
    return done


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=220, help="mutants to judge; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="those with this in 'file:line: change'")
    parser.add_argument("--list", action="store_true", help="only name them")
    arguments = parser.parse_args()

    every = mutations.find(TOP / "src/core")
    known = {mutation.key() for mutation in every}
    explained = read_explained()
    stale = [key for key in explained if key not in known]
    if stale:
        fail(f"{EXPLAINED.name} explains what is no longer there: {stale[0][0]}: {stale[0][1]}")
    chosen = [mutation for mutation in every if arguments.only in str(mutation)]
    # The same ones come first, wherever others come and go.
    chosen.sort(key=lambda mutation: hashlib.sha256(
        f"{arguments.seed}{mutation.key()}".encode()).digest())
    if arguments.list:
        print(*chosen, sep="\n")
        return 0

    os.nice(10)
    print(f"seed {arguments.seed}: {len(chosen)} places to change in src/core", flush=True)
    build_tests()
    done = run(chosen, arguments.count, arguments.jobs)

    survived = [mutation for mutation, by in done if by == "nothing"]
    unexplained = [mutation for mutation in survived if mutation.key() not in explained]
    files = collections.Counter(mutation.file for mutation, _ in done)
    print("by file:", ", ".join(f"{name} {number}" for name, number in sorted(files.items())))
    print("caught by:", ", ".join(
        f"{name} {number}" for name, number in
        collections.Counter(by for _, by in done if by != "nothing").most_common()))
    for mutation in survived:
        reason = explained.get(mutation.key(), "NOT EXPLAINED")
        print(f"survived: {mutation} ({mutation.kind})\n{mutation.diff()}  reason: {reason}")
    caught = len(done) - len(survived)
    print(f"{len(done)} mutants, {caught} caught, {len(survived)} survived"
          f" ({len(survived) - len(unexplained)} explained)")
    if unexplained:
        print("Write a test that notices, or give the reason in tests/host/mutants.list.")
    few = not arguments.only and len(done) < LEAST
    return 1 if unexplained or few or caught * 100 < TARGET * len(done) else 0


if __name__ == "__main__":
    sys.exit(main())

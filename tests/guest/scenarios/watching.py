# SPDX-License-Identifier: GPL-2.0
"""Watches xengnt in dom0 with the tools that the manual pages name: xengnt-top
against the counters, then every line of their EXAMPLES, as it stands there,
with trace-cmd, perf, bpftrace and jq.

Not a part of make check: the tools are a quarter of a GiB.
Logs: build/check-watching/.

    tests/guest/run watching --record   only xengnt-top; renews tests/tools/samples/guest
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import runner

TOP = Path(__file__).resolve().parents[3]
TESTS = TOP / "tests" / "guest"
OUT = TOP / "build" / "check-watching"


PACKAGES = ("trace-cmd", "linux-perf", "bpftrace", "jq", "python3-minimal", "libpython3-stdlib",
            "busybox-static", "man-db", "groff",
            "ncurses-base")
PROGRAMS = ("/usr/bin/trace-cmd", "/usr/bin/perf", "/usr/bin/bpftrace", "/usr/bin/jq",
            "/usr/bin/python3", "/bin/busybox")
APPLETS = ("sh", "sleep", "grep", "cat")
UNUSED = ("test", "idlelib", "lib2to3", "ensurepip", "tkinter", "turtledemo", "pydoc_data",
          "dist-packages", "__pycache__", "config-*")
SUITES = ("10-top", "15-record", "20-lines")
RECORDED = TOP / "tests" / "tools" / "samples" / "guest"
PYTHON = ("python3-minimal", "libpython3-stdlib", "busybox-static", "ncurses-base")


def documented_lines():
    """The commands of the manual pages' EXAMPLES, as man shows them."""
    lines = []
    for page in ("xengnt.4", "xengnt-top.8"):
        text = subprocess.run(["man", "-E", "ascii", "-l", TOP / "docs" / "man" / page], text=True,
                              stdout=subprocess.PIPE, check=True,
                              env={**os.environ, "MANWIDTH": "500", "LC_ALL": "C.UTF-8",
                                   "MAN_KEEP_FORMATTING": ""}).stdout
        section = re.search(r"^EXAMPLES\n(.*?)^\S", text, re.DOTALL | re.MULTILINE)[1]
        lines += [line.strip() for line in section.splitlines()
                  if line.strip() and not line.rstrip().endswith("?")]
    return lines


def libraries(path):
    listed = subprocess.run(["ldd", path], text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, check=False).stdout
    return re.findall(r"(/\S+) \(0x", listed)


def put(root, path):
    """A file of this machine, at the same place in the root."""
    target = root / str(path).lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        shutil.copy(path, target)


def tools_root(root, programs):
    python = Path("/usr/bin/python3").resolve().name
    for program in programs:
        put(root, program)
        for library in libraries(program):
            put(root, library)
    shutil.copytree(f"/usr/lib/{python}", root / "usr" / "lib" / python,
                    ignore=shutil.ignore_patterns(*UNUSED))
    for extension in (root / "usr" / "lib" / python).rglob("*.so"):
        for library in libraries(extension):
            put(root, library)
    (root / "bin").mkdir(exist_ok=True)
    for applet in APPLETS:
        (root / "bin" / applet).symlink_to("busybox")
    shutil.copy(TOP / "tools" / "xengnt-top", root / "usr" / "bin")
    shutil.copytree(TOP / "tools" / "xengnt_top", root / "usr" / "share" / "xengnt-top" / "xengnt_top",
                    ignore=shutil.ignore_patterns("__pycache__"))
    put(root, "/lib/terminfo/v/vt100")
    put(root, "/bin/dmesg")
    for library in libraries("/bin/dmesg"):
        put(root, library)
    shutil.copy(TESTS / "watch" / "check_top.py", root)
    shutil.copy(TOP / "tests" / "tools" / "vt100.py", root)


def dom0_tree(programs, suites):
    dom0 = OUT / "dom0"
    tools_root(dom0 / "watch", programs)
    runner.add_modules(dom0, [TOP / "xengnt.ko", *(TESTS / "modules" / f"{name}.ko" for name in
                                                    ("selftest_watch", "count_refs", "count_pages"))])
    job = runner.add_job(OUT, TESTS / "watch" / "dom0.sh",
                         [TESTS / "watch" / f"{suite}.sh" for suite in suites])
    if "20-lines" in suites:
        (job / "lines").write_text("".join(f"{line}\n" for line in documented_lines()),
                                   encoding="ascii")
    return dom0


def save_recording(lines):
    """The files that suite 15-record has printed."""
    files = {}
    for line in lines:
        match = re.search(r"# RECORDED (?:recording/)?([^:]+):(.*)$", line)
        if match:
            files.setdefault(match[1], []).append(match[2])
    if not files:
        return
    shutil.rmtree(RECORDED, ignore_errors=True)
    for path, text in files.items():
        target = RECORDED / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("".join(f"{line}\n" for line in text), encoding="utf-8")
    print(f"{len(files)} files of the guest are in {RECORDED.relative_to(TOP)}")


def main():
    recording = sys.argv[1:] == ["--record"]
    suites = SUITES[:2] if recording else SUITES
    subprocess.run([TOP / "scripts/debian/need", *(PYTHON if recording else PACKAGES)], check=True)
    subprocess.run([TOP / "scripts/build-clients", "test-modules"], check=True)
    shutil.rmtree(OUT, ignore_errors=True)
    dom0 = dom0_tree(PROGRAMS[-2:] if recording else PROGRAMS, suites)
    status = runner.boot(OUT, dom0, "--memory", 4096, "--dom0-mem", 2048, "--deadline", 900)
    if status == 2:
        return 2
    shutil.rmtree(dom0)
    places = runner.read_places(OUT / "console.log")
    if recording:
        save_recording(places.get("dom0", []))
    return runner.finish(OUT, runner.judge(OUT, places, {"dom0": suites}, status))

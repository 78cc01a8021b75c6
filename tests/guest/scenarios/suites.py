# SPDX-License-Identifier: GPL-2.0
"""Runs the test suites of tests/guest/suites in dom0 and in guests, in one
boot of Xen, and holds what they print to their plans.

A suite is a shell script tests/guest/suites/{dom0,domu,both}/NN-name.sh; the
modules it loads are /modules/NAME.ko there.
"""

import argparse
import fcntl
import shutil
import subprocess
import sys
from pathlib import Path

import runner

TOP = Path(__file__).resolve().parents[3]
TESTS = TOP / "tests" / "guest"


# Debug kernels: what to add to their command lines. They are slow, and emulated.
PATIENT_ARGS = "watchdog_thresh=30 rcupdate.rcu_cpu_stall_timeout=60"
DEBUG_ARGS = {
    "locking": f"slub_debug=FZP page_poison=1 {PATIENT_ARGS}",
    "kasan": f"kasan_multi_shot {PATIENT_ARGS}",
    "kcsan": PATIENT_ARGS,
}
KNOWN_REPORTS = TOP / "tests" / "debug-kernel" / "known-reports"


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("suites", nargs="*", help="parts of names of suites, dom0/ or domu/ before "
                                                  "them for there alone; all when not given")
    parser.add_argument("--guests", default="pv,pvh", metavar="KINDS",
                        help="pv, pvh or hvm each, -v2 behind it for a version 2 table, -fN for "
                             "one of N frames; '' for dom0 alone (default: %(default)s)")
    parser.add_argument("--only-guests", action="store_true", help="no suites in dom0")
    parser.add_argument("--takeover", action="store_true",
                        help="the suites of takeover, in place of all others")
    parser.add_argument("--xen-args", default="", help="added to Xen's command line")
    parser.add_argument("--out", type=Path, default=TOP / "build" / "check-guest", metavar="DIR",
                        help="for logs and consoles (default: build/check-guest)")
    parser.add_argument("--deadline", type=float, default=1800, metavar="SECONDS")
    parser.add_argument("--guest-seconds", type=int, default=900, metavar="SECONDS",
                        help="how long one guest may take (default: %(default)s)")
    parser.add_argument("--modules", action="append", type=Path, default=[], metavar="DIR",
                        help="take modules from here too, before those of the project")
    parser.add_argument("--debug", choices=DEBUG_ARGS, metavar="KIND",
                        help="the kernel is that of scripts/debian/build-debug-kernel KIND: also run "
                             "tests/guest/suites/debug, with more memory and more patience")
    parser.add_argument("--guest-tree", type=Path, metavar="DIR",
                        help="guests run the kernel that this copy of the project was built for, "
                             "and its modules")
    parser.add_argument("--judge", type=Path, metavar="LOG",
                        help="boot nothing, judge the console log of an earlier run")
    return parser.parse_args()


def find_suites(where, args):
    parts = [part.removeprefix(f"{where}/") for part in args.suites]
    places = ("takeover", f"takeover-{where}") if args.takeover else ("both", where)
    scripts = [path for place in places
               for path in (TESTS / "suites" / place).glob("*.sh")
               if not parts or any(part in path.stem for part in parts)]
    if args.debug:
        scripts += (TESTS / "suites" / "debug").glob("*.sh")
    return sorted(scripts, key=lambda path: path.name)


def add_job(tree, script, suites, settings):
    """The place's job; its suites of the nineties wait until all else is over."""
    job = runner.add_job(tree, TESTS / "jobs" / script, suites)
    (job / "last").mkdir()
    for path in (job / "suites").glob("9*.sh"):
        path.rename(job / "last" / path.name)
    (job / "settings").write_text(settings, encoding="ascii")
    return job


def release_of(tree):
    """The kernel that the tree's modules are for."""
    magic = subprocess.run(["modinfo", "-F", "vermagic", tree / "xengnt.ko"], check=True,
                           text=True, stdout=subprocess.PIPE).stdout
    return magic.split()[0]


def settings_for(args, guests):
    """What the jobs are told, as shell assignments."""
    lines = [f"GUESTS_WANTED='{' '.join(guests)}'", f"GUEST_SECONDS={args.guest_seconds}"]
    if args.debug:
        lines += [f"export DEBUG_KERNEL={args.debug} SUITE_SECONDS=1800 PATIENCE=6",
                  f"GUEST_MEMORY=512 GUEST_ARGS='{DEBUG_ARGS[args.debug]}'"]
    return "".join(f"{line}\n" for line in lines)


def build_job(args, guests, suites):
    dom0, domu = args.out / "dom0", args.out / "domu"
    subprocess.run([TOP / "scripts/build-clients", "demo"], check=True)
    modules = runner.find_modules(TOP, args.modules)
    settings = settings_for(args, guests)
    for tree in (dom0, domu):
        shutil.rmtree(tree, ignore_errors=True)
    job = add_job(args.out, "check-dom0.sh", suites["dom0"], settings)
    add_job(domu, "check-domu.sh", suites["domu"], settings)
    runner.add_modules(dom0, modules.values())
    if args.guest_tree:
        modules = runner.find_modules(args.guest_tree.resolve(), args.modules)
    runner.add_modules(domu, modules.values())
    shutil.copytree(TESTS / "peers", job / "peers")
    (dom0 / "usr" / "bin").mkdir(parents=True)
    shutil.copy(TOP / "build" / "demo" / "demo_back", dom0 / "usr" / "bin")
    shutil.copy(TOP / "examples" / "echo" / "echo-attach", dom0 / "usr" / "bin")
    shutil.copytree(TOP / "examples" / "demo", domu / "demo")
    return dom0, domu


def wait_for_turn(out):
    """One run at a time in a directory: the logs have fixed names."""
    lock = open(out / "lock", "w", encoding="ascii")  # held until we exit
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"another run is using {out}: waiting for its end", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def boot(args, guests, dom0, domu):
    more = ["--hvm"] if any(guest.startswith("hvm") for guest in guests) else []
    # Taking over patches functions that other CPUs are running. QEMU with one thread for
    # all CPUs gets that right; PVH and HVM guests crash in it while they boot, but have
    # one CPU, which cannot run what it patches.
    if args.takeover and not any(guest.startswith(("pvh", "hvm")) for guest in guests):
        more += ["--one-thread"]
    if args.guest_tree:
        more += ["--guest-kernel", release_of(args.guest_tree)]
    if args.debug:
        more += ["--memory", "4096", "--dom0-mem", "1536"]
        if not args.guest_tree:
            more += ["--dom0-args", DEBUG_ARGS[args.debug]]
    return runner.boot(args.out, dom0, "--domu-overlay", domu, "--xen-args", args.xen_args,
                       "--deadline", args.deadline, *more)


def main():
    args = options()
    guests = [guest for guest in args.guests.split(",") if guest]
    suites = {where: find_suites(where, args) for where in ("dom0", "domu")}
    if args.only_guests:
        suites["dom0"] = []
    if not any(suites.values()):
        print("suites: error: no suite has such a name", file=sys.stderr)
        return 2
    args.out = args.out.resolve()
    args.out.mkdir(parents=True, exist_ok=True)
    lock = wait_for_turn(args.out)
    log, status = args.judge, 0
    if not log:
        log = args.out / "console.log"
        shutil.rmtree(args.out / "job", ignore_errors=True)
        status = boot(args, guests, *build_job(args, guests, suites))
        if status == 2:
            return 2
    names = {where: [path.stem for path in paths] for where, paths in suites.items()}
    total = runner.judge(args.out, runner.read_places(log),
                         {"dom0": names["dom0"],
                          **{f"domu-{guest}": names["domu"] for guest in guests}}, status,
                         [KNOWN_REPORTS] if args.debug else ())
    lock.close()
    return runner.finish(args.out, total)

# SPDX-License-Identifier: GPL-2.0
"""Runs the kernel's own drivers on xengnt, in dom0 and in guests, in one boot
of Xen: what scripts/debian/build-stock-drivers has built, with --drivers rebound
what scripts/debian/rebind-stock-drivers has made of Debian's binaries, or with
--drivers taken-over these binaries as they are.

The tests are in tests/guest/drivers.  Logs: build/check-drivers/,
build/check-rebound/ or build/check-taken-over/.
"""

import argparse
import shutil
from pathlib import Path

import runner
from drivers import overlay

TOP = Path(__file__).resolve().parents[3]
GUEST_TESTS = TOP / "tests" / "guest"
TESTS = GUEST_TESTS / "drivers"
OUT = TOP / "build" / "check-drivers"


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("suites", nargs="*", help="parts of names of suites; all when not given")
    parser.add_argument("--drivers", choices=("rebuilt", "rebound", "taken-over"), default="rebuilt",
                        help="how they came onto xengnt (default: %(default)s)")
    parser.add_argument("--guests", default="pv,pvh", metavar="TYPES",
                        help="pv, pvh, or '' for dom0 alone (default: %(default)s)")
    parser.add_argument("--net-mib", type=int, default=64, metavar="MIB",
                        help="what goes over the network each way (default: %(default)s)")
    parser.add_argument("--vchan-mib", type=int, default=16, metavar="MIB",
                        help="what goes over libxenvchan each way (default: %(default)s)")
    parser.add_argument("--deadline", type=float, default=2400, metavar="SECONDS")
    parser.add_argument("--guest-seconds", type=int, default=900, metavar="SECONDS")
    return parser.parse_args()


def find_suites(where, wanted=()):
    scripts = sorted((TESTS / "suites" / where).glob("*.sh"))
    return [path for path in scripts if not wanted or any(part in path.stem for part in wanted)]


def domu_suites(args):
    more = find_suites(args.drivers, args.suites) if args.drivers != "rebuilt" else []
    suites = find_suites("domu", args.suites)
    if args.drivers == "taken-over":
        # One driver on xengnt and one not: there is no such thing when all are taken over.
        suites = [path for path in suites if path.stem != "50-mixing"]
    return [*more, *suites]


def copy_suites(suites, target):
    target.mkdir(parents=True)
    for path in suites:
        shutil.copy(path, target)


def build_job(args):
    dom0, domu, job = OUT / "dom0", OUT / "domu", OUT / "job"
    for tree in (dom0, domu, job):
        shutil.rmtree(tree, ignore_errors=True)
    for tree in (dom0, domu):
        if args.drivers == "rebound":
            overlay.add_drivers(tree, overlay.add_rebound_drivers)
        elif args.drivers == "taken-over":
            overlay.add_drivers(tree, overlay.add_debian_drivers)
            (tree / "etc").mkdir(exist_ok=True)
            (tree / "etc" / "taken-over").touch()
        else:
            overlay.add_drivers(tree)
        overlay.add_e2fsprogs(tree)
        overlay.add_transfer(tree)
    overlay.add_hotplug(dom0)
    overlay.add_xen_tests(dom0)
    disk_kib = overlay.fio_disk(dom0 / "fio.ext4")
    job.mkdir()
    for name in ("early", "run"):
        shutil.copy(TESTS / name, job)
    copy_suites(find_suites("first", args.suites), job / "suites")
    copy_suites(find_suites("last"), job / "last")
    shutil.copytree(TESTS / "peers", job / "peers")
    (job / "settings").write_text(f"GUESTS_WANTED='{args.guests.replace(',', ' ')}'\n"
                                  f"GUEST_SECONDS={args.guest_seconds} NET_MIB={args.net_mib}\n"
                                  f"VCHAN_MIB={args.vchan_mib} DISK_KIB={disk_kib}\n",
                                  encoding="ascii")
    copy_suites(domu_suites(args), domu / "job" / "suites")
    shutil.copy(TESTS / "run-domu", domu / "job" / "run")
    return dom0, domu


def main():
    global OUT
    args = options()
    if args.drivers != "rebuilt":
        OUT = TOP / "build" / f"check-{args.drivers}"
    guests = [guest for guest in args.guests.split(",") if guest]
    OUT.mkdir(parents=True, exist_ok=True)
    dom0, domu = build_job(args)
    # Taking over patches functions that other CPUs are running: QEMU needs one thread for
    # all of them then, in which a PVH guest does not boot; or one CPU.
    more = []
    if args.drivers == "taken-over":
        more = ["--cpus", 1] if "pvh" in guests else ["--one-thread"]
    status = runner.boot(OUT, dom0, "--domu-overlay", domu, "--deadline", args.deadline, *more)
    if status == 2:
        return 2
    suites = {"first": [path.stem for path in find_suites("first", args.suites)],
              "domu": [path.stem for path in domu_suites(args)]}
    last = [path.stem for path in find_suites("last")]
    total = runner.judge(OUT, runner.read_places(OUT / "console.log"),
                         {"dom0": [*suites["first"], *last],
                          **{f"domu-{guest}": suites["domu"] for guest in guests}}, status)
    return runner.finish(OUT, total)

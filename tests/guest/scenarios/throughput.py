# SPDX-License-Identifier: GPL-2.0
"""Measures blkfront's and netfront's throughput in a guest, on the kernel's own
grant table and on xengnt in turns; xengnt.ko and build/stock-drivers must be built.

The console, with its lines "throughput: NAME SIDE MS", is build/bench/drivers.log;
bench/drivers/report.py makes the table of it.
"""

import argparse
import shutil
import subprocess
from pathlib import Path

from drivers import overlay

TOP = Path(__file__).resolve().parents[3]
BENCH = TOP / "bench" / "drivers"
TESTS = TOP / "tests" / "guest" / "drivers"
OUT = TOP / "build" / "bench"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--mib", type=int, default=64, help="moved at a time (default: %(default)s)")
    parser.add_argument("--type", choices=("pv", "pvh"), default="pv", help="of the guest")
    parser.add_argument("--deadline", type=int, default=1500, metavar="SECONDS")
    args = parser.parse_args()
    work = OUT / "drivers-run"
    shutil.rmtree(work, ignore_errors=True)
    dom0, domu, job = work / "dom0", work / "domu", work / "job"
    for tree in (dom0, domu):
        overlay.add_drivers(tree)
        overlay.add_transfer(tree)
    overlay.add_hotplug(dom0)
    job.mkdir()
    shutil.copy(BENCH / "dom0.sh", job / "run")
    (job / "settings").write_text(f"MIB={args.mib} ROUNDS={args.rounds} TYPE={args.type}\n"
                                  f"GUEST_SECONDS={args.deadline - 100}\n", encoding="ascii")
    (job / "peers").mkdir()
    for name in ("disks.sh", "network.sh"):
        shutil.copy(TESTS / "peers" / name, job / "peers")
    (domu / "job").mkdir()
    shutil.copy(BENCH / "guest.sh", domu / "job" / "run")
    status = subprocess.run(["setpriv", "--pdeathsig", "TERM", TOP / "scripts/xen/boot-xen",
                             "--job", job, "--overlay", dom0, "--domu-overlay", domu,
                             "--deadline", str(args.deadline), "--log", OUT / "drivers.log"],
                            check=False).returncode
    return status or subprocess.run([BENCH / "report.py"], check=False).returncode

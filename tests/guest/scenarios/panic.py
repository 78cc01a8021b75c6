# SPDX-License-Identifier: GPL-2.0
"""A deliberate panic in dom0 with xengnt loaded and references held: the lines of
the panic notifier must be on the console. One boot; about half a minute.
Logs: build/check-panic/.
"""

import re
import shutil
import subprocess
from pathlib import Path

import runner

TOP = Path(__file__).resolve().parents[3]
TESTS = TOP / "tests" / "guest"
OUT = TOP / "build" / "check-panic"


LINES = (
    r"xengnt: at the panic: \d+ references leased; takeover off, 0 of its hooks lost",
    r"xengnt: \d+ s before: \d+ of \d+ references left, 700 with drivers on xengnt, \d+ with the kernel",
    r"xengnt: 7\d\d of them with pool hold_refs",
)


def main():
    subprocess.run([TOP / "scripts/build-clients", "test-modules"], check=True)
    shutil.rmtree(OUT, ignore_errors=True)
    dom0 = OUT / "dom0"
    runner.add_modules(dom0, [TOP / "xengnt.ko", TESTS / "modules" / "hold_refs.ko"])
    runner.add_job(OUT, TESTS / "panic" / "dom0.sh")
    status = runner.boot(OUT, dom0, "--deadline", 300)
    console = (OUT / "console.log").read_text(encoding="utf-8", errors="replace")
    results = [("the machine stopped in the job", status == 3, f"boot-xen ended with {status}")]
    results += [(f"on the console: {line}", re.search(line, console), "not there")
                for line in LINES]
    for name, good, why in results:
        print(f"ok   {name}" if good else f"FAIL {name}: {why}")
    failed = sum(not good for _, good, _ in results)
    print("console: build/check-panic/console.log")
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0

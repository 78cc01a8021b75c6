# SPDX-License-Identifier: GPL-2.0
"""Takes the console log of a run apart: whose line is it, and does the
kernel or Xen complain in it?"""

import re
from collections import defaultdict

STAMP = re.compile(r"^\[ *\d+\.\d{6}\] ")
GUEST = re.compile(r"^([\w-]+)\| (.*)$")
# Xen writes when it likes, also into the middle of dom0's line.
XEN_INSIDE = re.compile(r"^(.+?)(\(XEN\) .*)$")

KERNEL_TROUBLE = re.compile("|".join((
    r"WARNING: CPU", r"WARNING: possible", r"WARNING: suspicious", r"WARNING: inconsistent",
    r"\bBUG: ", r"kernel BUG at", r"\bOops\b", r"general protection fault", r"Call Trace",
    r"INFO: task .* blocked", r"possible (circular|recursive) locking", r"inconsistent lock state",
    r"suspicious RCU usage", r"rcu.*(self-)?detected.* stall", r"soft lockup", r"hard LOCKUP",
    r"Kernel panic", r"[Bb]ad page (state|map)", r"list_(add|del) corruption", r"refcount_t: ",
    r"UBSAN: ", r"divide error", r"stack guard page", r"invalid opcode", r"page allocation failure",
    r"Out of memory: ", r"scheduling while atomic", r"sleeping function called",
    r"unable to handle", r"Modules linked in:",
)))
XEN_TROUBLE = re.compile(r"\(XEN\).*(crashed|domain_crash|[Tt]riple fault|\bBUG\b|Xen WARN|Assertion|[Pp]anic|FATAL)")
# Where reports begin, and where each kind of them ends.
REPORTS = (
    (re.compile(r"-+\[ cut here \]-+"), re.compile(r"---\[ end (trace|Kernel panic)")),
    (re.compile(r"BUG: KCSAN: "), re.compile(r"={60,}$")),
    (re.compile(r"BUG: using smp_processor_id\(\) in preemptible"), re.compile(r"</TASK>")),
)
# An oops is many lines: these are no second complaint soon after another.
CONTINUED = re.compile(r"Call Trace|Modules linked in:|\bOops\b")
ONE_OOPS = 60
REPORT_LINES = 200  # one without an end must not swallow the rest of the log
CONTEXT = 12


def split(text):
    """{"dom0": lines, "xen": lines, guest: lines}, the stamps taken off."""
    places = defaultdict(list)
    pending = ""
    for line in text.split("\n"):
        line = line.replace("\r", "")  # the terminal layers add one each
        inside = XEN_INSIDE.match(line)
        if inside and not line.startswith("(XEN)"):
            pending += inside[1]
            line = inside[2]
        if line.startswith("(XEN)"):
            places["xen"].append(line)
            continue
        line, pending = STAMP.sub("", pending + line), ""
        guest = GUEST.match(line)
        if guest:
            places[guest[1]].append(STAMP.sub("", guest[2]))
        else:
            places["dom0"].append(line)
    return places


def read_noise(text):
    """The allow-list: a regular expression and its reason on each line, with
    ' # ' between them."""
    noise = []
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            pattern, reason = line.split(" # ", maxsplit=1)
            if not reason.strip():
                raise ValueError(f"allow-list entry without a reason: {line}")
            noise.append(re.compile(pattern))
    return noise


def reports(lines):
    """The lines, with all of a kernel's report ("cut here" to "end trace", and
    the like) as one item: (first line number, lines of the item)."""
    start = end = None
    for number, line in enumerate(lines):
        if start is None:
            end = next((last for first, last in REPORTS if first.search(line)), None)
            start = number if end else None
        if start is None:
            yield number, [line]
        elif end.search(line) or number - start >= REPORT_LINES:
            yield start, lines[start:number + 1]
            start = None
    if start is not None:
        yield start, lines[start:]


def trouble(place, lines, noise):
    """[(title, context)] for every complaint that is not known noise."""
    pattern = XEN_TROUBLE if place == "xen" else KERNEL_TROUBLE
    found = []
    last = -REPORT_LINES
    for number, item in reports(lines):
        hit = next((line for line in item if pattern.search(line)), None)
        if hit is None or any(regex.search("\n".join(item)) for regex in noise):
            continue
        if CONTINUED.search(hit) and number - last < ONE_OOPS:
            continue
        last = number
        found.append((f"{place}: {hit.strip()}", lines[max(0, number - 3):number + CONTEXT]))
    return found

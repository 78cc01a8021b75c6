# SPDX-License-Identifier: GPL-2.0
"""What is wrong with this guest's grants, in sentences, each with its evidence.

A diagnosis is a function of the facts (record.py). It gives findings or nothing:
a dictionary with "id", "severity" (problem, warning, info), "says", "evidence" and
"advice". What cannot be seen is itself a finding, not silence.
"""

import textwrap

from .needs import frames_needed
from .uncached import uncached_table

LITTLE = 10  # percent
OLD = 60     # seconds
CLIENTS = ("xen_netfront", "xen_blkfront", "xen_netback", "xen_blkback", "xen_gntdev",
           "xen_gntalloc", "xen_scsifront", "xen_scsiback", "xen_pcifront", "xen_kbdfront",
           "xen_hcd", "pvcalls_front", "9pnet_xen", "xen_front_pgdir_shbuf")
SHOWN = 5    # lines of evidence of one kind


def finding(name, severity, says, evidence=(), advice=""):
    return {"id": name, "severity": severity, "says": says, "evidence": list(evidence),
            "advice": advice}


def value(facts, path):
    found = (facts["sysfs"] or {}).get(path)
    return found if isinstance(found, int) else 0


def how_to_get_frames(facts, frames):
    if facts["guest_type"] == "PV" and not facts["devices"]:
        return (f"In dom0 put gnttab_max_frames={frames} on Xen's command line and reboot; in "
                f"another guest put max_grant_frames={frames} into its configuration and create "
                "it again.")
    return (f"Put max_grant_frames={frames} into this guest's configuration (xl.cfg) and create "
            "it again; Xen's own gnttab_max_frames= must allow as many.")


def what_can_be_seen(facts):
    if not facts["xen"] and facts["sysfs"] is None:
        yield finding("not_xen", "warning", "This does not look like a Xen guest.",
                      ["/sys/hypervisor/type does not say xen"], "Run it in the guest itself.")
    elif facts["sysfs"] is None:
        yield finding("not_loaded", "warning", "xengnt is not loaded, so most cannot be seen.",
                      ["there is no /sys/kernel/xengnt"], "modprobe xengnt, then ask again.")
    elif not facts["debugfs"]:
        yield finding("no_debugfs", "info",
                      "The files of debugfs cannot be read, so holders and deferred ends are not "
                      "told one by one.", ["/sys/kernel/debug/xengnt is not there"],
                      "Run it as root, with debugfs mounted and the kernel not locked down.")


def headroom(facts):
    left, of = value(facts, "table/headroom"), value(facts, "table/references_max")
    if not of or left * 100 >= of * LITTLE:
        return
    in_use = value(facts, "table/used") + value(facts, "table/kernel_used")
    per_frame = max(of // max(value(facts, "table/frames_max"), 1), 1)
    frames = max(-(-2 * in_use // per_frame), value(facts, "table/frames_max") + 1)
    frames = -(-frames // 32) * 32
    yield finding("headroom", "problem",
                  f"Only {left} of {of} grant references are left ({100 * left // of} percent).",
                  [f"drivers on xengnt have {value(facts, 'table/used')}",
                   f"the kernel and drivers that are not on xengnt have "
                   f"{value(facts, 'table/kernel_used')}",
                   f"the table has {value(facts, 'table/frames')} of "
                   f"{value(facts, 'table/frames_max')} frames"],
                  how_to_get_frames(facts, frames))


def refused(facts):
    count = value(facts, "totals/refused")
    if count:
        yield finding("refused", "warning",
                      f"Drivers asked for references {count} times when there were none.",
                      [f"totals/refused is {count}",
                       f"{value(facts, 'references/waiting')} drivers wait now"],
                      "See who holds most; give the table more frames, or a pool a limit.")


def holders(facts):
    pools = sorted((pool for pool in facts["pools"] if pool.get("held")),
                   key=lambda pool: -pool["held"])
    if not pools:
        return
    oldest = [line.strip() for line in facts["owners"].splitlines() if line.startswith("refs ")]
    evidence = [f"pool {pool['name']} holds {pool['held']}" for pool in pools[:SHOWN]]
    evidence += [f"{row['granted']} accesses are granted to domain {row['domid']}"
                 for row in sorted(facts["domains"], key=lambda row: -row["granted"])[:SHOWN]]
    evidence += oldest[:SHOWN]
    yield finding("holders", "info", f"Most references are with {pools[0]['name']}.", evidence,
                  "" if oldest else "echo 1 > /sys/module/xengnt/parameters/track tells from then "
                  "on since when, and where, each was taken.")


def deferred(facts):
    oldest = value(facts, "references/deferred_oldest_s")
    if oldest < OLD:
        return
    by_domain = {}
    for entry in facts["deferred"]:
        count, age = by_domain.get(entry["domid"], (0, 0))
        by_domain[entry["domid"]] = count + 1, max(age, entry.get("age_s", 0))
    yield finding("deferred", "problem",
                  f"A backend keeps pages whose access should have ended {oldest} seconds ago.",
                  [f"domain {domid} keeps {count}, the oldest for {age} s"
                   for domid, (count, age) in sorted(by_domain.items())]
                  or [f"{value(facts, 'references/deferred')} ends are deferred"],
                  "Look at that domain's backend (is it stopped, or paused?); the pages come back "
                  "by themselves within two seconds after it lets go.")


def kernels_deferrals(facts):
    lines = [line for line in facts["dmesg"] if "g.e. " in line and any(
        words in line for words in ("still in use", "deferring", "leaking", "still pending"))]
    if lines:
        yield finding("kernel_deferrals", "warning",
                      "The kernel's own grant code met pages that a backend still uses.",
                      [f"{len(lines)} such lines in the log"] + lines[-SHOWN:],
                      "They come from drivers that are not on xengnt; a line with 'leaking' is "
                      "memory lost until the next boot.")


def not_on_xengnt(facts):
    if facts["sysfs"] is None or value(facts, "takeover/active"):
        return
    others = [name for name in facts["modules"] if name in CLIENTS and name not in facts["holders"]]
    if others:
        yield finding("not_on_xengnt", "info",
                      "These drivers use the kernel's own grant code: " + ", ".join(others) + ".",
                      [f"{name} is loaded and does not depend on xengnt" for name in others],
                      "echo 1 > /sys/module/xengnt/parameters/takeover brings all of them, or "
                      "build them against xengnt's header: xengnt(4) and the driver guide.")


def version_two(facts):
    if value(facts, "table/version") == 2:
        yield finding("version_2", "warning", "The grant table has version 2.",
                      ["table/version is 2"],
                      "Xen's advice since XSA-486 is version 1: take grant_table.version=2 off the "
                      "kernel's command line, or have the host set max_grant_version=1.")


def wrong_calls(facts):
    kinds = {path.split("/")[1]: count for path, count in (facts["sysfs"] or {}).items()
             if path.startswith("errors/") and count and not path.endswith("/still_busy")}
    if kinds:
        lines = [line for line in facts["dmesg"] if "xengnt: reference " in line]
        yield finding("misuse", "problem", "A driver made wrong calls; they were refused.",
                      [f"{kind}: {count}" for kind, count in sorted(kinds.items())] +
                      lines[-SHOWN:],
                      "The log names the caller: report it to the driver's author. xengnt(4), "
                      "ERRORS, says what each kind means.")


def hooks(facts):
    if value(facts, "takeover/hooks_lost"):
        yield finding("hooks_lost", "problem",
                      "Takeover has lost hooks: some calls go to the kernel's own code again.",
                      [f"takeover/hooks_lost is {value(facts, 'takeover/hooks_lost')}"],
                      "See whether kernel.ftrace_enabled is 0 or a live patch has the functions; "
                      "then switch takeover off and on.")


def too_few_frames(facts):
    needed, evidence = frames_needed(facts)
    allowed = value(facts, "table/frames_max")
    if allowed and needed > allowed:
        frames = -(-needed // 32) * 32
        yield finding("too_few_frames", "warning",
                      f"The devices of this guest may need {needed} frames when busy; Xen allows "
                      f"{allowed}.", evidence, how_to_get_frames(facts, frames))


def mapped_uncached(facts):
    evidence = uncached_table(facts)
    if evidence:
        yield finding("uncached", "problem",
                      "The grant table is mapped uncached, which slows every grant.", evidence,
                      "The host's administrator can set xenpci_bar_uc=0 in this guest's "
                      "configuration where Xen has it, or give it type=\"pvh\".")


DIAGNOSES = (what_can_be_seen, headroom, refused, hooks, deferred, wrong_calls, mapped_uncached,
             too_few_frames, version_two, kernels_deferrals, not_on_xengnt, holders)
ORDER = {"problem": 0, "warning": 1, "info": 2}


def diagnose(facts):
    found = [one for diagnosis in DIAGNOSES for one in diagnosis(facts)]
    return sorted(found, key=lambda one: ORDER[one["severity"]])


def lines(found):
    for one in found:
        yield from textwrap.wrap(f"{one['severity']}: {one['says']}", 79, subsequent_indent="  ")
        for evidence in one["evidence"]:
            yield f"  - {evidence}"
        yield from textwrap.wrap(one["advice"], 79, initial_indent="  What to do: ",
                                 subsequent_indent="  ")
        yield ""
    problems = sum(one["severity"] == "problem" for one in found)
    yield f"{problems} problems, {len(found) - problems} other findings"

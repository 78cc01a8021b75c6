# SPDX-License-Identifier: GPL-2.0
"""The values of /sys/kernel/xengnt for a monitoring system, in two formats:
OpenMetrics, and the older one of Prometheus, which node_exporter reads."""

import os
import tempfile

from . import reading

SYSFS = "sys/kernel/xengnt"
NO_LIMIT = 0xFFFFFFFF

# File below /sys/kernel/xengnt, type, name, help.
VALUES = (
    ("table/version", "gauge", "table_version", "Version of the grant table."),
    ("table/frames", "gauge", "table_frames", "Frames that the grant table has."),
    ("table/frames_max", "gauge", "table_frames_max", "Frames that the grant table may have."),
    ("table/references", "gauge", "table_references", "References that its frames hold."),
    ("table/references_max", "gauge", "table_references_max",
     "References that the table can hold."),
    ("table/growable", "gauge", "table_growable",
     "References of frames that the table does not have yet."),
    ("table/used", "gauge", "table_used", "References with drivers on xengnt."),
    ("table/free", "gauge", "table_free", "Leased references that xengnt has free."),
    ("table/kernel_used", "gauge", "table_kernel_used",
     "References in use by the kernel and by drivers that are not on xengnt."),
    ("table/kernel_free", "gauge", "table_kernel_free",
     "References that the kernel has free, 65535 for more."),
    ("table/headroom", "gauge", "table_headroom", "References that can still be taken."),
    ("references/leased", "gauge", "leased", "References leased from the kernel."),
    ("references/lease_limit", "gauge", "lease_limit", "References that may be leased at most."),
    ("references/deferred_oldest_s", "gauge", "deferred_oldest_seconds",
     "Age of the oldest end of access that another domain delays."),
    ("references/waiting", "gauge", "waiting", "Drivers that wait for references."),
    ("totals/allocated", "counter", "allocated", "References taken by drivers."),
    ("totals/freed", "counter", "freed", "References given back by drivers."),
    ("totals/granted", "counter", "granted", "Accesses granted."),
    ("totals/ended", "counter", "ended", "Accesses ended."),
    ("totals/deferred", "counter", "deferred", "Ends of access that another domain delayed."),
    ("totals/reclaimed", "counter", "reclaimed", "Delayed ends of access that are done."),
    ("totals/handed_back", "counter", "handed_back",
     "Delayed ends of access left to the kernel."),
    ("totals/misuse", "counter", "misuse", "Wrong calls of drivers, all refused."),
    ("totals/refused", "counter", "refused", "Allocations refused for want of references."),
    ("totals/callbacks", "counter", "callbacks", "Waiting drivers that were called."),
    ("totals/leased", "counter", "leased_references", "References leased since loading."),
    ("totals/unleased", "counter", "unleased_references", "References given back to the kernel."),
    ("takeover/active", "gauge", "takeover_active",
     "1 while the kernel's grant functions lead to xengnt."),
    ("takeover/hooks_lost", "gauge", "hooks_lost", "Hooks of takeover that stopped working."),
)
STATES = ("free", "cached", "listed", "claimed", "granted", "deferred")
POOL_VALUES = (
    ("held", "gauge", "pool_held", "References that the pool's driver has."),
    ("reserve", "gauge", "pool_reserve", "References that no other pool can take."),
    ("limit", "gauge", "pool_limit", "References that the pool's driver may have."),
    ("allocated_total", "counter", "pool_allocated", "References taken from the pool."),
    ("freed_total", "counter", "pool_freed", "References given back to the pool."),
)
DOMAIN_VALUES = (
    ("granted", "gauge", "domain_granted", "Accesses granted to the domain."),
    ("deferred", "gauge", "domain_deferred", "Ended accesses that the domain still uses."),
)


def read_sysfs(root="/"):
    """{"table/frames": 1, ...}; None when the module is not loaded."""
    top, values = os.path.join(root, SYSFS), {}
    if not os.path.isdir(top):
        return None
    for directory, _, files in os.walk(top):
        for name in files:
            path = os.path.join(directory, name)
            try:
                with open(path, encoding="utf-8", errors="replace") as file:
                    values[os.path.relpath(path, top)] = reading.number(file.read().strip())
            except OSError:
                continue  # a pool that has just gone
    return values


def read_domains(root="/"):
    """From debugfs, which only root may read: nothing for others."""
    path = os.path.join(root, reading.DEFAULT_DIR.lstrip("/"), "domains")
    try:
        with open(path, encoding="ascii") as file:
            return reading.parse_domains(file.read())
    except OSError:
        return []


def names_below(values, directory):
    return sorted({path.split("/")[1] for path in values if path.startswith(directory + "/")})


def families(values, domains):
    """(name, type, help, [(labels, value)]) for each metric that has a value."""
    loaded = values is not None
    yield "loaded", "gauge", "1 while the module xengnt is loaded.", [({}, int(loaded))]
    if not loaded:
        return
    for path, kind, name, text in VALUES:
        if isinstance(values.get(path), int):
            yield name, kind, text, [({}, values[path])]
    yield "references", "gauge", "Leased references by state.", [
        ({"state": state}, values[f"references/{state}"]) for state in STATES
        if f"references/{state}" in values]
    yield "refused_calls", "counter", "Wrong calls and busy ends by kind.", [
        ({"kind": kind}, values[f"errors/{kind}"]) for kind in names_below(values, "errors")]
    pools = names_below(values, "pools")
    for key, kind, name, text in POOL_VALUES:
        yield name, kind, text, [
            ({"pool": pool}, values[f"pools/{pool}/{key}"]) for pool in pools
            if values.get(f"pools/{pool}/{key}", NO_LIMIT) != NO_LIMIT]
    for key, kind, name, text in DOMAIN_VALUES:
        yield name, kind, text, [({"domid": row["domid"]}, row[key]) for row in domains]


def escape(value):
    return str(value).replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def lines(found, openmetrics):
    """OpenMetrics names a counter without the _total that its samples have."""
    for name, kind, text, samples in found:
        if not samples:
            continue
        sample = f"xengnt_{name}" + ("_total" if kind == "counter" else "")
        family = f"xengnt_{name}" if openmetrics else sample
        yield f"# HELP {family} {text}"
        yield f"# TYPE {family} {kind}"
        for labels, value in samples:
            shown = ",".join(f'{key}="{escape(label)}"' for key, label in labels.items())
            yield f"{sample}{{{shown}}} {value}" if shown else f"{sample} {value}"
    if openmetrics:
        yield "# EOF"


def exposition(root="/", openmetrics=True):
    found = families(read_sysfs(root), read_domains(root))
    return "".join(f"{line}\n" for line in lines(found, openmetrics))


def write_textfile(path, root="/"):
    """Appears whole: node_exporter may read at any moment. It ignores the temporary name."""
    directory = os.path.dirname(os.path.abspath(path))
    handle, temporary = tempfile.mkstemp(dir=directory, prefix=".xengnt-", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(exposition(root, openmetrics=False))
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise

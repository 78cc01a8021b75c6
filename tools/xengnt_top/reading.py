# SPDX-License-Identifier: GPL-2.0
"""The files of /sys/kernel/debug/xengnt, read and taken apart.

Those that a version of the module does not have are left out, keys that this
program does not know are passed on.
"""

import collections
import os
import re

DEFAULT_DIR = "/sys/kernel/debug/xengnt"

# One line of pools and deferred: `key value` pairs, the pool's name may have blanks.
POOL_LINE = re.compile(r"name (?P<name>.+?)(?P<rest> held .*)?$")
DEFERRED_LINE = re.compile(r"(?P<rest>ref .+?)(?: pool (?P<pool>.+))?$")

Snapshot = collections.namedtuple("Snapshot", "time stats errors pools deferred domains missing")


class CannotRead(Exception):
    """Nothing to show; the text says what to do."""


def number(word):
    """A value of the files: a number where it is one, else the word."""
    try:
        return int(word, 0)
    except ValueError:
        return word


def parse_pairs(text):
    """Lines of `key value`."""
    pairs = {}
    for line in text.splitlines():
        key, _, value = line.strip().partition(" ")
        if key and value:
            pairs[key] = number(value)
    return pairs


def parse_line(words):
    return {key: number(value) for key, value in zip(words[::2], words[1::2])}


def parse_pools(text):
    """Lines of `name NAME held N limit N ...`; pools may share a name."""
    pools = []
    for line in text.splitlines():
        match = POOL_LINE.match(line.strip())
        if match:
            pools.append({"name": match["name"], **parse_line((match["rest"] or "").split())})
    return pools


def parse_deferred(text):
    """Lines of `ref N domid N age_s N pool NAME`."""
    entries = []
    for line in text.splitlines():
        match = DEFERRED_LINE.match(line.strip())
        if match:
            entry = parse_line(match["rest"].split())
            if match["pool"]:
                entry["pool"] = match["pool"]
            entries.append(entry)
    return entries


def parse_domains(text):
    """Lines of `domid N granted N ...`."""
    return [parse_line(line.split()) for line in text.splitlines() if line.startswith("domid ")]


PARSERS = {
    "stats": parse_pairs,
    "errors": parse_pairs,
    "pools": parse_pools,
    "deferred": parse_deferred,
    "domains": parse_domains,
}


def read_snapshot(directory, now):
    parsed, missing = {}, []
    for name, parse in PARSERS.items():
        try:
            with open(os.path.join(directory, name), encoding="ascii", errors="replace") as file:
                parsed[name] = parse(file.read())
        except FileNotFoundError:
            parsed[name] = parse("")
            missing.append(name)
        except PermissionError:
            raise CannotRead(f"may not read {directory}/{name}: run it as root") from None
        except OSError as error:
            raise CannotRead(f"{directory}/{name}: {error.strerror}") from None
    if "stats" in missing:
        raise CannotRead(why_missing(directory))
    return Snapshot(now, parsed["stats"], parsed["errors"], parsed["pools"],
                    parsed["deferred"], parsed["domains"], missing)


def why_missing(directory):
    if directory != DEFAULT_DIR:
        return f"no file stats in {directory}: name a directory with a copy of {DEFAULT_DIR}"
    parent = os.path.dirname(directory)
    if os.path.exists(parent) and not os.access(parent, os.X_OK):
        return f"may not look into {parent}: run it as root"
    if not os.path.ismount(parent):
        return f"debugfs is not mounted: mount -t debugfs debugfs {parent}"
    return "xengnt is not loaded: modprobe xengnt"

# SPDX-License-Identifier: GPL-2.0
"""The facts that --doctor judges: read from this guest, or from a recording of one.

A recording is a directory with the same files at the same places, and the output of
dmesg as the file "dmesg": it can be sent to somebody else, who looks with --root.
"""

import glob
import os
import subprocess

from . import metrics, reading
from .reading import CannotRead

# One line or a few each; patterns of glob.
FILES = (
    "proc/mtrr", "proc/iomem", "proc/modules", "proc/cpuinfo", "proc/version",
    "sys/hypervisor/type", "sys/hypervisor/guest_type", "sys/hypervisor/version/*",
    "sys/module/xengnt/parameters/*",
    "sys/bus/xen/devices/*/devtype", "sys/bus/xen/devices/*/nodename", "sys/bus/xen/devices/*/state",
    "sys/class/net/*/queues/*/xps_cpus", "sys/block/xvd*/mq/*/cpu_list",
    "sys/module/xen_netfront/parameters/*", "sys/module/xen_blkfront/parameters/*",
    "sys/kernel/debug/xengnt/*",
)
KERNELS_WORDS = ("g.e.", "grant", "xengnt", "xen_netfront", "blkfront")


def read_text(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return None


def find(root, pattern):
    return sorted(glob.glob(os.path.join(glob.escape(root), pattern)))


def read_dmesg():
    """Only lines that are about grants: the rest is nobody's business."""
    try:
        said = subprocess.run(["dmesg"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              check=False).stdout.decode(errors="replace")
    except OSError:
        return ""
    return "".join(f"{line}\n" for line in said.splitlines()
                   if any(word in line for word in KERNELS_WORDS))


def put(directory, path, text):
    target = os.path.join(directory, path)
    os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
    with open(target, "w", encoding="utf-8") as file:
        file.write(text)


def record(directory, root="/"):
    if os.path.exists(directory) and os.listdir(directory):
        raise CannotRead(f"{directory} is not empty: name a new directory")
    for pattern in FILES:
        for path in find(root, pattern):
            text = read_text(path)
            if text is not None:
                put(directory, os.path.relpath(path, root), text)
    for path, value in (metrics.read_sysfs(root) or {}).items():
        put(directory, f"{metrics.SYSFS}/{path}", f"{value}\n")
    for path in find(root, "sys/module/xengnt/holders/*"):
        put(directory, os.path.relpath(path, root), "")
    put(directory, "dmesg", read_dmesg())


def devices(root):
    """What is in front of a backend: [{"name": "vif-0", "type": "vif", "node": ...}]"""
    found = []
    for path in find(root, "sys/bus/xen/devices/*"):
        kind = (read_text(os.path.join(path, "devtype")) or "").strip()
        node = (read_text(os.path.join(path, "nodename")) or "").strip()
        if kind and node.startswith("device/"):
            found.append({"name": os.path.basename(path), "type": kind})
    return found


def read_facts(root="/"):
    """All that doctor.py judges, as plain data."""
    def text(path):
        return read_text(os.path.join(root, path)) or ""

    debug = os.path.join(root, reading.DEFAULT_DIR.lstrip("/"))
    return {
        "sysfs": metrics.read_sysfs(root),
        "debugfs": os.path.exists(os.path.join(debug, "stats")),
        "pools": reading.parse_pools(text("sys/kernel/debug/xengnt/pools")),
        "deferred": reading.parse_deferred(text("sys/kernel/debug/xengnt/deferred")),
        "domains": reading.parse_domains(text("sys/kernel/debug/xengnt/domains")),
        "owners": text("sys/kernel/debug/xengnt/owners"),
        "dmesg": (text("dmesg") if root != "/" else read_dmesg()).splitlines(),
        "modules": [line.split()[0] for line in text("proc/modules").splitlines() if line],
        "holders": [os.path.basename(path) for path in find(root, "sys/module/xengnt/holders/*")],
        "mtrr": text("proc/mtrr"),
        "iomem": text("proc/iomem"),
        "cpuinfo": text("proc/cpuinfo"),
        "guest_type": text("sys/hypervisor/guest_type").strip(),
        "xen": bool(text("sys/hypervisor/type").strip() == "xen"),
        "devices": devices(root),
        "cpus": text("proc/cpuinfo").count("\nprocessor\t") +
                text("proc/cpuinfo").startswith("processor\t"),
        "net_queues": text("sys/module/xen_netfront/parameters/max_queues").strip(),
        "disk_queues": text("sys/module/xen_blkfront/parameters/max_queues").strip(),
        "disk_ring_order": text("sys/module/xen_blkfront/parameters/max_ring_page_order").strip(),
        "disk_segments": text("sys/module/xen_blkfront/parameters/max_indirect_segments").strip(),
    }

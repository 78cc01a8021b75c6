# SPDX-License-Identifier: GPL-2.0
"""How many references a guest's own devices may have out when all are busy.

With the sizes of Linux's drivers: a queue of xen-netfront has two rings of 256
requests, each a page that is granted, and the two rings themselves; a queue of
xen-blkfront has 32 requests for each page of its ring, each with up to as many
segments as max_indirect_segments and a page that lists them.
"""

RING_REQUESTS_NET = 256
RING_REQUESTS_DISK = 32
NET_QUEUES = 8
DISK_QUEUES = 4
DISK_SEGMENTS = 32
RESERVED = 8
OTHERS = 32  # rings of the store, the console and the like


def number(text, unless):
    try:
        return int(text)
    except ValueError:
        return unless


def per_interface(facts):
    queues = min(number(facts["net_queues"], NET_QUEUES) or NET_QUEUES, max(facts["cpus"], 1))
    return queues, queues * (2 * RING_REQUESTS_NET + 2)


def per_disk(facts):
    queues = min(number(facts["disk_queues"], DISK_QUEUES) or DISK_QUEUES, max(facts["cpus"], 1))
    pages = 1 << number(facts["disk_ring_order"], 0)
    segments = number(facts["disk_segments"], DISK_SEGMENTS)
    return queues, queues * (pages * RING_REQUESTS_DISK * (segments + 1) + pages)


def frames_needed(facts):
    """Frames, and the sentences that say why."""
    interfaces = sum(device["type"] == "vif" for device in facts["devices"])
    disks = sum(device["type"] == "vbd" for device in facts["devices"])
    net_queues, net = per_interface(facts)
    disk_queues, disk = per_disk(facts)
    references = interfaces * net + disks * disk + RESERVED + OTHERS
    evidence = []
    if interfaces:
        evidence.append(f"{interfaces} network interfaces with {net_queues} queues: up to {net} "
                        "references each")
    if disks:
        evidence.append(f"{disks} disks with {disk_queues} queues: up to {disk} references each")
    sysfs = facts["sysfs"] or {}
    per_frame = max(sysfs.get("table/references_max", 0) // max(sysfs.get("table/frames_max", 0), 1), 1)
    if not evidence or per_frame == 1:
        return 0, []
    return -(-references // per_frame), evidence

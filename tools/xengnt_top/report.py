# SPDX-License-Identifier: GPL-2.0
"""What changed between two looks: the report that is shown, and printed as JSON."""

import collections

RATE_KEYS = ("allocated", "freed", "granted", "ended", "deferred", "reclaimed")


def per_second(before, after, seconds):
    """None when there is nothing to compare, or the counter was reset."""
    if not (isinstance(before, int) and isinstance(after, int)) or seconds <= 0 or after < before:
        return None
    return round((after - before) / seconds, 1)


def pool_keys(pools):
    """Each pool with its key: the name, and its number among those of that name."""
    seen = collections.Counter()
    for pool in pools:
        yield (pool["name"], seen[pool["name"]]), pool
        seen[pool["name"]] += 1


def pool_rows(before, after, seconds):
    old = dict(pool_keys(before.pools)) if before else {}
    rows = []
    for key, pool in pool_keys(after.pools):
        row, was = dict(pool), old.get(key, {})
        for what in ("allocated", "freed"):
            total = f"{what}_total"
            row[f"{what}_per_s"] = per_second(was.get(total), pool.get(total), seconds)
        rows.append(row)
    return sorted(rows, key=lambda row: -as_count(row.get("held")))


def as_count(value):
    return value if isinstance(value, int) else 0


def identity(entry, now):
    """Tells one deferral of a reference from a later one, by when it began."""
    return entry.get("ref"), entry.get("domid"), round(now - as_count(entry.get("age_s")))


def same_deferral(one, other):
    return one[:2] == other[:2] and abs(one[2] - other[2]) <= 2


def deferrals_by_domain(snapshot):
    """For each domain: reference -> when it was deferred."""
    domains = collections.defaultdict(dict)
    for entry in snapshot.deferred if snapshot else ():
        ref, domid, since = identity(entry, snapshot.time)
        domains[domid][ref] = (ref, domid, since)
    return domains


def domain_rows(before, after, seconds):
    old, new = deferrals_by_domain(before), deferrals_by_domain(after)
    granted = {row.get("domid"): row.get("granted") for row in after.domains}
    none = None if "domains" in after.missing else 0
    rows = []
    for domid in sorted(set(old) | set(new) | set(granted), key=str):
        was, now = old.get(domid, {}), new.get(domid, {})
        stayed = sum(1 for ref, one in now.items() if ref in was and same_deferral(was[ref], one))
        ages = [as_count(e.get("age_s")) for e in after.deferred if e.get("domid") == domid]
        rows.append({
            "domid": domid,
            "granted": granted.get(domid, none),
            "deferred": len(now),
            "oldest_s": max(ages, default=0),
            "deferred_per_s": per_second(stayed, len(now), seconds) if before else None,
            "reclaimed_per_s": per_second(stayed, len(was), seconds) if before else None,
        })
    return sorted(rows, key=lambda row: (-row["deferred"], -as_count(row["granted"])))


def make_report(before, after):
    """The report that is shown, and printed as JSON: docs/man/xengnt-top.8."""
    seconds = after.time - before.time if before else 0
    old = before.stats if before else {}
    rates = {
        key: per_second(old.get(f"{key}_total"), after.stats.get(f"{key}_total"), seconds)
        for key in RATE_KEYS
    }
    return {
        "format": 1,
        "time": round(after.time, 3),
        "interval_s": round(seconds, 3),
        "stats": after.stats,
        "rates": rates,
        "pools": pool_rows(before, after, seconds),
        "domains": domain_rows(before, after, seconds),
        "errors": after.errors,
        "missing": after.missing,
    }

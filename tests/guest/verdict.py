# SPDX-License-Identifier: GPL-2.0
"""From the lines of one place (dom0 or a guest) to its results."""

import re

from console import trouble
from ktap import Parser, Report

BEGIN = re.compile(r"@@ suite (\S+) begins$")
END = re.compile(r"@@ suite (\S+) ended with status (\d+)$")
STATUS_OF_TIMEOUT = 137  # killed by SIGKILL


def suites_in(lines):
    """{suite: (its lines, status, or None when it did not end)}"""
    found = {}
    name, body = None, []
    for line in lines:
        begin, end = BEGIN.search(line), END.search(line)
        if begin:
            if name:
                found[name] = (body, None)
            name, body = begin[1], []
        elif end and end[1] == name:
            found[name] = (body, int(end[2]))
            name = None
        elif name:
            body.append(line)
    if name:
        found[name] = (body, None)
    return found


def judge_suite(body, status):
    parser = Parser()
    for line in body:
        parser.feed(line)
    report = parser.finish()
    if status is None:
        report.fail("did not end", body)
    elif status == STATUS_OF_TIMEOUT:
        report.fail("took too long and was stopped", body)
    elif status:
        report.fail(f"ended with status {status}", body)
    return report


def judge_place(place, lines, expected, noise):
    """[(suite, Report)]: one for each expected suite and, when there is
    something to say, one for the place as a whole."""
    results = []
    found = suites_in(lines)
    for suite in expected:
        if suite in found:
            results.append((suite, judge_suite(*found[suite])))
        else:
            report = Report()
            report.fail("never started", lines)
            results.append((suite, report))
    whole = Report()
    for title, context in trouble(place, lines, noise):
        whole.failures.append((title, context))
    if whole.failures:
        results.append(("kernel log" if place != "xen" else "Xen's log", whole))
    return results

# SPDX-License-Identifier: GPL-2.0
"""Reads KTAP (Documentation/dev-tools/ktap.rst) and holds it to its plan."""

import re
from dataclasses import dataclass, field

VERSION = re.compile(r"(KTAP version \d+|TAP version \d+)$")
PLAN = re.compile(r"1\.\.(\d+)( # SKIP\b.*)?$")
RESULT = re.compile(r"(not )?ok (\d+)\s*(?:- )?(.*?)(?:\s+# (SKIP|TIMEOUT|ERROR)\b\s*(.*))?$",
                    re.IGNORECASE)
NOT_RESULT = re.compile(r"ok\b|not ok\b")
MAX_CONTEXT = 12


@dataclass
class Report:
    """What a stream of lines amounts to. Only results without children of
    their own are counted, so a nested suite counts as its parts."""
    passed: int = 0
    skipped: int = 0
    failures: list = field(default_factory=list)  # (title, context lines)

    def fail(self, title, context=()):
        self.failures.append((title, list(context)[-MAX_CONTEXT:]))

    def add(self, other):
        self.passed += other.passed
        self.skipped += other.skipped
        self.failures += other.failures


@dataclass
class Level:
    """One version line, and what follows it at the same indentation."""
    indent: int
    plan: int = None
    done: int = 0
    child_counts: bool = False  # a nested suite came before the next result
    child_failed: bool = False


class Parser:
    """Feed it lines, in order, then ask for finish()."""

    def __init__(self):
        self.report = Report()
        self.levels = []
        self.seen = False
        self.recent = []

    def feed(self, line):
        text = line.lstrip(" ")
        indent = len(line) - len(text)
        text = text.rstrip()
        self.recent = (self.recent + [line])[-MAX_CONTEXT:]
        if VERSION.match(text):
            self._version(indent)
        elif text.startswith("Bail out!"):
            self.report.fail(text, self.recent)
        elif PLAN.match(text):
            self._plan(indent, PLAN.match(text))
        elif NOT_RESULT.match(text):
            found = RESULT.match(text)
            if found:
                self._result(indent, found)
            elif text.startswith("not ok"):
                self.report.fail(f"result without a number: {text}", self.recent)

    def finish(self):
        while self.levels:
            self._close(self.levels.pop())
        if not self.seen:
            self.report.fail("no KTAP at all")
        return self.report

    def _version(self, indent):
        self.seen = True
        while self.levels and self.levels[-1].indent >= indent:
            self._close(self.levels.pop())
        self.levels.append(Level(indent))

    def _plan(self, indent, found):
        level = self._level(indent)
        if level is None:
            self.report.fail("a plan without a version line before it", self.recent)
        elif level.plan is not None:
            self.report.fail(f"a second plan: {found[0]}", self.recent)
        else:
            level.plan = int(found[1])
            if found[2]:
                self.report.skipped += 1

    def _result(self, indent, found):
        failed, number, name, directive, reason = found.groups()
        directive = (directive or "").upper()
        level = self._level(indent)
        title = f"{name or 'test'} (no. {number})"
        if level is None:
            self.report.fail(f"a result without a version line before it: {found[0]}", self.recent)
            return
        level.done += 1
        if int(number) != level.done:
            self.report.fail(f"{title}: expected result no. {level.done}", self.recent)
            level.done = int(number)
        had_child, child_failed = level.child_counts, level.child_failed
        level.child_counts = level.child_failed = False
        if directive == "SKIP":
            self.report.skipped += 1
        elif failed or directive in ("TIMEOUT", "ERROR"):
            if not had_child or not child_failed:
                self.report.fail(f"{title} {reason or ''}".rstrip(), self.recent)
            self._mark_parents()
        elif not had_child:
            self.report.passed += 1

    def _level(self, indent):
        """The open level that a line of this indentation belongs to; deeper
        ones end here."""
        while self.levels and self.levels[-1].indent > indent:
            self._close(self.levels.pop())
        level = self.levels[-1] if self.levels else None
        return level if level and level.indent == indent else None

    def _mark_parents(self):
        for level in self.levels[:-1]:
            level.child_failed = True

    def _close(self, level):
        if self.levels:
            self.levels[-1].child_counts = True
        before = len(self.report.failures)
        if level.plan is None:
            self.report.fail(f"no plan after {level.done} results", self.recent)
        elif level.done < level.plan:
            self.report.fail(f"{level.plan} results planned, {level.done} seen", self.recent)
        elif level.done > level.plan:
            self.report.fail(f"{level.plan} results planned, {level.done} seen", self.recent)
        if self.levels and len(self.report.failures) > before:
            self.levels[-1].child_failed = True

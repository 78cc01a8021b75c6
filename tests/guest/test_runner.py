#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The runner's own tests: whatever goes wrong in a guest must be a failure."""

import unittest
from pathlib import Path

import console
from ktap import Parser
from verdict import judge_place, judge_suite, suites_in

TESTS = Path(__file__).resolve().parent

GOOD = """KTAP version 1
1..3
ok 1 first
ok 2 - second
ok 3 third # SKIP not here
"""

OOPS = """BUG: unable to handle page fault for address: ffffc90000004000
#PF: supervisor read access in kernel mode
Oops: 0000 [#1] PREEMPT SMP NOPTI
Call Trace:
 <TASK>
 selftest_init+0x12/0x20 [selftest]
"""

WARNING = """------------[ cut here ]------------
{}
WARNING: CPU: 0 PID: 1 at some/file.c:12 function+0x1/0x2
Modules linked in:
Call Trace:
 function+0x1/0x2
---[ end trace 0000000000000000 ]---
"""

RACE = """==================================================================
BUG: KCSAN: data-race in {0} / {0}
 {0}+0x1/0x2{1}
read to 0xffff888004a0 of 8 bytes by task 9 on cpu 1:
 {0}+0x1/0x2{1}
value changed: 0x0000000000000001 -> 0x0000000000000002
==================================================================
"""


def parse(text):
    parser = Parser()
    for line in text.splitlines():
        parser.feed(line)
    return parser.finish()


def suite(text, name="10-x", status=0):
    return f"@@ suite {name} begins\n{text}@@ suite {name} ended with status {status}\n"


def judge(text, expected=("10-x",), noise=()):
    """(passed, number of failures) of a place."""
    results = judge_place("domu-pv", text.splitlines(), expected, noise)
    return (sum(report.passed for _, report in results),
            sum(len(report.failures) for _, report in results))


class Ktap(unittest.TestCase):
    def counts(self, text):
        report = parse(text)
        return report.passed, len(report.failures), report.skipped

    def test_good(self):
        self.assertEqual(self.counts(GOOD), (2, 0, 1))

    def test_not_ok(self):
        self.assertEqual(self.counts("KTAP version 1\n1..2\nok 1 a\nnot ok 2 b\n"), (1, 1, 0))

    def test_not_ok_skip_counts_as_skip(self):
        self.assertEqual(self.counts("KTAP version 1\n1..1\nok 1 b # skip why\n"), (0, 0, 1))

    def test_diagnostics_and_kernel_lines_do_not_matter(self):
        self.assertEqual(self.counts("KTAP version 1\nloading\n1..1\n# a note\nok, now\nok 1 a\n"),
                         (1, 0, 0))

    def test_no_ktap(self):
        self.assertEqual(self.counts("something else\n"), (0, 1, 0))

    def test_no_plan(self):
        self.assertEqual(self.counts("KTAP version 1\nok 1 a\n"), (1, 1, 0))

    def test_no_version(self):
        passed, failed, _ = self.counts("1..1\nok 1 a\n")
        self.assertEqual(passed, 0)
        self.assertGreater(failed, 0)

    def test_truncated(self):
        self.assertEqual(self.counts("KTAP version 1\n1..3\nok 1 a\n"), (1, 1, 0))

    def test_lost_result(self):
        self.assertEqual(self.counts("KTAP version 1\n1..3\nok 1 a\nok 3 c\n"), (2, 1, 0))

    def test_lost_last_result(self):
        self.assertEqual(self.counts("KTAP version 1\n1..2\nok 1 a\n# end\n"), (1, 1, 0))

    def test_more_results_than_planned(self):
        self.assertEqual(self.counts("KTAP version 1\n1..1\nok 1 a\nok 2 b\n"), (2, 1, 0))

    def test_result_without_a_number(self):
        self.assertGreater(self.counts("KTAP version 1\n1..1\nnot ok a\n")[1], 0)

    def test_bail_out(self):
        self.assertEqual(self.counts(GOOD + "Bail out! no module\n"), (2, 1, 1))

    def test_two_documents(self):
        self.assertEqual(self.counts(GOOD + GOOD), (4, 0, 2))

    def test_second_document_cut_short(self):
        self.assertEqual(self.counts(GOOD + "KTAP version 1\n1..2\nok 1 a\n"), (3, 1, 1))

    NESTED = ("KTAP version 1\n1..2\n"
              "    KTAP version 1\n    1..2\n    ok 1 a\n    {}\n{} 1 outer\nok 2 other\n")

    def test_nested_counts_leaves(self):
        self.assertEqual(self.counts(self.NESTED.format("ok 2 b", "ok")), (3, 0, 0))

    def test_nested_failure_counts_once(self):
        self.assertEqual(self.counts(self.NESTED.format("not ok 2 b", "not ok")), (2, 1, 0))

    def test_nested_failure_under_an_ok(self):
        self.assertEqual(self.counts(self.NESTED.format("not ok 2 b", "ok")), (2, 1, 0))

    def test_nested_loss(self):
        self.assertEqual(self.counts(self.NESTED.format("# nothing", "ok")), (2, 1, 0))

    def test_outer_failure_of_its_own(self):
        self.assertEqual(self.counts(self.NESTED.format("ok 2 b", "not ok")), (3, 1, 0))


class Suites(unittest.TestCase):
    def test_good(self):
        self.assertEqual(judge(suite(GOOD)), (2, 0))

    def test_never_started(self):
        self.assertEqual(judge(""), (0, 1))
        self.assertEqual(judge(suite(GOOD), ("10-x", "20-y")), (2, 1))

    def test_did_not_end(self):
        lines = ("@@ suite 10-x begins\n" + GOOD).splitlines()
        self.assertEqual(len(judge_suite(*suites_in(lines)["10-x"]).failures), 1)

    def test_log_cut_in_the_middle(self):
        text = suite(GOOD)
        for end in range(0, len(text) - 1, 7):
            self.assertGreater(judge(text[:end])[1], 0, text[:end])

    def test_bad_status(self):
        self.assertEqual(judge(suite(GOOD, status=1)), (2, 1))

    def test_timeout(self):
        self.assertEqual(judge(suite(GOOD, status=137)), (2, 1))

    def test_silent_suite(self):
        self.assertEqual(judge(suite("")), (0, 1))

    def test_oops_after_all_ok(self):
        self.assertEqual(judge(suite(GOOD) + OOPS), (2, 1))

    def test_oops_inside(self):
        self.assertEqual(judge(suite(OOPS + GOOD)), (2, 1))


class Trouble(unittest.TestCase):
    def count(self, text, noise="", place="dom0"):
        return len(console.trouble(place, text.splitlines(), console.read_noise(noise)))

    def test_one_warning_is_one(self):
        self.assertEqual(self.count(WARNING.format("what")), 1)

    def test_two_warnings_are_two(self):
        self.assertEqual(self.count(WARNING.format("a") + WARNING.format("b")), 2)

    def test_known_noise(self):
        self.assertEqual(self.count(WARNING.format("XSAVE x"), "XSAVE # emulated\n"), 0)

    def test_noise_hides_nothing_else(self):
        self.assertEqual(self.count(WARNING.format("XSAVE x") + OOPS, "XSAVE # emulated\n"), 1)

    def test_noise_needs_a_reason(self):
        with self.assertRaises(ValueError):
            console.read_noise("XSAVE\n")

    def test_races_of_the_kernel_alone(self):
        path = TESTS.parent / "debug-kernel" / "known-reports"
        noise = path.read_text(encoding="utf-8")
        stock, ours = RACE.format("tick", ""), RACE.format("grant", " [xengnt]")
        self.assertEqual(self.count(stock + stock, noise), 0)
        self.assertEqual(self.count(stock + ours + stock, noise), 1)
        self.assertEqual(self.count(stock + OOPS, noise), 1)

    def test_reports_known_of_a_debug_kernel(self):
        noise = (TESTS.parent / "debug-kernel" / "known-reports").read_text(encoding="utf-8")
        text = "BUG: using smp_processor_id() in preemptible [00000000] code: kworker/u4:1/27\n" \
               "caller is {}+0x24d/0x2c0\nCall Trace:\n <TASK>\n </TASK>\n"
        self.assertEqual(self.count(text.format("xen_irq_lateeoi_locked.part.0"), noise), 0)
        self.assertEqual(self.count(text.format("xg_port_pin"), noise), 1)

    def test_warning_without_end(self):
        self.assertEqual(self.count("\n".join(WARNING.splitlines()[:4])), 1)

    def test_kernel_lines(self):
        for line in ("Kernel panic - not syncing: x",
                     "INFO: task insmod:55 blocked for more than 120 seconds.",
                     "WARNING: possible circular locking dependency detected",
                     "watchdog: BUG: soft lockup - CPU#0 stuck for 22s!",
                     "rcu: INFO: rcu_preempt self-detected stall on CPU",
                     "BUG: Bad page state in process x",
                     "general protection fault, probably for non-canonical address",
                     "kernel BUG at mm/slub.c:1!"):
            self.assertEqual(self.count(line), 1, line)

    def test_xen_lines(self):
        for line in ("(XEN) Domain 0 crashed: rebooting machine in 5 seconds.",
                     "(XEN) d2v0 Triple fault - invoking HVM shutdown action 1",
                     "(XEN) domain_crash called from p2m-pod.c:1218",
                     "(XEN) Xen BUG at common/grant_table.c:1"):
            self.assertEqual(self.count(line, place="xen"), 1, line)
        self.assertEqual(self.count("(XEN) Xen version 4.17.7", place="xen"), 0)

    def test_repository_noise_file_reads(self):
        path = Path(__file__).with_name("known-noise")
        self.assertTrue(console.read_noise(path.read_text(encoding="utf-8")))


class Split(unittest.TestCase):
    def test_places(self):
        places = console.split("[    1.234567] from dom0\r\n"
                               "(XEN) from Xen\r\r\n"
                               "[    2.000000] domu-pv| [    0.500000]     ok 1 nested\n")
        self.assertEqual(places["dom0"][0], "from dom0")
        self.assertEqual(places["xen"], ["(XEN) from Xen"])
        self.assertEqual(places["domu-pv"], ["    ok 1 nested"])

    def test_xen_in_the_middle_of_a_line(self):
        places = console.split("[    1.234567] ok 1 fi(XEN) d1 does it\nrst test\n")
        self.assertEqual(places["dom0"][0], "ok 1 first test")
        self.assertEqual(places["xen"], ["(XEN) d1 does it"])

    def test_bytes_that_are_no_text(self):
        self.assertEqual(console.split("\x1b[0m\ufffdok\n")["dom0"][0], "\x1b[0m\ufffdok")


if __name__ == "__main__":
    unittest.main()

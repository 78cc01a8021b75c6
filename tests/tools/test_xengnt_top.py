# SPDX-License-Identifier: GPL-2.0
"""tools/xengnt-top on copies of the files that the module shows."""

import contextlib
import io
import json
import pathlib
import shutil
import tempfile
import unittest

from xengnt_top import cli, reading, report, text

HERE = pathlib.Path(__file__).resolve().parent
TOOLS = HERE.parents[1] / "tools"
SAMPLES = HERE / "samples"


def run(*words):
    """Status, standard output and standard error of a call."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = cli.main(list(words))
        except SystemExit as end:
            status = end.code
    return status, out.getvalue(), err.getvalue()


def report_of(first, second, seconds=2):
    before = reading.read_snapshot(str(SAMPLES / first), 1000.0) if first else None
    return report.make_report(before, reading.read_snapshot(str(SAMPLES / second), 1000.0 + seconds))


class Reading(unittest.TestCase):
    def test_pairs(self):
        self.assertEqual(reading.parse_pairs("version 1\nfree 7\n\nodd\nname x y\n"),
                         {"version": 1, "free": 7, "name": "x y"})

    def test_pool_names_may_have_blanks_and_look_like_keys(self):
        pools = reading.parse_pools("name my ring 0 held 1 limit none\nname held held 5\nname alone\n")
        self.assertEqual([pool["name"] for pool in pools][0::2], ["my ring 0", "alone"])
        self.assertEqual(pools[0]["limit"], "none")
        self.assertEqual(pools[1]["held"], 5)

    def test_deferred_lines(self):
        entries = reading.parse_deferred("ref 0x11 domid 3 age_s 9 pool a b\nref 5 domid 0\nnonsense\n")
        self.assertEqual(entries, [{"ref": 17, "domid": 3, "age_s": 9, "pool": "a b"},
                                   {"ref": 5, "domid": 0}])

    def test_files_that_are_not_there_are_named(self):
        snapshot = reading.read_snapshot(str(SAMPLES / "old"), 0)
        self.assertEqual(snapshot.missing, ["pools", "deferred", "domains"])
        self.assertEqual((snapshot.pools, snapshot.deferred), ([], []))


class Rates(unittest.TestCase):
    def test_totals(self):
        rates = report_of("first", "second")["rates"]
        self.assertEqual((rates["allocated"], rates["freed"], rates["reclaimed"]), (250, 210, 1))

    def test_without_an_earlier_look_there_are_none(self):
        found = report_of(None, "first")
        self.assertEqual(set(found["rates"].values()), {None})
        self.assertEqual(found["pools"][0]["allocated_per_s"], None)
        self.assertEqual(found["domains"][0]["deferred_per_s"], None)

    def test_counters_that_began_anew_have_none(self):
        self.assertIsNone(report_of("second", "first")["rates"]["allocated"])

    def test_pools_by_what_they_hold(self):
        rows = report_of("first", "second")["pools"]
        self.assertEqual([row["name"] for row in rows],
                         ["xen_blkfront", "my ring 0", "old ring", "default"])
        self.assertEqual((rows[0]["allocated_per_s"], rows[0]["freed_per_s"]), (150, 110))

    def test_pools_of_one_name_are_kept_apart(self):
        pools = [{"name": "ring", "allocated_total": n, "held": 9 - n} for n in (1, 5)]
        snapshot = reading.Snapshot(0.0, {}, {}, pools, [], [], [])
        later = snapshot._replace(time=1.0, pools=[dict(p, allocated_total=p["allocated_total"] + 2)
                                                   for p in pools])
        rows = report.make_report(snapshot, later)["pools"]
        self.assertEqual([row["allocated_per_s"] for row in rows], [2, 2])

    def test_domains(self):
        rows = {row["domid"]: row for row in report_of("first", "second")["domains"]}
        # 18 went; 17 stayed.
        self.assertEqual(rows[0], {"domid": 0, "granted": 250, "deferred": 1, "oldest_s": 5,
                                   "deferred_per_s": 0, "reclaimed_per_s": 0.5})
        # 100 went and came back (younger than the interval), 101 came, 99 stayed.
        self.assertEqual(rows[5], {"domid": 5, "granted": 0, "deferred": 3, "oldest_s": 42,
                                   "deferred_per_s": 1, "reclaimed_per_s": 0.5})
        # Nothing deferred, but something granted.
        self.assertEqual(rows[7], {"domid": 7, "granted": 130, "deferred": 0, "oldest_s": 0,
                                   "deferred_per_s": 0, "reclaimed_per_s": 0})

    def test_a_domain_that_let_go_of_all_is_shown_once_more(self):
        with tempfile.TemporaryDirectory() as empty:
            shutil.copy(SAMPLES / "second" / "stats", empty)
            before = reading.read_snapshot(str(SAMPLES / "first"), 0)
            after = reading.read_snapshot(empty, 1)
        rows = {row["domid"]: row for row in report.make_report(before, after)["domains"]}
        self.assertEqual((rows[0]["deferred"], rows[0]["reclaimed_per_s"]), (0, 2))
        self.assertIsNone(rows[0]["granted"], "unknown, not none")


class Showing(unittest.TestCase):
    def test_lines(self):
        shown = "\n".join(text.report_lines(report_of("first", "second")))
        self.assertIn("512 leased of 8192, 1 waiting", shown)
        self.assertRegex(shown, r"ALLOC/S +FREE/S +GRANT/S.*\n250.0 +210.0 +0.0 ")
        self.assertIn("out of references 2, free_of_free 1", shown)
        self.assertLess(max(map(len, shown.splitlines())), 80)
        self.assertNotIn("still_busy", shown)
        self.assertRegex(shown, r"xen_blkfront +280 +0 +none +150.0 +110.0")
        self.assertRegex(shown, r"old ring \(destroyed\) +1 +0 +8 +0.0 +0.0")
        self.assertRegex(shown, r"(?m)^5 +0 +3 +42 s +1.0 +0.5$")

    def test_what_is_missing_is_said(self):
        shown = "\n".join(text.report_lines(report_of(None, "old")))
        self.assertIn("has no file pools, deferred, domains", shown)
        self.assertNotIn("POOL", shown)

    def test_of_a_module_with_few_counters(self):
        with tempfile.TemporaryDirectory() as empty:
            pathlib.Path(empty, "stats").write_text("free 3\n")
            status, out, _ = run("--once", "--interval", "0", "--dir", empty)
        self.assertEqual(status, 0)
        self.assertRegex(out, r"FREE +CACHED .*\n3 +- ")


class Running(unittest.TestCase):
    def test_once_json(self):
        status, out, err = run("--once", "--json", "--interval", "0.01", "--dir",
                               str(SAMPLES / "first"))
        found = json.loads(out)
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(found["format"], 1)
        self.assertEqual(found["stats"]["granted"], 300)
        self.assertEqual(found["rates"]["allocated"], 0)
        self.assertEqual({row["domid"] for row in found["domains"]}, {0, 5})

    def test_reports_without_a_terminal(self):
        status, out, _ = run("--count", "2", "--interval", "0.1", "--dir", str(SAMPLES / "first"))
        self.assertEqual((status, out.count("xengnt-top ")), (0, 2))
        self.assertNotIn("\x1b", out)

    def test_no_files(self):
        with tempfile.TemporaryDirectory() as empty:
            status, out, err = run("--once", "--dir", empty)
        self.assertEqual((status, out), (1, ""))
        self.assertIn("name a directory with a copy of /sys/kernel/debug/xengnt", err)

    def test_arguments(self):
        for words, expected in ((["--json"], "--json needs --once or --doctor"),
                                (["--interval", "0"], "must be 0.1 to 3600"),
                                (["--once", "--interval", "-1"], "must be 0 to 3600"),
                                (["--interval", "nan"], "must be 0.1 to 3600"),
                                (["--count", "0"], "at least 1")):
            status, _, err = run(*words)
            self.assertEqual(status, 2, words)
            self.assertIn(expected, err)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: GPL-2.0
"""Each diagnosis of xengnt-top --doctor: a healthy guest has none of it, and one
change brings it.

The guest is the recording below samples/guest, of a PV dom0 in QEMU. What QEMU
cannot show is made from it here: an AMD host under an HVM guest, lost hooks.
"""

import contextlib
import copy
import io
import json
import pathlib
import unittest

from xengnt_top import cli, doctor, record, uncached

HERE = pathlib.Path(__file__).resolve().parent
GUEST = HERE / "samples" / "guest"
# /proc/iomem and /proc/mtrr of an HVM guest: the platform device below an uncacheable range.
IOMEM = "f0000000-fbffffff : PCI Bus 0000:00\n  f2000000-f2ffffff : 0000:00:02.0\n" \
        "    f2000000-f2ffffff : xen-platform-pci\n"
MTRR = "reg00: base=0x0f0000000 ( 3840MB), size=  128MB, count=1: uncachable\n" \
       "reg01: base=0x0f8000000 ( 3968MB), size=   64MB, count=1: uncachable\n"


class Diagnoses(unittest.TestCase):
    def setUp(self):
        self.facts = record.read_facts(str(GUEST))

    def found(self, **changes):
        facts = {**copy.deepcopy(self.facts), **changes}
        return {one["id"]: one for one in doctor.diagnose(facts)}

    def sysfs(self, **changes):
        return {**self.facts["sysfs"], **{key.replace("__", "/"): value
                                          for key, value in changes.items()}}

    def test_the_recorded_guest_has_no_problem(self):
        found = self.found()
        self.assertFalse([one for one in found.values() if one["severity"] == "problem"], found)
        self.assertIn("holders", found)
        self.assertIn("pool selftest_watch holds", " ".join(found["holders"]["evidence"]))

    def test_every_finding_has_evidence_and_says_what_to_do(self):
        for one in self.found(sysfs=self.sysfs(table__headroom=1, takeover__hooks_lost=2,
                                               references__deferred_oldest_s=100),
                              modules=["xen_netfront"]).values():
            self.assertTrue(one["evidence"], one)
            self.assertTrue(one["says"].endswith("."), one)
            self.assertTrue(one["advice"] or one["id"] == "holders", one)

    def test_not_xen_not_loaded(self):
        self.assertIn("not_xen", self.found(xen=False, sysfs=None))
        self.assertIn("not_loaded", self.found(sysfs=None))
        self.assertIn("no_debugfs", self.found(debugfs=False))

    def test_headroom(self):
        most = self.facts["sysfs"]["table/references_max"]
        at, below = -(-most // 10), -(-most // 10) - 1
        self.assertNotIn("headroom", self.found(sysfs=self.sysfs(table__headroom=at)))
        low = self.found(sysfs=self.sysfs(table__headroom=below, table__used=most - below))
        self.assertEqual(low["headroom"]["severity"], "problem")
        frames = self.facts["sysfs"]["table/frames_max"]
        advice = low["headroom"]["advice"]
        set_to = int(advice.split("gnttab_max_frames=")[1].split()[0])
        self.assertGreaterEqual(set_to, 1.8 * frames, advice)
        self.assertIn(f"max_grant_frames={set_to}", advice)

    def test_headroom_of_a_guest_with_devices(self):
        low = self.found(sysfs=self.sysfs(table__headroom=1), devices=[
            {"name": "vif-0", "type": "vif"}])
        self.assertIn("this guest's configuration", low["headroom"]["advice"])

    def test_refused(self):
        self.assertIn("5 times", self.found(sysfs=self.sysfs(totals__refused=5))["refused"]["says"])

    def test_deferred(self):
        self.assertNotIn("deferred", self.found(
            sysfs=self.sysfs(references__deferred_oldest_s=59)))
        found = self.found(
            sysfs=self.sysfs(references__deferred_oldest_s=75),
            deferred=[{"ref": 9, "domid": 4, "age_s": 75}, {"ref": 10, "domid": 4, "age_s": 3}])
        self.assertEqual(found["deferred"]["evidence"], ["domain 4 keeps 2, the oldest for 75 s"])

    def test_the_kernels_own_deferrals(self):
        found = self.found(dmesg=["[1.0] xen:grant_table: WARNING: g.e. 0x1b still in use!",
                                  "[2.0] xen:grant_table: deferring g.e. 0x1b (pfn 0x1234)",
                                  "[3.0] xen:grant_table: freeing g.e. 0x1b"])
        self.assertEqual(found["kernel_deferrals"]["evidence"][0], "2 such lines in the log")

    def test_drivers_that_are_not_on_xengnt(self):
        modules = ["xen_netfront", "xen_blkfront", "ext4"]
        found = self.found(modules=modules, holders=["xen_blkfront"])["not_on_xengnt"]
        self.assertIn("xen_netfront", found["says"])
        self.assertNotIn("xen_blkfront", found["says"])
        self.assertNotIn("not_on_xengnt", self.found(
            modules=modules, sysfs=self.sysfs(takeover__active=1)))

    def test_version_two(self):
        self.assertNotIn("version_2", self.found())
        self.assertIn("version_2", self.found(sysfs=self.sysfs(table__version=2)))

    def test_wrong_calls(self):
        self.assertNotIn("misuse", self.found(sysfs=self.sysfs(errors__still_busy=4)))
        found = self.found(sysfs=self.sysfs(errors__free_of_free=2), dmesg=[
            "xengnt: reference 0x9 (domain 0): freed, but it is free already; caller f [m]"])
        self.assertEqual(len(found["misuse"]["evidence"]), 2)

    def test_hooks_lost(self):
        self.assertIn("hooks_lost", self.found(sysfs=self.sysfs(takeover__hooks_lost=1)))

    def test_uncached(self):
        amd = {"guest_type": "HVM", "iomem": IOMEM, "mtrr": MTRR, "cpuinfo": "vendor_id : AuthenticAMD"}
        self.assertIn("reg00", " ".join(self.found(**amd)["uncached"]["evidence"]))
        for change in ({"guest_type": "PVH"}, {"cpuinfo": "vendor_id : GenuineIntel"},
                       {"mtrr": MTRR.replace("uncachable", "write-back")},
                       {"mtrr": MTRR.splitlines()[1]}, {"iomem": ""}):
            self.assertEqual(uncached.uncached_table({**self.facts, **amd, **change}), [], change)

    def test_too_few_frames(self):
        disks = [{"name": f"vbd-{n}", "type": "vbd"} for n in range(12)]
        few = self.found(devices=disks, cpus=4, sysfs=self.sysfs(
            table__frames_max=32, table__references_max=32 * 512))["too_few_frames"]
        # 12 disks, 4 queues, 32 requests of 33 references and a page of ring each.
        self.assertIn(f"need {-(-(12 * 4 * (32 * 33 + 1) + 40) // 512)} frames", few["says"])
        self.assertNotIn("too_few_frames", self.found(devices=disks[:1], cpus=4))

    def test_words_and_json(self):
        for words in ([], ["--json"]):
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                status = cli.main(["--doctor", "--root", str(GUEST), *words])
            self.assertEqual(status, 0, out.getvalue())
            if words:
                self.assertIn("holders", [one["id"] for one in json.loads(out.getvalue())["findings"]])
            else:
                self.assertIn("0 problems", out.getvalue())


if __name__ == "__main__":
    unittest.main()

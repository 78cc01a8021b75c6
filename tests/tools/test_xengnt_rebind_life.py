# SPDX-License-Identifier: GPL-2.0
"""tools/xengnt-rebind over time: what is signed, remembered, stale, brought along
to another kernel, taken away."""

import os
import pathlib
import subprocess
import unittest
from unittest import mock

from sample_modules import KERNEL_CRCS, OUR_CRCS, RELEASE, Tree, missing_programs, modinfo, program
from test_xengnt_rebind import HERE, Case, modfile

HOOK = HERE.parents[1] / "debian" / "xengnt-rebind.kernel-hook"
SIGN_FILES = sorted(pathlib.Path("/usr/lib").glob("linux-kbuild-*/scripts/sign-file"))


class Living(Case):
    def setUp(self):
        super().setUp()
        self.tree.xengnt()
        self.tree.driver()
        self.programs = self.folder / "programs"
        path = mock.patch.dict(os.environ, {"PATH": f"{self.programs}:{os.environ['PATH']}"})
        path.start()
        self.addCleanup(path.stop)

    def put(self, path, text=""):
        path = self.tree.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def listed(self):
        path = self.tree.root / "etc/xengnt/rebind"
        if not path.exists():
            return None
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line[0] != "#"]


class Signing(Living):
    def key(self, folder="var/lib/dkms"):
        self.put(f"{folder}/mok.key")
        self.put(f"{folder}/mok.pub")

    def sign_file(self, text='echo "$@" >>"$0.log"; printf signed >>"$4"', path="build/scripts"):
        return program(self.tree.dir / path, "sign-file", text)

    def test_without_a_key(self):
        self.assertIn("not signed (no key)", self.succeeds("xen-netfront"))
        self.assertIn("not signed", self.succeeds("--status"))

    def test_with_the_key_of_dkms(self):
        self.key()
        tool = self.sign_file()
        self.put(f"boot/config-{RELEASE}", 'CONFIG_MODULE_SIG_HASH="sha384"\n')
        self.assertIn("1 drivers rebound, signed", self.succeeds("xen-netfront"))
        self.assertTrue(self.tree.rebound().read_bytes().endswith(b"signed"))
        words = pathlib.Path(f"{tool}.log").read_text(encoding="utf-8").split()
        keys = self.tree.root / "var/lib/dkms"
        self.assertEqual(words[:3], ["sha384", str(keys / "mok.key"), str(keys / "mok.pub")])

    def test_where_dkms_is_told_to_look(self):
        self.key("keys")
        tool = program(self.tree.root / f"opt/{RELEASE}", "sign-file", 'printf told >>"$4"')
        self.put("etc/dkms/framework.conf", "mok_signing_key=/nowhere\n# mok_certificate=/nowhere\n")
        self.put("etc/dkms/framework.conf.d/local.conf", "mok_signing_key=\"/keys/mok.key\"  # ours\n"
                 "mok_certificate='/keys/mok.pub'\nsign_file=/opt/${kernelver}/sign-file\n")
        self.succeeds("xen-netfront")
        self.assertTrue(self.tree.rebound().read_bytes().endswith(b"told"))
        self.assertTrue(tool.exists())

    def test_settings_that_only_a_shell_understands(self):
        self.put("etc/dkms/framework.conf", "mok_signing_key=$HOME/mok.key\n")
        self.refuses("cannot tell what mok_signing_key=.HOME/mok.key is")

    def test_without_the_program(self):
        self.key()
        self.put("etc/dkms/framework.conf", "sign_file=/nowhere/sign-file\n")
        with mock.patch("shutil.which", lambda name: None):
            self.refuses(f"no program sign-file: install linux-headers-{RELEASE}")
        self.assertIn("not signed", self.succeeds("xen-netfront", "--unsigned"))

    def test_without_the_certificate(self):
        self.put("var/lib/dkms/mok.key")
        self.sign_file()
        self.refuses("not its certificate .*mok.pub")

    def test_a_program_that_fails(self):
        self.key()
        self.sign_file("echo no such key >&2; exit 1")
        self.refuses("sign-file .* failed: no such key")

    def test_a_kernel_that_wants_signatures(self):
        self.put(f"boot/config-{RELEASE}", "CONFIG_MODULE_SIG_FORCE=y\n")
        self.refuses("loads signed modules only: there is no key .*var/lib/dkms/mok.key")
        self.key()
        self.refuses("loads signed modules only: leave --unsigned out", "xen-netfront", "--unsigned")
        self.sign_file()
        self.succeeds("xen-netfront")

    @unittest.skipIf(not SIGN_FILES or missing_programs("openssl"), "no sign-file or openssl here")
    def test_with_the_kernels_own_program(self):
        keys = self.tree.root / "var/lib/dkms"
        keys.mkdir(parents=True)
        subprocess.run(["openssl", "req", "-new", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=sample",
                        "-outform", "DER", "-keyout", keys / "mok.key", "-out", keys / "mok.pub"],
                       check=True, capture_output=True)
        self.put("etc/dkms/framework.conf", "sign_file=/sign-file\n")
        (self.tree.root / "sign-file").symlink_to(SIGN_FILES[-1])
        self.succeeds("xen-netfront")
        self.assertIn("functions of xengnt, signed", self.succeeds("--status"))
        signer = subprocess.run(["modinfo", "-F", "signer", self.tree.rebound()], check=True, capture_output=True,
                                text=True).stdout
        self.assertEqual(signer.strip(), "sample")
        # The signature of an original is not kept: it would be a false one.
        original = self.tree.dir / "kernel/drivers/xen/xen-netfront.ko"
        unsigned = self.read().data
        subprocess.run([SIGN_FILES[-1], "sha256", keys / "mok.key", keys / "mok.pub", original], check=True)
        self.assertTrue(modfile.ModuleFile(original.read_bytes()).was_signed)
        self.succeeds("xen-netfront", "--unsigned")
        after = self.tree.rebound().read_bytes()
        self.assertNotIn(modfile.SIGNATURE_MAGIC, after)
        self.assertEqual(len(after), len(unsigned))


class Status(Living):
    def stale(self, pattern):
        status, out, _ = self.run_tool("--status")
        self.assertEqual(status, 1)
        self.assertRegex(out, pattern)
        self.assertIn(f"run xengnt-rebind xen-netfront --kernel {RELEASE}, or --remove it", out)

    def test_nothing_rebound(self):
        self.assertIn("no driver is rebound", self.succeeds("--status"))

    def test_ready(self):
        self.succeeds("xen-netfront")
        self.assertIn("xen-netfront: ready, 2 functions of xengnt", self.succeeds("--status"))

    def test_a_driver_that_changed_since(self):
        self.succeeds("xen-netfront")
        self.tree.driver(crcs={**KERNEL_CRCS, "more": 1})
        self.stale("xen-netfront: stale: kernel/drivers/xen/xen-netfront.ko has changed since")
        self.succeeds("xen-netfront")
        self.succeeds("--status")

    def test_a_driver_that_is_gone(self):
        self.succeeds("xen-netfront")
        (self.tree.dir / "kernel/drivers/xen/xen-netfront.ko").unlink()
        self.stale("stale: kernel/drivers/xen/xen-netfront.ko is gone")

    def test_xengnt_that_changed_since(self):
        self.succeeds("xen-netfront")
        self.tree.xengnt(exports={**OUR_CRCS, "xengnt_end_foreign_access": 1})
        self.stale("stale: xengnt.ko has changed since")
        self.tree.xengnt(exports={"xengnt_map_refs": 1})
        self.stale("stale: xengnt.ko has changed since")

    def test_xengnt_that_is_gone(self):
        self.succeeds("xen-netfront")
        (self.tree.dir / "updates/xengnt.ko").unlink()
        self.stale("unusable: xengnt.ko is not installed")

    def test_an_index_that_is_old(self):
        self.succeeds("xen-netfront")
        (self.tree.dir / "modules.dep").write_text("", encoding="ascii")
        self.stale("unusable: modprobe does not find xen-netfront: run depmod")

    def test_a_file_of_somebody_else(self):
        self.succeeds("xen-netfront")
        self.tree.rebound().write_bytes((self.tree.dir / "kernel/drivers/xen/xen-netfront.ko").read_bytes())
        self.stale("not made by xengnt-rebind")


class Remembering(Living):
    def setUp(self):
        super().setUp()
        self.tree.driver("xen-blkfront")

    def later_kernel(self, **words):
        """Installed after the drivers were named."""
        later = Tree.__new__(Tree)
        later.root, later.release = self.tree.root, "6.1.0-1-sample"
        later.dir = later.root / "lib/modules" / later.release
        later.dir.mkdir(parents=True)
        magic = f"{later.release} SMP preempt mod_unload modversions "
        later.xengnt(magic=magic, **words)
        later.driver(info=modinfo(vermagic=magic))
        return later

    def test_names_are_added_and_taken_away(self):
        self.succeeds("xen-netfront")
        self.succeeds("xen-blkfront")
        self.assertEqual(self.listed(), ["xen-blkfront", "xen-netfront"])
        self.assertIn("updates/xengnt/xen-blkfront.ko is removed", self.succeeds("--remove", "xen-blkfront"))
        self.assertEqual(self.listed(), ["xen-netfront"])
        self.succeeds("--remove")
        self.assertIsNone(self.listed())
        self.assertFalse(self.tree.rebound().parent.exists())
        self.assertTrue((self.tree.dir / "updates/xengnt.ko").exists())

    def test_after_remove_all_is_as_it_was(self):
        before = self.tree.content()
        index = (self.tree.dir / "modules.dep").read_bytes()
        self.succeeds("--all")
        self.assertEqual(self.listed(), ["all"])
        self.succeeds("--remove")
        self.assertEqual(self.tree.content(), before)
        self.assertEqual((self.tree.dir / "modules.dep").read_bytes(), index)
        self.assertIn("nothing to remove", self.succeeds("--remove"))

    def test_what_failed_is_not_remembered(self):
        self.refuses("no module", "xen-netfront", "xen-nothing")
        self.succeeds("xen-netfront", "--dry-run")
        self.assertIsNone(self.listed())

    def test_a_later_kernel(self):
        self.succeeds("xen-netfront", "xen-blkfront")
        later = self.later_kernel()
        out = self.succeeds("--again", kernel=later.release)
        self.assertIn(f"the kernel {later.release} has no module xen-blkfront: left out", out)
        self.assertTrue(later.rebound().exists())
        self.assertEqual(self.listed(), ["xen-blkfront", "xen-netfront"])

    def test_all_kernels(self):
        later = self.later_kernel()
        self.succeeds("xen-netfront", kernel="all")
        self.assertTrue(later.rebound().exists() and self.tree.rebound().exists())
        self.succeeds("--remove", kernel="all")
        self.assertFalse(later.rebound().exists() or self.tree.rebound().exists())

    def test_again_without_a_list(self):
        before = self.tree.content()
        self.assertEqual(self.succeeds("--again"), "")
        self.assertEqual(self.tree.content(), before)

    def test_again_with_another_xengnt(self):
        self.succeeds("--all")
        self.tree.xengnt(exports={name: crc + 16 for name, crc in OUR_CRCS.items()})
        self.succeeds("--again")
        self.assertEqual(self.read().versions["xengnt_end_foreign_access"],
                         OUR_CRCS["xengnt_end_foreign_access"] + 16)
        self.succeeds("--status")

    def test_again_takes_away_what_would_not_load(self):
        self.succeeds("xen-netfront")
        (self.tree.dir / "updates/xengnt.ko").unlink()
        status, _, err = self.run_tool("--again")
        self.assertEqual(status, 1)
        self.assertIn(f"The kernel {RELEASE} uses its own drivers until xengnt-rebind --again", err)
        self.assertFalse(self.tree.rebound().exists())
        self.assertIn("kernel/drivers/xen/xen-netfront.ko:", (self.tree.dir / "modules.dep").read_text())
        self.assertEqual(self.listed(), ["xen-netfront"], "for when xengnt.ko is there again")

    def test_the_initramfs(self):
        program(self.programs, "lsinitramfs", "echo usr/lib/modules/x/kernel/xen-blkfront.ko.xz")
        self.put(f"boot/initrd.img-{RELEASE}")
        self.assertNotIn("initramfs", self.succeeds("xen-netfront"))
        self.assertRegex(self.succeeds("xen-blkfront"), "its initramfs has them in it: rebuild it, with chroot "
                         f".* update-initramfs -u -k {RELEASE}")
        self.assertNotIn("initramfs", self.succeeds("xen-blkfront", "--no-initramfs"))
        self.assertIn("initramfs has them", self.succeeds("--remove"))
        program(self.programs, "lsinitramfs", "exit 1")
        self.assertIn("initramfs may have them", self.succeeds("xen-netfront"))


class Hook(Living):
    """The hooks for kernels that come and go, with the tool replaced by one that says how it was called."""

    def call(self, place, *words, tool='echo "$@"'):
        folder = self.folder / place
        folder.mkdir(exist_ok=True)
        hook = folder / "hook"
        text = HOOK.read_text(encoding="utf-8")
        self.assertIn("/usr/sbin/xengnt-rebind", text)
        fake = program(self.programs, "xengnt-rebind", tool) if tool else self.folder / "nothing"
        text = text.replace("/usr/sbin/xengnt-rebind", str(fake))
        hook.write_text(text.replace("=/lib/modules", f"={self.tree.dir.parent}"), encoding="utf-8")
        done = subprocess.run(["sh", hook, *words], check=False, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    def test_a_kernel_comes(self):
        self.assertEqual(self.call("postinst.d", "6.1", "/boot/vmlinuz-6.1"),
                         (0, "--again --kernel 6.1 --no-initramfs\n", ""))
        self.assertEqual(self.call("header_postinst.d", "6.1"), (0, "--again --kernel 6.1\n", ""))

    def test_a_kernel_goes(self):
        self.succeeds("xen-netfront")
        self.assertEqual(self.call("postrm.d", RELEASE), (0, "", ""))
        self.assertTrue(self.tree.rebound().exists(), "the kernel is still there")
        (self.tree.dir / "kernel").rename(self.folder / "gone")
        self.assertEqual(self.call("postrm.d", RELEASE), (0, "", ""))
        self.assertEqual([path.name for path in (self.tree.dir / "updates").iterdir()], ["xengnt.ko"])

    def test_a_failure_does_not_stop_the_kernels_installation(self):
        status, _, err = self.call("postinst.d", "6.1", tool="exit 1")
        self.assertEqual(status, 0)
        self.assertIn("the kernel 6.1 uses its own drivers", err)

    def test_the_tool_is_gone(self):
        self.assertEqual(self.call("postinst.d", "6.1", tool=None), (0, "", ""))


if __name__ == "__main__":
    unittest.main()

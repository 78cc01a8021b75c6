# SPDX-License-Identifier: GPL-2.0
"""tools/xengnt-rebind on small modules in a tree of their own."""

import contextlib
import importlib.machinery
import importlib.util
import io
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

import sample_modules as samples
from sample_modules import END, GRANT, KERNEL_CRCS, MAP, OUR_CRCS, RELEASE, modinfo, pack, program

HERE = pathlib.Path(__file__).resolve().parent
VERSION = (HERE.parent.parent / "VERSION").read_text(encoding="ascii").strip()
TOOL = HERE.parents[1] / "tools" / "xengnt-rebind"

def load_tool():
    loader = importlib.machinery.SourceFileLoader("xengnt_rebind_tool", str(TOOL))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("xengnt_rebind_tool", loader))
    loader.exec_module(module)
    return module


tool = load_tool()
modfile = sys.modules["xengnt_rebind.modfile"]
install = sys.modules["xengnt_rebind.install"]


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.tree = samples.Tree(self.folder / "root")

    def run_tool(self, *words, kernel=RELEASE):
        """Status, standard output and standard error."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                status = tool.main([*words, "--root", str(self.tree.root), *(["--kernel", kernel] if kernel else [])])
            except SystemExit as end:
                status = end.code
        return status, out.getvalue(), err.getvalue()

    def succeeds(self, *words, **more):
        status, out, err = self.run_tool(*words, **more)
        self.assertEqual((status, err), (0, ""), out)
        return out

    def refuses(self, pattern, *words):
        """An error that matches, and no file changed."""
        before = self.tree.content()
        status, out, err = self.run_tool(*(words or ("xen-netfront",)))
        self.assertEqual(status, 1, out)
        self.assertRegex(err, pattern)
        self.assertRegex(err, r"Nothing was changed\n$")
        self.assertEqual(self.tree.content(), before)

    def read(self, name="xen-netfront"):
        return modfile.ModuleFile(self.tree.rebound(name).read_bytes())


class Rewriting(Case):
    def setUp(self):
        super().setUp()
        self.tree.xengnt()

    def test_symbols_and_crcs_are_ours(self):
        original = self.tree.driver()
        before = original.read_bytes()
        out = self.succeeds("xen-netfront")
        self.assertIn("kernel/drivers/xen/xen-netfront.ko -> updates/xengnt/xen-netfront.ko: 2 functions", out)
        module = self.read()
        self.assertEqual(module.undefined("gnttab_"), [])
        self.assertEqual(module.undefined("xengnt_"), ["xengnt_end_foreign_access", "xengnt_grant_foreign_access"])
        self.assertEqual(module.versions["xengnt_grant_foreign_access"], OUR_CRCS["xengnt_grant_foreign_access"])
        self.assertEqual(module.versions["printk"], KERNEL_CRCS["printk"])
        self.assertEqual(len(module.versions), len(KERNEL_CRCS))
        self.assertEqual(original.read_bytes(), before)

    def test_only_what_is_imported_has_another_name(self):
        old = modfile.ModuleFile(self.tree.driver().read_bytes())
        self.succeeds("xen-netfront")
        new = self.read()
        renamed = {symbol.name: after.name for symbol, after in zip(old.symbols, new.symbols)
                   if symbol.name != after.name}
        self.assertEqual(renamed, {name: name.replace("gnttab_", "xengnt_") for name in (GRANT, END)})
        self.assertIn(f"of_{GRANT}", [symbol.name for symbol in new.symbols])
        changed = {section.name for section, after in zip(old.sections, new.sections) if section.data != after.data}
        self.assertEqual(changed, {".modinfo", "__versions", ".symtab", ".strtab"})
        for section in new.sections:
            self.assertEqual(section.offset % max(section.align, 1), 0, section.name)

    def test_binutils_take_it_and_its_calls_lead_to_ours(self):
        self.tree.driver()
        self.succeeds("xen-netfront")
        main = self.folder / "main.c"
        main.write_text("int sample(void); int printk(void) { return 0; }\n"
                        "int xengnt_grant_foreign_access(void) { return 40; }\n"
                        "int xengnt_end_foreign_access(void) { return 2; }\n"
                        "int main(void) { return sample() == 42 ? 0 : 1; }\n", encoding="ascii")
        subprocess.run(["gcc", "-no-pie", "-xc", main, "-xnone", "-o", self.folder / "main",
                        "-Wl,--no-warn-execstack", "-xnone", self.object_of("xen-netfront")], check=True)
        subprocess.run([self.folder / "main"], check=True)

    def object_of(self, name):
        return shutil.copy(self.tree.rebound(name), self.folder / "rebound.o")

    def test_modinfo(self):
        self.tree.driver(info=modinfo(depends="xen-front-pgdir-shbuf"))
        self.succeeds("xen-netfront")
        module = self.read()
        self.assertEqual(module.info("depends"), "xen-front-pgdir-shbuf,xengnt")
        self.assertEqual(module.info("xengnt_rebound"), VERSION)
        self.assertIsNone(module.info("intree"), "it is not as it was in the kernel's tree")
        self.assertEqual(module.info("license"), "GPL")
        self.assertEqual([field for field in module.modinfo if field.startswith(b"depends=")],
                         [b"depends=xen-front-pgdir-shbuf,xengnt"])

    def test_modprobe_brings_xengnt_along(self):
        self.tree.driver()
        self.succeeds("xen_netfront")
        said = subprocess.run(["modprobe", "-d", self.tree.root, "-S", RELEASE, "-D", "xen-netfront"], check=True,
                              capture_output=True, text=True).stdout.split()
        self.assertEqual([pathlib.Path(word).name for word in said[1::2]], ["xengnt.ko", "xen-netfront.ko"])
        self.assertIn("/updates/xengnt/", said[3])

    def test_twice_is_the_same_as_once(self):
        self.tree.driver()
        self.succeeds("xen-netfront")
        once = self.tree.content()
        self.succeeds("xen-netfront")
        self.assertEqual(self.tree.content(), once)

    def test_packed_files(self):
        for number, command in enumerate((["xz", "--check=crc32"], ["gzip"], ["zstd", "-q", "--rm"])):
            name = f"driver{number}"
            pack(self.tree.driver(name), command)
        self.tree.depmod()
        self.succeeds("driver0", "driver1", "driver2")
        for number in range(3):
            self.assertEqual(len(self.read(f"driver{number}").undefined("xengnt_")), 2)

    def test_underscores_stay_in_the_file_name(self):
        self.tree.driver("9pnet_xen")
        self.succeeds("9pnet-xen")
        self.assertTrue(self.tree.rebound("9pnet_xen").exists())

    def test_all_are_those_that_use_the_grant_table(self):
        for name, imports in (("xen-blkfront", (MAP,)), ("xen-netfront", (GRANT,)), ("other", ())):
            self.tree.driver(name, imports)
        self.tree.driver("rebuilt", ("xengnt_map_refs",), {**KERNEL_CRCS, "xengnt_map_refs": 1})
        out = self.succeeds("--all")
        self.assertIn("2 drivers rebound", out)
        self.assertEqual(sorted(path.name for path in self.tree.rebound().parent.iterdir()),
                         ["xen-blkfront.ko", "xen-netfront.ko"])

    def test_crcs_that_are_values_of_symbols(self):
        self.tree.xengnt(export_form="absolute")
        self.tree.driver()
        self.succeeds("xen-netfront")
        self.assertEqual(self.read().versions["xengnt_end_foreign_access"], OUR_CRCS["xengnt_end_foreign_access"])

    def test_a_kernel_without_modversions(self):
        magic = f"{RELEASE} SMP "
        self.tree.xengnt(crcs={}, export_form="none", magic=magic)
        self.tree.driver(crcs=None, info=modinfo(vermagic=magic))
        self.succeeds("xen-netfront")
        self.assertIsNone(self.read().versions)

    def test_dry_run_changes_nothing(self):
        self.tree.driver()
        before = self.tree.content()
        self.assertIn("nothing was changed", self.succeeds("xen-netfront", "--dry-run"))
        self.assertEqual(self.tree.content(), before)


class Refusing(Case):
    def setUp(self):
        super().setUp()
        self.tree.xengnt()

    def test_a_function_that_xengnt_lacks(self):
        name = "gnttab_of_next_year"
        self.tree.driver(imports=(GRANT, name), crcs={**KERNEL_CRCS, name: 9})
        self.refuses(f"uses {name}, which the installed xengnt.ko does not have: install a later")

    def test_one_of_two(self):
        self.tree.driver("xen-blkfront")
        self.tree.driver(imports=("gnttab_of_next_year",), crcs={**KERNEL_CRCS, "gnttab_of_next_year": 9})
        self.refuses("gnttab_of_next_year", "xen-blkfront", "xen-netfront")
        self.refuses("gnttab_of_next_year", "--all")

    def test_the_variable(self):
        self.tree.driver(imports=(GRANT, "xen_auto_xlat_grant_frames"))
        self.refuses("uses the variable xen_auto_xlat_grant_frames")

    def test_extended_versions(self):
        for name in ("__version_ext_crcs", "__version_ext_names"):
            self.tree.driver(extra=samples.section(name, [".long 1"]))
            self.refuses(f"in the section {name} too, which this program cannot rewrite")

    def test_other_forms_of_versions(self):
        entry = samples.versions_of(KERNEL_CRCS)
        for lines, text in ((entry + [".long 1"], "not a multiple of 64"),
                            (entry + [".quad 0x100000000", '.ascii "abc"', ".zero 53"], "unknown form"),
                            (entry + [".quad 1", ".fill 56,1,65"], "unknown form"),
                            (entry + [".quad 1", '.ascii "a\\0b"', ".zero 53"], "unknown form"),
                            (entry + entry[:3], "unknown form")):
            self.tree.driver(crcs=None, extra=samples.section("__versions", lines))
            self.refuses(text)

    def test_versions_that_are_missing(self):
        self.tree.driver(crcs=None)
        self.refuses("__versions was removed")
        self.tree.driver(crcs={"printk": 0x22222222, GRANT: 1})
        self.refuses(f"no entry for {END}")

    def test_what_is_on_xengnt_already(self):
        self.tree.driver()
        self.succeeds("xen-netfront")
        shutil.move(self.tree.rebound(), self.tree.dir / "kernel/drivers/xen/xen-netfront.ko")
        self.refuses("made by xengnt-rebind already")
        self.tree.driver(imports=("xengnt_map_refs",))
        self.refuses("on xengnt already: it was built against its headers")
        self.tree.driver(imports=(MAP, "xengnt_map_refs"), crcs={**KERNEL_CRCS, "xengnt_map_refs": 1})
        self.refuses("uses functions of xengnt and gnttab_map_refs of the kernel: leave this driver out")

    def test_a_driver_without_grants(self):
        self.tree.driver(imports=())
        self.refuses("does not use the grant table")
        self.refuses("no module of the kernel .* uses the grant table", "--all")

    def test_another_kernel(self):
        self.tree.driver(info=modinfo(vermagic="5.10.0 SMP "))
        self.refuses("was built for the kernel 5.10.0")
        status, _, err = self.run_tool("xen-netfront", kernel="9.9")
        self.assertEqual(status, 1)
        self.assertRegex(err, "there are no modules of a kernel 9.9 .*name one that is installed with --kernel")

    def test_another_build_of_the_kernel(self):
        self.tree.driver(crcs={**KERNEL_CRCS, "module_layout": 5})
        self.refuses("another build of this kernel .the CRCs of module_layout differ")
        self.tree.xengnt(magic=f"{RELEASE} SMP mod_unload modversions ")
        self.refuses("xengnt.ko was built for .*build xengnt.ko again")

    def test_another_licence(self):
        self.tree.driver(info=modinfo(license="Proprietary"))
        self.refuses("licence is 'Proprietary'")

    def test_xengnt_that_is_not_there_or_has_no_crcs(self):
        self.tree.driver()
        (self.tree.dir / "updates" / "xengnt.ko").unlink()
        self.refuses("xengnt.ko is not installed for the kernel .*: install the package xengnt-dkms")
        self.tree.xengnt(export_form="none")
        self.refuses("xengnt.ko has no CRCs")
        self.tree.xengnt(export_form="relative")
        self.refuses("xengnt.ko: the CRC of __crc_xengnt_.* is of an unknown form")

    def test_files_that_are_no_modules(self):
        path = self.tree.driver()
        good = path.read_bytes()
        for data, text in ((b"", "not a module of a 64-bit"), (b"hello" * 99, "not a module"),
                           (good[:4] + b"\1" + good[5:], "64-bit"), (good[:5] + b"\2" + good[6:], "little-endian"),
                           (good[:300], "table of sections is damaged"),
                           (good[:16] + b"\2" + good[17:], "not a relocatable"),
                           (good + modfile.SIGNATURE_MAGIC, "not a PKCS#7|longer than|cut off")):
            path.write_bytes(data)
            self.refuses(text)

    def test_every_cut_and_every_changed_byte_is_an_error_or_a_module(self):
        good = self.tree.driver().read_bytes()
        for size in range(0, len(good), 97):
            with self.assertRaises(modfile.NotUnderstood):
                modfile.ModuleFile(good[:size])
        for at in range(0, len(good), 13):
            with contextlib.suppress(modfile.NotUnderstood):
                modfile.ModuleFile(good[:at] + bytes([good[at] ^ 0xFF]) + good[at + 1:])

    def test_a_packed_file_that_is_damaged(self):
        for command in (["xz"], ["gzip"], ["zstd", "-q", "--rm"]):
            path = pack(self.tree.driver(), command)
            path.write_bytes(path.read_bytes()[:-30])
            self.refuses("cannot be unpacked .*install its package again")
            path.unlink()

    def test_names(self):
        self.tree.driver()
        self.refuses("has no module xen-nothing", "xen-nothing")
        (self.tree.dir / "modules.builtin").write_text("kernel/drivers/tty/hvc/hvc_xen.ko\n", encoding="ascii")
        self.refuses("hvc-xen is built into the kernel .*takeover=1", "hvc-xen")
        for words in ((), ("xen-netfront", "--all"), ("./xen-netfront.ko",), ("--all", "--remove")):
            self.assertEqual(self.run_tool(*words)[0], 2)

    def test_two_files_of_one_name(self):
        self.tree.driver()
        self.tree.compile("extra/xen-netfront.ko", [GRANT], KERNEL_CRCS, modinfo(), {})
        (self.tree.dir / "modules.dep").unlink()
        self.refuses("there several times")
        self.tree.depmod()
        self.succeeds("xen-netfront")
        first = self.tree.content()
        self.succeeds("xen-netfront")
        self.assertEqual(self.tree.content(), first, "the same of the two was taken")

    def test_an_index_that_prefers_another(self):
        self.tree.driver()
        (self.tree.dir / "modules.dep").unlink()
        folder = self.folder / "programs"
        program(folder, "depmod", f'echo "kernel/drivers/xen/xen-netfront.ko:" >{self.tree.dir}/modules.dep')
        with mock.patch.dict(os.environ, {"PATH": f"{folder}:{os.environ['PATH']}"}):
            self.refuses("depmod prefers kernel/drivers/xen/xen-netfront.ko")


class Undoing(Case):
    """When a step fails, everything is as it was."""

    def setUp(self):
        super().setUp()
        self.tree.xengnt()
        for name in ("xen-blkfront", "xen-netfront"):
            self.tree.driver(name)
        self.succeeds("xen-netfront")
        self.tree.driver(crcs={**KERNEL_CRCS, "another": 1})

    def test_a_full_disk(self):
        replace, calls = os.replace, []

        def fails(source, target):
            calls.append(target)
            if len(calls) == 2:
                raise OSError(28, "No space left on device")
            replace(source, target)

        with mock.patch.object(install.os, "replace", fails):
            self.refuses("No space left", "xen-blkfront", "xen-netfront")
        self.assertGreaterEqual(len(calls), 2)

    def test_depmod(self):
        folder = self.folder / "programs"
        program(folder, "depmod", "echo broken >&2; exit 1")
        with mock.patch.dict(os.environ, {"PATH": f"{folder}:{os.environ['PATH']}"}):
            self.refuses("depmod .*failed: broken", "xen-blkfront", "xen-netfront")
            self.refuses("depmod .*failed: broken", "--remove")


if __name__ == "__main__":
    unittest.main()

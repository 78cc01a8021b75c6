# SPDX-License-Identifier: GPL-2.0
"""Small modules, compiled when a test runs, in the tree of a kernel that does not exist."""

import os
import pathlib
import shutil
import subprocess

os.environ["PATH"] += ":/usr/sbin:/sbin"  # depmod

RELEASE = "6.1.0-0-sample"
MAGIC = f"{RELEASE} SMP preempt mod_unload modversions "
GRANT, END, MAP = ("gnttab_grant_foreign_access", "gnttab_end_foreign_access", "gnttab_map_refs")
KERNEL_CRCS = {"module_layout": 0x11111111, "printk": 0x22222222, GRANT: 0x33333333, END: 0x44444444,
               MAP: 0x55555555}
OUR_CRCS = {"xengnt_grant_foreign_access": 0xA0000001, "xengnt_end_foreign_access": 0xA0000002,
            "xengnt_map_refs": 0xA0000003}


def modinfo(**changes):
    fields = {"license": "GPL", "depends": "", "intree": "Y", "name": "sample", "vermagic": MAGIC, **changes}
    return [f"{key}={value}" for key, value in fields.items() if value is not None]


def section(name, lines, flags="a"):
    text = "\\n".join(line.replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return f'asm(".pushsection {name},\\"{flags}\\"\\n{text}\\n.popsection");\n'


def versions_of(crcs):
    return [line for name, crc in crcs.items()
            for line in (f".quad {crc:#x}", f'.ascii "{name}"', f".zero {56 - len(name)}")]


def source(imports, crcs, info, exports, export_form="word", extra=""):
    """A module in C, with the sections that the kernel's modpost would add."""
    text = "int printk(const char *, ...);\n"
    text += "".join(f"extern int {name}(void);\n" for name in imports if not name.startswith("xen_auto"))
    text += "".join(f"extern struct {{ int count; }} {name};\n" for name in imports if name.startswith("xen_auto"))
    # Its name ends like one that is imported: the two share the bytes in the table of names.
    text += "__attribute__((noinline)) int of_" + (imports[0] if imports else "none") + "(void) { return 7; }\n"
    calls = [f"{name}()" for name in imports if not name.startswith("xen_auto")]
    calls += [f"{name}.count" for name in imports if name.startswith("xen_auto")]
    text += "int sample(void) { return " + " + ".join(calls or ["0"]) + "; }\n"
    text += section(".modinfo", [f'.asciz "{field}"' for field in info])
    if crcs is not None:
        text += section("__versions", versions_of(crcs))
    for name, crc in exports.items():
        text += f"int {name}(void) {{ return 1; }}\n"
        text += section("__ksymtab_gpl", [f"__ksymtab_{name}: .long 0"])
        text += section("__ksymtab_strings", [f'.asciz "{name}"'])
        if export_form == "word":
            text += section("__kcrctab_gpl", [f"__crc_{name}: .long {crc:#x}"])
        elif export_form == "relative":
            text += section("__kcrctab_gpl", [f"__crc_{name}: .long printk - ."])
        elif export_form == "absolute":
            text += f'asm(".globl __crc_{name}\\n.set __crc_{name}, {crc:#x}");\n'
    return text + extra


class Tree:
    """A root with one kernel and its modules."""

    def __init__(self, root, release=RELEASE):
        self.root, self.release = pathlib.Path(root), release
        self.dir = self.root / "lib" / "modules" / release
        self.dir.mkdir(parents=True)
        for name in ("modules.order", "modules.builtin"):
            (self.dir / name).touch()

    def compile(self, path, *arguments, flags=(), **words):
        """Compiles source(...) to a path below the modules' directory."""
        target = self.dir / path
        target.parent.mkdir(parents=True, exist_ok=True)
        text = source(*arguments, **words)
        subprocess.run(["gcc", "-O1", "-fno-pie", "-xc", "-", "-c", "-o", target, *flags],
                       input=text.encode(), check=True)
        return target

    def xengnt(self, crcs=None, exports=None, magic=MAGIC, path="updates/xengnt.ko", **words):
        crcs = dict(KERNEL_CRCS) if crcs is None else crcs
        target = self.compile(path, [], crcs or None, modinfo(name="xengnt", vermagic=magic, version="0.1"),
                              OUR_CRCS if exports is None else exports, **words)
        self.depmod()
        return target

    def driver(self, name="xen-netfront", imports=(GRANT, END), crcs=KERNEL_CRCS, info=None, **words):
        target = self.compile(f"kernel/drivers/xen/{name}.ko", list(imports), crcs,
                              modinfo(name=name.replace("-", "_")) if info is None else info, {}, **words)
        self.depmod()
        return target

    def depmod(self):
        subprocess.run(["depmod", "-b", self.root, self.release], check=True, capture_output=True)

    def content(self):
        """All files and what is in them, less depmod's, which are made from these."""
        return {str(path.relative_to(self.root)): path.read_bytes() for path in sorted(self.root.rglob("*"))
                if path.is_file() and not path.name.startswith("modules.")}

    def rebound(self, name="xen-netfront"):
        return self.dir / "updates" / "xengnt" / f"{name}.ko"


def program(folder, name, text):
    path = pathlib.Path(folder) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="ascii")
    path.chmod(0o755)
    return path


def pack(path, command):
    """Packs a module; returns the packed file."""
    subprocess.run([*command, path], check=True, capture_output=True)
    packed = next(other for other in path.parent.glob(path.name + ".*"))
    path.unlink(missing_ok=True)
    return packed


def missing_programs(*names):
    return [name for name in names if not shutil.which(name)]

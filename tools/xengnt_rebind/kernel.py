# SPDX-License-Identifier: GPL-2.0
"""The modules of one kernel release, where they are and which of them counts."""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import re
import subprocess

from .modfile import ModuleFile, NotUnderstood, module_name, read_file

MARK, MARK_OF = "xengnt_rebound", "xengnt_rebound_of"
TARGET = pathlib.Path("updates/xengnt")


class Refused(Exception):
    """Nothing was changed; the text says why and what to do."""


class Unfinished(Exception):
    """Something was changed, and something is left to do; the text says what."""


def spelt(name):
    """As people write it."""
    return name.replace("_", "-")


class Kernel:
    """The modules of one release below a root."""

    def __init__(self, root, release):
        self.root, self.release = root, release
        self.dir = root / "lib" / "modules" / release
        if not self.dir.is_dir():
            raise Refused(f"there are no modules of a kernel {release} in {self.dir.parent}: name one that is "
                          "installed with --kernel")
        self.running = root == pathlib.Path("/") and os.uname().release == release
        self._files = None

    def files(self):
        """{module: its files, relative}, without those that this program made."""
        if self._files is None:
            self._files = {}
            for where, dirs, names in os.walk(self.dir):
                relative = pathlib.Path(where).relative_to(self.dir)
                dirs[:] = sorted(name for name in dirs if relative / name != TARGET)
                for file in sorted(names):
                    if module_name(file):
                        self._files.setdefault(module_name(file), []).append(relative / file)
        return self._files

    def indexed(self):
        """{module: (its file, those that it needs)} as modprobe sees them."""
        index = {}
        with contextlib.suppress(FileNotFoundError):
            for line in (self.dir / "modules.dep").read_text(encoding="utf-8").splitlines():
                file, _, needs = line.partition(":")
                if module_name(file):
                    index[module_name(file)] = (pathlib.Path(file), needs.split())
        return index

    def rebound(self):
        """{module: its file} of those that this program made."""
        return {module_name(path): path for path in sorted((self.dir / TARGET).glob("*.ko"))}

    def is_built_in(self, name):
        with contextlib.suppress(FileNotFoundError):
            lines = (self.dir / "modules.builtin").read_text(encoding="utf-8").splitlines()
            return any(module_name(line) == name for line in lines)
        return False

    def original(self, name):
        """The file, relative, that modprobe would load without this program."""
        found = self.files().get(name, [])
        if not found and self.is_built_in(name):
            raise Refused(f"{spelt(name)} is built into the kernel {self.release}: only modules can be rebound; "
                          "modprobe xengnt takeover=1 is for what is built in")
        if not found:
            raise Refused(f"the kernel {self.release} has no module {spelt(name)}: check the name, or name "
                          "another kernel with --kernel")
        if len(found) > 1:
            ours = self.rebound().get(name)
            chosen = {self.indexed().get(name, (None,))[0]}
            if ours:
                chosen.add(pathlib.Path((load(ours).info(MARK_OF) or "").split(" ")[0]))
            found = [path for path in found if path in chosen] or found
        if len(found) > 1:
            raise Refused(f"{spelt(name)} is there several times ({', '.join(map(str, found))}): run depmod "
                          f"{self.release}, or remove all but one of them")
        return found[0]

    def target(self, name):
        """Where its rebound copy goes: under the name of the original, unpacked."""
        there = self.rebound().get(name)
        return there or self.dir / TARGET / f"{self.original(name).name.partition('.ko')[0]}.ko"

    def xengnt(self):
        """The installed xengnt.ko, read, with the CRCs of what it exports."""
        found = self.files().get("xengnt", [])
        chosen = self.indexed().get("xengnt", (None,))[0]
        path = chosen if chosen in found else found[0] if len(found) == 1 else None
        if path is None:
            what = "is not installed" if not found else f"is there {len(found)} times"
            raise Refused(f"xengnt.ko {what} for the kernel {self.release}: install the package xengnt-dkms and "
                          f"linux-headers-{self.release}, or run make install, then depmod {self.release}")
        xengnt = load(self.dir / path)
        try:
            xengnt.crcs = xengnt.export_crcs()
        except NotUnderstood as error:
            raise Refused(f"{self.dir / path}: {error}: get a later version of xengnt-rebind") from error
        return xengnt

    def config(self, option):
        for path in (self.root / "boot" / f"config-{self.release}", self.dir / "build" / ".config"):
            with contextlib.suppress(OSError):
                match = re.search(rf'^{option}="?([^"\n]*)', path.read_text(encoding="utf-8"), re.M)
                return match[1] if match else None
        return None

    def depmod(self):
        command = ["depmod", *([] if self.root == pathlib.Path("/") else ["-b", str(self.root)]), self.release]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            raise OSError(f"{' '.join(command)} failed: {done.stderr.strip()}")


def load(path):
    try:
        return ModuleFile(read_file(path))
    except NotUnderstood as error:
        raise Refused(f"{path}: {error}") from error


def file_hash(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextlib.contextmanager
def locked(kernel):
    """One at a time in each kernel's modules."""
    handle = os.open(kernel.dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)

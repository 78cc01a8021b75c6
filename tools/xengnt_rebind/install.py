# SPDX-License-Identifier: GPL-2.0
"""Puts rebound drivers in place, takes them away, judges those that are there."""

import contextlib
import os
import shutil
import subprocess

from .kernel import MARK, MARK_OF, TARGET, Refused, file_hash, load, spelt
from .modfile import module_name
from .rewrite import NEW


def exchange(kernel, new, old):
    """Writes {module: bytes} and removes the modules old; all of it or nothing."""
    target = kernel.dir / TARGET
    before = {name: (path, path.read_bytes()) for name, path in kernel.rebound().items()}
    paths = {name: kernel.target(name) for name in new}
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name, data in new.items():
            write(paths[name], data)
        for name in old:
            before[name][0].unlink()
        kernel.depmod()
        problem = next(filter(None, (index_problem(kernel, name) for name in new)), None)
        if problem:
            raise Refused(problem)
    except BaseException as error:
        for name in new:
            paths[name].unlink(missing_ok=True)
        for path, data in before.values():
            write(path, data)
        drop_empty(target)
        with contextlib.suppress(OSError):
            kernel.depmod()
        if isinstance(error, OSError):
            raise Refused(f"{error}{': run it as root' if isinstance(error, PermissionError) else ''}") from error
        raise
    drop_empty(target)


def write(path, data):
    """In one step: modprobe sees the old file or the new one."""
    new = path.with_suffix(".new")
    try:
        with open(new, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(new, 0o644)
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


def drop_empty(target):
    with contextlib.suppress(OSError):
        target.rmdir()
        target.parent.rmdir()


def index_problem(kernel, name):
    """Why modprobe would not load the rebound driver, or would without xengnt; else None."""
    file, needs = kernel.indexed().get(name, (None, []))
    if file is None:
        return f"modprobe does not find {spelt(name)}: run depmod {kernel.release} and look at what it says"
    if file.parent != TARGET:
        return (f"depmod prefers {file} to the rebound {spelt(name)}: remove that file, or have 'search updates "
                "built-in' in /etc/depmod.d")
    if "xengnt" not in map(module_name, needs):
        return (f"depmod does not see that {spelt(name)} needs xengnt: run depmod {kernel.release} and look at "
                "what it says")
    return None


def state_of(kernel, path):
    """What --status says of a rebound file; the first word is "ready" when it can be loaded."""
    try:
        module = load(path)
        xengnt = kernel.xengnt()
        original, _, digest = (module.info(MARK_OF) or "").partition(" ")
        if not module.info(MARK):
            return "not made by xengnt-rebind: move it elsewhere"
        if not (kernel.dir / original).is_file():
            return f"stale: {original} is gone"
        if file_hash(kernel.dir / original) != digest:
            return f"stale: {original} has changed since"
        crcs, imported = xengnt.crcs, module.undefined(NEW)
        if not set(imported) <= xengnt.exports() or module.versions is not None and \
                any(module.versions[name] != crcs.get(name) for name in imported):
            return "stale: xengnt.ko has changed since, this driver would not load"
        problem = index_problem(kernel, module_name(path))
    except Refused as error:
        problem = error
    if problem:
        return f"unusable: {problem}"
    return f"ready, {len(imported)} functions of xengnt, " + ("signed" if module.was_signed else "not signed")


def in_initramfs(kernel, names):
    """Whether a driver is in there: True, False, or None when nobody can tell."""
    images = (f"initrd.img-{kernel.release}", f"initramfs-{kernel.release}.img")
    image = next((path for path in (kernel.root / "boot" / name for name in images) if path.exists()), None)
    if image is None:
        return False
    lister = shutil.which("lsinitramfs")
    done = lister and subprocess.run([lister, image], check=False, capture_output=True, text=True)
    if not done or done.returncode:
        return None
    return any(module_name(line) in names for line in done.stdout.splitlines())


LIST_HEAD = ("# Drivers that xengnt-rebind puts onto xengnt in kernels that are installed later,\n"
             "# one a line, or: all. Written by xengnt-rebind; see its manual page.\n")


def list_file(root):
    return root / "etc" / "xengnt" / "rebind"


def remembered(root):
    """Names of modules, or ["all"]."""
    with contextlib.suppress(FileNotFoundError):
        lines = list_file(root).read_text(encoding="utf-8").splitlines()
        words = [line.partition("#")[0].strip() for line in lines]
        return sorted({word.replace("-", "_") for word in words if word})
    return []


def remember(root, names):
    path = list_file(root)
    if not names:
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            path.parent.rmdir()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    names = ["all"] if "all" in names else sorted(set(map(spelt, names)))
    write(path, (LIST_HEAD + "".join(f"{name}\n" for name in names)).encode())

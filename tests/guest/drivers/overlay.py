# SPDX-License-Identifier: GPL-2.0
"""What dom0 and its guests need besides the base archives to run the kernel's
own drivers: the drivers on xengnt, a file system, programs that move data."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent.parent
PKGS = TOP / "build" / "pkgs"
# Not ours: what a disk and its file system need.
SPARE_MODULES = ("brd", "crc16", "mbcache", "jbd2", "crc32c_generic", "libcrc32c", "ext4")


def kernel_release():
    return subprocess.run([TOP / "scripts/debian/kver"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.strip()


def strip(source, target):
    subprocess.run(["strip", "--strip-debug", "-o", target, source], check=True)


def add_rebound_drivers(tree):
    """Debian's binaries as scripts/debian/rebind-stock-drivers has put them onto xengnt: in
    /drivers, and where modprobe looks for them."""
    release = kernel_release()
    modules = TOP / "build" / "rebound" / "lib" / "modules" / release
    shutil.copytree(modules / "updates" / "xengnt", tree / "drivers")
    target = tree / "lib" / "modules" / release
    shutil.copytree(modules / "updates", target / "updates")
    lines = (modules / "modules.dep").read_text(encoding="ascii").splitlines(keepends=True)
    (target / "modules.dep").write_text("".join(line for line in lines if line.startswith("updates/")),
                                        encoding="ascii")


def add_debian_drivers(tree):
    """Debian's own binaries, in /drivers."""
    drivers = tree / "drivers"
    drivers.mkdir(parents=True)
    release = kernel_release()
    kernel = PKGS / f"kernel-{release}" / "lib" / "modules" / release
    for name in ("xen-blkback", "xen-blkfront", "xen-netback", "xen-netfront", "xen-gntdev",
                 "xen-gntalloc"):
        shutil.copy(next(kernel.rglob(f"{name}.ko")), drivers / f"{name}.ko")


def add_stock_drivers(tree, names=("*",)):
    """The kernel's drivers that were built on xengnt, in /drivers."""
    drivers = tree / "drivers"
    drivers.mkdir(parents=True)
    for name in names:
        for path in (TOP / "build" / "stock-drivers").glob(f"{name}.ko"):
            strip(path, drivers / path.name)


def add_drivers(tree, add=add_stock_drivers):
    """xengnt in /modules; the drivers on it, and those spare ones, in /drivers."""
    release = kernel_release()
    drivers, modules = tree / "drivers", tree / "modules"
    add(tree)
    modules.mkdir()
    tests = TOP / "tests" / "guest" / "modules"
    for path in (TOP / "xengnt.ko", tests / "count_pages.ko", tests / "count_refs.ko"):
        strip(path, modules / path.name)
    kernel = PKGS / f"kernel-{release}" / "lib" / "modules" / release
    for name in SPARE_MODULES:
        found = next(iter(sorted(kernel.rglob(f"{name}.ko*"))), None)
        if found and found.suffix == ".xz":
            data = subprocess.run(["xz", "-dc", found], check=True, stdout=subprocess.PIPE).stdout
            (drivers / f"{name}.ko").write_bytes(data)
        elif found:
            shutil.copy(found, drivers / f"{name}.ko")


def libraries(program):
    listing = subprocess.run(["ldd", program], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    return re.findall(r"(/\S+) \(0x", listing)


def add_e2fsprogs(tree):
    """This machine's own, with its libraries, apart from those of the guests."""
    home = tree / "opt" / "e2fs"
    home.mkdir(parents=True)
    (tree / "bin").mkdir(exist_ok=True)
    (tree / "etc").mkdir(exist_ok=True)
    shutil.copy("/etc/mke2fs.conf", tree / "etc")
    for name, program, arguments in (("mkfs.ext4", "mke2fs", "-t ext4"), ("e2fsck", "e2fsck", "")):
        path = shutil.which(program, path="/sbin:/usr/sbin")
        if not path:
            sys.exit(f"drivers: error: no {program}: run 'scripts/deps guest' first")
        shutil.copy(path, home)
        for library in libraries(path):
            shutil.copy(library, home)
        script = tree / "bin" / name
        script.write_text("#!/bin/sh\nexec /opt/e2fs/ld-linux-x86-64.so.2 --library-path /opt/e2fs "
                          f'/opt/e2fs/{program} {arguments} "$@"\n', encoding="ascii")
        script.chmod(0o755)


def fio_disk(image):
    """A file system with this machine's fio and its libraries, for a guest to run it
    from: they are too large for a root. Returns its size in KiB."""
    program = shutil.which("fio")
    if not program:
        sys.exit("drivers: error: no fio: run 'scripts/debian/need fio' first")
    home = image.with_suffix("")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    for path in (program, *libraries(program)):
        shutil.copy(path, home)
    files = list(home.iterdir())
    mib = sum(path.stat().st_size for path in files) // 2**20 + len(files) // 32 + 8
    image.unlink(missing_ok=True)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-m", "0", "-d", home,
                    image, f"{mib}M"], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "PATH": os.environ["PATH"] + ":/sbin:/usr/sbin"})
    shutil.rmtree(home)
    return mib * 1024


def add_xen_tests(tree):
    """Programs of Xen's own that try grants out; xl's libraries are there."""
    (tree / "bin").mkdir(exist_ok=True)
    for name in ("test-resource", "vchan-socket-proxy"):
        shutil.copy(next((PKGS / "xen" / "usr" / "lib").glob(f"xen-*/bin/{name}")), tree / "bin")


def add_transfer(tree):
    """The program that moves data, with the libraries of Xen that it needs."""
    xen = PKGS / "xen"
    libs = xen / "usr" / "lib" / "x86_64-linux-gnu"
    (tree / "bin").mkdir(exist_ok=True)
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", tree / "bin" / "transfer",
                    HERE / "transfer.c", f"-I{xen}/usr/include", f"-L{libs}",
                    f"-Wl,-rpath-link={libs}", "-lxenvchan"], check=True)
    target = tree / "lib" / "x86_64-linux-gnu"
    target.mkdir(parents=True)
    for name in ("vchan", "store", "gnttab", "evtchn", "toolcore", "toollog"):
        for library in libs.glob(f"libxen{name}.so.*"):
            shutil.copy(library, target)


def add_hotplug(tree):
    """What xl runs for disks and network interfaces."""
    scripts = tree / "etc" / "xen" / "scripts"
    scripts.mkdir(parents=True)
    for name in ("block", "vif-bridge"):
        shutil.copy(HERE / "hotplug", scripts / name)

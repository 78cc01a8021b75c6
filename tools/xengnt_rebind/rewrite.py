# SPDX-License-Identifier: GPL-2.0
"""What can be rebound, and a driver's bytes when it is."""

from .kernel import MARK, MARK_OF, Refused, file_hash, load
from .modfile import ModuleFile, NotUnderstood, read_file

VERSION = "0.2.0"
OLD, NEW = "gnttab_", "xengnt_"
DATA_SYMBOL = "xen_auto_xlat_grant_frames"
FREE_LICENSES = {"GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL",
                 "Dual MPL/GPL"}


def rebind(kernel, name, xengnt):
    """The bytes of the driver on xengnt, and how many functions it uses of it."""
    path = kernel.original(name)
    module = load(kernel.dir / path)
    symbols = module.undefined(OLD)
    check_driver(kernel, path, module, symbols, xengnt)
    new_names = {symbol: NEW + symbol[len(OLD):] for symbol in symbols}
    needs = [need for need in (module.info("depends") or "").split(",") if need]
    fields = [field for field in module.modinfo if not field.startswith((b"depends=", b"intree="))]
    fields += [f"depends={','.join([*needs, 'xengnt'])}".encode(), f"{MARK}={VERSION}".encode(),
               f"{MARK_OF}={path} {file_hash(kernel.dir / path)}".encode()]
    data = module.rename(new_names, xengnt.crcs, fields)
    after = ModuleFile(data)
    if after.undefined(OLD) or len(after.undefined(NEW)) != len(symbols) or \
            (module.versions is not None) and len(after.versions) != len(module.versions):
        raise Refused(f"{path}: rewriting it went wrong; this is a fault of xengnt-rebind: please report it")
    return data, len(symbols)


def check_driver(kernel, path, module, symbols, xengnt):
    def refuse(text):
        raise Refused(f"{path}: {text}")

    if module.info(MARK):
        refuse("it was made by xengnt-rebind already, and is not where that puts it: install its package again")
    if module.undefined(DATA_SYMBOL):
        refuse(f"it uses the variable {DATA_SYMBOL}, which cannot be rebound: leave this driver out")
    if not symbols:
        refuse("it is on xengnt already: it was built against its headers" if module.undefined(NEW) else
               "it does not use the grant table by itself: leave this driver out")
    if module.undefined(NEW):
        refuse(f"it uses functions of xengnt and {', '.join(symbols)} of the kernel: leave this driver out")
    release = (module.info("vermagic") or "").split(" ")[0]
    if release != kernel.release:
        refuse(f"it was built for the kernel {release or '(none)'}: install its package again")
    if (xengnt.info("vermagic") or "") != module.info("vermagic"):
        refuse(f"xengnt.ko was built for '{xengnt.info('vermagic')}', this driver for "
               f"'{module.info('vermagic')}': build xengnt.ko again with the headers of this kernel")
    if module.info("license") not in FREE_LICENSES:
        refuse(f"its licence is '{module.info('license')}', and xengnt's functions are for GPL modules only")
    missing = [symbol for symbol in symbols if NEW + symbol[len(OLD):] not in xengnt.exports()]
    if missing:
        refuse(f"it uses {', '.join(missing)}, which the installed xengnt.ko does not have: install a later "
               "xengnt, or leave this driver out")
    check_crcs(refuse, module, symbols, xengnt)


def check_crcs(refuse, module, symbols, xengnt):
    if module.versions is None:
        if "modversions" in (module.info("vermagic") or "").split():
            refuse("its section __versions was removed: install its package again")
        return
    missing = [symbol for symbol in symbols if symbol not in module.versions]
    if missing:
        refuse(f"its section __versions has no entry for {', '.join(missing)}: install its package again")
    crcs = xengnt.crcs
    missing = [symbol for symbol in symbols if NEW + symbol[len(OLD):] not in crcs]
    if missing or xengnt.versions is None:
        refuse("the installed xengnt.ko has no CRCs, and this driver has: build xengnt.ko again with the "
               "headers of this kernel")
    other = sorted(name for name, crc in module.versions.items() if xengnt.versions.get(name, crc) != crc)
    if other:
        refuse(f"xengnt.ko was built for another build of this kernel (the CRCs of {', '.join(other[:3])} "
               "differ): build xengnt.ko again with the headers of this kernel")


def uses_grants(path):
    """Whether --all means this file."""
    data = read_file(path)
    return OLD.encode() in data and bool(ModuleFile(data).undefined(OLD))


def all_drivers(kernel):
    found = []
    for name, files in kernel.files().items():
        # It passes on to the kernel what is the kernel's.
        if name == "xengnt":
            continue
        try:
            if any(uses_grants(kernel.dir / file) for file in files):
                found.append(name)
        except NotUnderstood as error:
            raise Refused(f"{files[0]}: {error}; or name the drivers that you want") from error
    if not found:
        raise Refused(f"no module of the kernel {kernel.release} uses the grant table: nothing to rebind")
    return sorted(found)

# SPDX-License-Identifier: GPL-2.0
"""Signs modules with the key that DKMS signs with."""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from .kernel import Refused


def dkms_settings(root, release):
    """Where DKMS has its key; its files are shell, of which plain assignments are read."""
    settings = {"mok_signing_key": "/var/lib/dkms/mok.key", "mok_certificate": "/var/lib/dkms/mok.pub",
                "sign_file": ""}
    etc = root / "etc" / "dkms"
    for path in (etc / "framework.conf", *sorted((etc / "framework.conf.d").glob("*.conf"))):
        with contextlib.suppress(FileNotFoundError):
            for match in re.finditer(r"^\s*(mok_signing_key|mok_certificate|sign_file)=(.*?)\s*(#.*)?$",
                                     path.read_text(encoding="utf-8"), re.M):
                value = re.sub(r"\$(kernelver\b|\{kernelver\})", release, match[2].strip("\"'"))
                if "$" in value or "`" in value:
                    raise Refused(f"{path}: cannot tell what {match[1]}={match[2]} is: write the path out, or "
                                  "use --unsigned")
                settings[match[1]] = value
    return settings


def sign_tool(kernel, wanted):
    series = ".".join(kernel.release.split(".")[:2])
    inside = [kernel.dir / "build" / "scripts" / "sign-file",
              kernel.root / "usr/src" / f"linux-headers-{kernel.release}" / "scripts" / "sign-file",
              *sorted((kernel.root / "usr/lib").glob(f"linux-kbuild-{series}*/scripts/sign-file"))]
    if wanted:
        inside = [kernel.root / wanted.lstrip("/")]
    for tool in (*inside, shutil.which("kmodsign")):
        if tool and os.access(tool, os.X_OK):
            return str(tool)
    raise Refused(f"there is a key for signing modules, but no program sign-file: install linux-headers-"
                  f"{kernel.release}, or use --unsigned where the kernel accepts that")


def must_be_signed(kernel):
    if kernel.config("CONFIG_MODULE_SIG_FORCE") == "y":
        return True
    if not kernel.running:
        return False
    for path, wanted in (("/sys/module/module/parameters/sig_enforce", "Y"),
                         ("/sys/kernel/security/lockdown", "[integrity]"),
                         ("/sys/kernel/security/lockdown", "[confidentiality]")):
        with contextlib.suppress(OSError):
            if wanted in pathlib.Path(path).read_text(encoding="ascii"):
                return True
    return False


def make_signer(kernel, unsigned):
    """A function that signs a module's bytes; None without a key."""
    settings = dkms_settings(kernel.root, kernel.release)
    key, certificate = settings["mok_signing_key"], settings["mok_certificate"]
    if not key.startswith("pkcs11:"):
        key = str(kernel.root / key.lstrip("/"))
    certificate = str(kernel.root / certificate.lstrip("/"))
    has_key = key.startswith("pkcs11:") or os.path.exists(key)
    if unsigned or not has_key:
        if must_be_signed(kernel):
            what = "leave --unsigned out" if has_key else f"there is no key {key}: see xengnt(4), SIGNING"
            raise Refused(f"the kernel {kernel.release} loads signed modules only: {what}")
        return None
    if not os.path.exists(certificate):
        raise Refused(f"there is the key {key}, but not its certificate {certificate}: set mok_certificate in "
                      "/etc/dkms/framework.conf, or use --unsigned")
    command = [sign_tool(kernel, settings["sign_file"]), kernel.config("CONFIG_MODULE_SIG_HASH") or "sha512",
               key, certificate]

    def sign(data):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "module.ko")
            path.write_bytes(data)
            done = subprocess.run([*command, path], check=False, capture_output=True, text=True)
            if done.returncode:
                raise Refused(f"{' '.join(command)} failed: {done.stderr.strip()}")
            return path.read_bytes()
    return sign

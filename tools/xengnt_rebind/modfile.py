# SPDX-License-Identifier: GPL-2.0
"""The file of a kernel module, as far as xengnt-rebind reads and rewrites it.

An object file of 64 bits in little-endian order: its symbols, the CRCs of what
it imports (section __versions) and exports, its .modinfo, the signature behind
its end. Whatever else is in it stays as it is, byte for byte.
"""

import gzip
import lzma
import pathlib
import re
import struct
import subprocess
import zlib

SIGNATURE_MAGIC = b"~Module signature appended~\n"
SIGNATURE_INFO = struct.Struct(">8xI")  # struct module_signature: kinds and lengths, sig_len
ELF_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SECTION_HEADER = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
VERSION = struct.Struct("<Q56s")  # struct modversion_info where a long has 64 bits
ELF64_LITTLE_ENDIAN = b"\x7fELF\x02\x01\x01"
ET_REL, SHT_SYMTAB, SHT_RELA, SHT_NOBITS, SHT_REL = 1, 2, 4, 8, 9
SHN_UNDEF, SHN_LORESERVE, SHN_ABS = 0, 0xFF00, 0xFFF1
EXTENDED_VERSIONS = ("__version_ext_crcs", "__version_ext_names")
NAME = re.compile(r"(?P<name>[^/]+)\.ko(\.(xz|zst|gz))?$")


class NotUnderstood(Exception):
    """The file is not as this program knows modules to be; the text says in what."""


def module_name(path):
    """The name in the kernel's spelling, or None when the file is no module."""
    match = NAME.search(str(path))
    return match["name"].replace("-", "_") if match else None


def read_file(path):
    """The module's bytes, unpacked."""
    path = pathlib.Path(path)
    data = path.read_bytes()
    try:
        if path.suffix == ".xz":
            return lzma.decompress(data)
        if path.suffix == ".gz":
            return gzip.decompress(data)
        if path.suffix == ".zst":
            return subprocess.run(["zstd", "-dcq"], input=data, check=True, capture_output=True).stdout
    except FileNotFoundError:
        raise NotUnderstood(f"{path} is packed with zstd, which is not installed: "
                            "install the package zstd") from None
    except (lzma.LZMAError, OSError, EOFError, zlib.error, subprocess.CalledProcessError) as error:
        raise NotUnderstood(f"{path} cannot be unpacked ({error}): install its package again") from error
    return data


def split_signature(data):
    """The module, and whether a signature was behind it."""
    if not data.endswith(SIGNATURE_MAGIC):
        return data, False
    end = len(data) - len(SIGNATURE_MAGIC) - SIGNATURE_INFO.size
    if end < 0:
        raise NotUnderstood("the signature is cut off")
    info = data[end:end + SIGNATURE_INFO.size]
    # Kinds of signatures other than PKCS#7 have more parts, which are lengths in here.
    if info[:3] != b"\0\0\2" or info[3:8] != bytes(5):
        raise NotUnderstood("the signature is not a PKCS#7 one")
    end -= SIGNATURE_INFO.unpack(info)[0]
    if end < ELF_HEADER.size:
        raise NotUnderstood("the signature is longer than the file")
    return data[:end], True


def string_at(table, offset):
    end = table.find(b"\0", offset)
    if end < 0:
        raise NotUnderstood("a name is not in its table")
    return table[offset:end].decode("ascii", errors="surrogateescape")


class Section:
    def __init__(self, fields, data):
        (self.name_at, self.type, self.flags, self.addr, self.offset, self.size, self.link, self.info,
         self.align, self.entsize) = fields
        self.name = ""
        self.data = b""
        if self.type != SHT_NOBITS:
            self.data = data[self.offset:self.offset + self.size]
            if len(self.data) != self.size:
                raise NotUnderstood("the file is cut off")

    def replace(self, data):
        self.data, self.size = bytes(data), len(data)

    def header(self):
        return SECTION_HEADER.pack(self.name_at, self.type, self.flags, self.addr, self.offset,
                                   self.size, self.link, self.info, self.align, self.entsize)


class Symbol:
    def __init__(self, index, fields, names):
        self.index = index
        name_at, self.kind, self.other, self.section, self.value, self.size = fields
        self.name = string_at(names, name_at)


class ModuleFile:
    """A module: what it says, and rename() with which it becomes another one."""

    def __init__(self, data):
        self.data, self.was_signed = split_signature(data)
        self.sections = self._read_sections()
        self.symtab = self._only(lambda section: section.type == SHT_SYMTAB, "symbol table")
        if self.symtab.size % SYMBOL.size or not 0 < self.symtab.link < len(self.sections):
            raise NotUnderstood("the symbol table is damaged")
        self.strtab = self.sections[self.symtab.link]
        self.symbols = [Symbol(index, fields, self.strtab.data)
                        for index, fields in enumerate(SYMBOL.iter_unpack(self.symtab.data))]
        self.modinfo = [field for field in self._named(".modinfo").data.split(b"\0") if field]
        self.versions = self._read_versions()

    def _read_sections(self):
        if len(self.data) < ELF_HEADER.size or not self.data.startswith(ELF64_LITTLE_ENDIAN):
            raise NotUnderstood("it is not a module of a 64-bit little-endian machine")
        self.header = list(ELF_HEADER.unpack_from(self.data))
        kind, at, segments, entry, count, names = (self.header[i] for i in (1, 6, 10, 11, 12, 13))
        if kind != ET_REL or segments:
            raise NotUnderstood("it is not a relocatable object file")
        if entry != SECTION_HEADER.size or not 0 < names < count or \
                at + count * entry > len(self.data):
            raise NotUnderstood("its table of sections is damaged")
        sections = [Section(SECTION_HEADER.unpack_from(self.data, at + index * entry), self.data)
                    for index in range(count)]
        for section in sections:
            section.name = string_at(sections[names].data, section.name_at)
        return sections

    def _only(self, test, what):
        found = [section for section in self.sections if test(section)]
        if len(found) != 1:
            raise NotUnderstood(f"it has {len(found) or 'no'} {what}{'s' if found else ''}")
        return found[0]

    def _named(self, name):
        return self._only(lambda section: section.name == name, f"section {name}")

    def has_section(self, name):
        return any(section.name == name for section in self.sections)

    def _read_versions(self):
        """{name: CRC} of what it imports; None when the kernel has no such CRCs."""
        for name in EXTENDED_VERSIONS:
            if self.has_section(name):
                raise NotUnderstood(f"its CRCs are in the section {name} too, which this program "
                                    "cannot rewrite yet: get a later version of it")
        if not self.has_section("__versions"):
            return None
        table = self._named("__versions").data
        if len(table) % VERSION.size:
            raise NotUnderstood("the size of its section __versions is not a multiple of 64")
        versions = {}
        for crc, name in VERSION.iter_unpack(table):
            text, _, rest = name.partition(b"\0")
            if crc >> 32 or not re.fullmatch(rb"[A-Za-z_.$][\w.$]*", text) or rest.strip(b"\0") or \
                    len(text) == len(name) or text.decode() in versions:
                raise NotUnderstood("its section __versions has an entry of an unknown form")
            versions[text.decode()] = crc
        return versions

    # What it says.

    def info(self, key):
        """The first value of a key of .modinfo; None without one."""
        start = key.encode() + b"="
        return next((field[len(start):].decode(errors="replace") for field in self.modinfo
                     if field.startswith(start)), None)

    def undefined(self, *prefixes):
        return sorted({symbol.name for symbol in self.symbols
                       if symbol.section == SHN_UNDEF and symbol.name.startswith(prefixes)})

    def exports(self):
        start = "__ksymtab_"
        return {symbol.name[len(start):] for symbol in self.symbols
                if symbol.section != SHN_UNDEF and symbol.name.startswith(start)}

    def export_crcs(self):
        """{name: CRC} of what it exports."""
        start = "__crc_"
        crcs = {}
        for symbol in self.symbols:
            if symbol.section != SHN_UNDEF and symbol.name.startswith(start):
                crcs[symbol.name[len(start):]] = self._crc(symbol)
        return crcs

    def _crc(self, symbol):
        """The symbol's value, or the word where it is: kernels before 5.19 have it so, or so."""
        if symbol.section == SHN_ABS:
            return symbol.value & 0xFFFFFFFF
        if symbol.section >= min(SHN_LORESERVE, len(self.sections)):
            raise NotUnderstood(f"the CRC of {symbol.name} is nowhere")
        section = self.sections[symbol.section]
        relocated = any(other.type in (SHT_RELA, SHT_REL) and other.info == symbol.section and other.size
                        for other in self.sections)
        if relocated or symbol.value + 4 > len(section.data):
            raise NotUnderstood(f"the CRC of {symbol.name} is of an unknown form")
        return struct.unpack_from("<I", section.data, symbol.value)[0]

    # What it becomes.

    def rename(self, new_names, crcs, modinfo):
        """The bytes of a module that imports new_names[old] with crcs[new name] for each old.

        Its .modinfo is the one given, its signature is gone.
        """
        names, symtab = bytearray(self.strtab.data), bytearray(self.symtab.data)
        for symbol in self.symbols:
            if symbol.section == SHN_UNDEF and symbol.name in new_names:
                # Behind all others: names may share their ends.
                struct.pack_into("<I", symtab, symbol.index * SYMBOL.size, len(names))
                names += new_names[symbol.name].encode() + b"\0"
        replaced = {id(self.strtab): names, id(self.symtab): symtab,
                    id(self._named(".modinfo")): b"".join(field + b"\0" for field in modinfo)}
        if self.versions is not None:
            replaced[id(self._named("__versions"))] = b"".join(
                VERSION.pack(crcs[new_names[name]], new_names[name].encode()) if name in new_names
                else VERSION.pack(crc, name.encode()) for name, crc in self.versions.items())
        sections = self._read_sections()
        for section, old in zip(sections, self.sections):
            if id(old) in replaced:
                section.replace(replaced[id(old)])
        return self._write(sections)

    def _write(self, sections):
        out = bytearray(ELF_HEADER.size)
        for section in sorted(sections[1:], key=lambda section: section.offset):
            out += bytes(-len(out) % max(section.align, 1))
            section.offset = len(out)
            out += section.data
        out += bytes(-len(out) % 8)
        header = list(self.header)
        header[6] = len(out)
        out += b"".join(section.header() for section in sections)
        out[:ELF_HEADER.size] = ELF_HEADER.pack(*header)
        return bytes(out)

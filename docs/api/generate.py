#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Makes Sphinx chapters and section 9 manual pages of the headers' kernel-doc comments.

    docs/api/generate.py KERNEL-DOC INCLUDE CHAPTERS MAN SPHINX-VERSION

A chapter begins with the comment at the top of its header; a comment of the form
`/* --- title --- */` begins a section. A header without kernel-doc comments has no
chapter. C++ headers, which kernel-doc cannot read, are shown as they are.
"""

import pathlib
import re
import subprocess
import sys

# The order of a first reading; headers not named here follow.
FIRST = ["grant_table.h", "backend.h", "batch.h", "copy_grants.h", "notify.h", "pool.h"]

TOP_COMMENT = re.compile(r"\A/\* SPDX.*?\*/\n/\*\n(.*?)\n \*/\n", re.S)
TOP_COMMENT_CPP = re.compile(r"\A// SPDX[^\n]*\n//\n((?://[^\n]*\n)+)")
SECTION = re.compile(r"^/\* --- (.*?) -+ ?\*/$", re.M)
COMMENT = re.compile(r"^/\*\*\n \* (?:struct |enum |union |typedef )?(\w+)(?:\(\))? - ", re.M)
DIRECTIVE = re.compile(r"^\.\. c:(?:function|struct|enum|union|type|macro):: (.*)$")
MAN_PAGE = re.compile(r'^\.TH "[^"]+" 9 "(?:\w+ )?(\w+)"', re.M)


def run(kernel_doc, *words):
    """kernel-doc's output; whatever it complains about ends everything."""
    done = subprocess.run([kernel_doc, "-Werror", *words], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0 or done.stderr.strip():
        sys.exit(f"{done.stderr}error: kernel-doc has something to say about {words[-1]}:"
                 " correct the comment it names")
    return done.stdout


def escape(text):
    return re.sub(r"(?<=\w)_(?!\w)", r"\\_", re.sub(r"([\\*`|])", r"\\\1", text))


def heading(text, line):
    return f"{text}\n{line * len(text)}\n"


def introduction(text):
    match = TOP_COMMENT.match(text)
    if not match:
        return ""
    return escape("\n".join(re.sub(r"^ \* ?", "", line) for line in match[1].split("\n"))) + "\n"


def sections(text):
    """Name of a documented thing -> title of the section that it is the first of."""
    titles = [(match.start(), match[1]) for match in SECTION.finditer(text)]
    first, last = {}, None
    for match in COMMENT.finditer(text):
        title = next((title for at, title in reversed(titles) if at < match.start()), None)
        if title and title != last:
            first[match[1]] = title
        last = title
    return first


def link(line, names, own):
    """Links to what is documented here, but not from an entry to itself."""
    def one(match):
        known = match[1] in names and match[1] != own
        return f":c:func:`{match[1]}`" if known else match[0]
    return re.sub(r"(?<![\w`:])(\w+)\(\)", one, line)


def chapter(kernel_doc, header, names, version):
    text = header.read_text()
    firsts = sections(text)
    own = None
    lines = [heading(escape(f"<xengnt/{header.name}>"), "="), introduction(text)]
    for line in run(kernel_doc, "-sphinx-version", version, "-rst", str(header)).split("\n"):
        match = DIRECTIVE.match(line)
        if match:
            own = next((word for word in re.findall(r"\w+", match[1]) if word in names), None)
            if own in firsts:
                lines.append(heading(escape(firsts[own].capitalize()), "-"))
            lines.append(line)
        else:
            lines.append(link(line, names, own))
    return "\n".join(lines)


def chapter_cpp(header):
    text = header.read_text()
    top = TOP_COMMENT_CPP.match(text)
    body = text[top.end():] if top else text
    words = re.sub(r"^// ?", "", top[1], flags=re.M) if top else ""
    words = re.sub(r"(?m)^\t", "  ", words)
    listing = "\n".join(f"   {line}".rstrip().expandtabs(8) for line in body.split("\n"))
    words = re.sub(r"\n\n((?:  .*\n)+)", r"\n\n::\n\n\1", escape_text(words))
    return (f"{heading(escape(f'<xengnt/{header.name}>'), '=')}\n{words}\n"
            f".. code-block:: cpp\n\n{listing}\n")


def escape_text(words):
    """Escapes paragraphs; lines that are set in become literal and stay as they are."""
    return "\n".join(line if line.startswith("  ") else escape(line)
                     for line in words.split("\n"))


def write_manual_pages(text, directory):
    starts = [(match.start(), match[1]) for match in MAN_PAGE.finditer(text)]
    ends = [at for at, _ in starts[1:]] + [len(text)]
    for (at, name), end in zip(starts, ends):
        (directory / f"{name}.9").write_text(text[at:end])


def main(kernel_doc, include, chapters, manual, version):
    headers = sorted(include.glob("*.h"),
                     key=lambda h: (FIRST.index(h.name) if h.name in FIRST else 99, h.name))
    documented = [header for header in headers if COMMENT.search(header.read_text())]
    if not documented:
        sys.exit(f"error: no kernel-doc comment in {include}/*.h")
    names = {match[1] for header in documented for match in COMMENT.finditer(header.read_text())}
    chapters.mkdir(parents=True, exist_ok=True)
    manual.mkdir(parents=True, exist_ok=True)
    made = []
    for header in documented:
        (chapters / f"{header.stem}.rst").write_text(chapter(kernel_doc, header, names, version))
        write_manual_pages(run(kernel_doc, "-man", str(header)), manual)
        made.append(header.stem)
    for header in sorted(include.glob("*.hh")):
        (chapters / f"{header.stem}-cpp.rst").write_text(chapter_cpp(header))
        made.append(f"{header.stem}-cpp")
    toc = "".join(f"   {name}\n" for name in made)
    (chapters / "chapters.rst").write_text(
        f"{heading('The headers', '=')}\n.. toctree::\n   :maxdepth: 1\n\n{toc}")
    print(f"{len(names)} names in {len(documented)} headers")


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit("usage: docs/api/generate.py KERNEL-DOC INCLUDE CHAPTERS MAN SPHINX-VERSION")
    main(sys.argv[1], *map(pathlib.Path, sys.argv[2:5]), sys.argv[5])

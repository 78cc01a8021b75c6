#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Makes an assembly file count the instructions that it executes.

Reads GCC's output for x86-64, compiled with -ffixed-r15, and writes it with one
`lea n(%r15), %r15` at the start of every stretch of n instructions that is
entered only at its top and left only at its end: so %r15 grows by one for each
instruction executed.  LEA changes no flag and needs no memory; no other
register is touched.  What the counter itself adds is not counted.  A repeated
string instruction counts once.
"""

import re
import sys

LABEL = re.compile(r"^[.\w$@]+:")
SECTION = re.compile(r'^\t\.(text|data|bss|section)\b\s*([.\w]*)')
INSTRUCTION = re.compile(r"^\t(?!\.)[a-z]")
ENDS_STRETCH = re.compile(r"^\t(notrack )?(j[a-z]+|call|ret|ud2|hlt)\b")


def count(lines):
    text = True
    out = []
    start = None  # where in `out` the running stretch's counter belongs
    length = 0

    def finish():
        nonlocal start, length
        if length:
            out.insert(start, f"\tleaq\t{length}(%r15), %r15\n")
        start, length = None, 0

    for line in lines:
        section = SECTION.match(line)
        if section:
            finish()
            text = section[1] == "text" or section[2].startswith(".text")
        elif LABEL.match(line):
            finish()
        elif text and INSTRUCTION.match(line):
            if "%r15" in line:
                sys.exit(f"count-instructions: %r15 is in use: {line.strip()}")
            # A prefix on a line of its own belongs to the next line.
            if start is None:
                start = len(out)
            length += line.strip() not in ("lock", "rep", "repz")
            out.append(line)
            if ENDS_STRETCH.match(line):
                finish()
            continue
        out.append(line)
    finish()
    return out


sys.stdout.writelines(count(sys.stdin.readlines()))

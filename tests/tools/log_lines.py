# SPDX-License-Identifier: GPL-2.0
"""Every line that the module can print is in docs/operations.md, and no other.

    python3 tests/tools/log_lines.py [SOURCES OPERATIONS]

A conversion of printf is a * there: `reference * is still in use; caller *`.
"""

import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
CALL = re.compile(r"\bpr_(?:emerg|alert|crit|err|warn|notice|info|debug|cont)(?:_ratelimited|_once)?"
                  r"\(\s*((?:\"(?:[^\"\\]|\\.)*\"\s*|PRI\w+\s*)+)")
ANY_CALL = re.compile(r"\bpr_(?:emerg|alert|crit|err|warn|notice|info|debug|cont)\w*\(|\bprintk\w*\(")
LITERAL = re.compile(r"\"((?:[^\"\\]|\\.)*)\"")
CONVERSION = re.compile(r"%[-#0 +]*\d*(?:\.\d+)?(?:hh|h|ll|l|z)?(?:p[A-Za-z]*|[a-zA-Z])")
HEADING = "## Every log line"
LISTED = re.compile(r"^\* `([^`]+)`", re.MULTILINE)


def printed(source):
    """The lines of a source text; calls that cannot be read are returned too."""
    lines, read = [], 0
    for call in CALL.finditer(source):
        text = "".join(LITERAL.findall(call[1])).replace("\\n", "").replace("%%", "\0")
        lines.append(CONVERSION.sub("*", text).replace("\0", "%"))
        read += 1
    return lines, len(ANY_CALL.findall(source)) - read


def listed(document):
    if HEADING not in document:
        return []
    section = document.split(HEADING, 1)[1].split("\n## ", 1)[0]
    return LISTED.findall(section)


def compare(sources, document):
    """Complaints, one a line."""
    found = []
    for path, text in sorted(sources.items()):
        lines, unread = printed(text)
        found += lines
        if unread:
            yield f"{path}: {unread} call(s) whose text is not a string at the call"
    there = listed(document)
    if not found:
        yield "no source prints anything: wrong directory?"
    for line in sorted(set(found) - set(there)):
        yield f"not in docs/operations.md, {HEADING[3:]}: {line}"
    for line in sorted(set(there) - set(found)):
        yield f"in docs/operations.md, but nothing prints it: {line}"
    for line in sorted({line for line in there if there.count(line) > 1}):
        yield f"twice in docs/operations.md: {line}"


def main(words):
    directory = pathlib.Path(words[0]) if words else TOP / "src" / "linux"
    document = pathlib.Path(words[1]) if words else TOP / "docs" / "operations.md"
    sources = {path.name: path.read_text(encoding="utf-8")
               for pattern in ("*.c", "*.h") for path in directory.glob(pattern)}
    complaints = list(compare(sources, document.read_text(encoding="utf-8")))
    print("\n".join(complaints), end="\n" if complaints else "")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

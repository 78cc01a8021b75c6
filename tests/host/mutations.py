# SPDX-License-Identifier: GPL-2.0
"""The places of the core that tests/host/mutants.py changes, and what to."""
import difflib
import re

COMMENT_OR_STRING = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.S)
# Not code that runs: whatever holds at compile time alone.
SKIPPED_LINE = re.compile(r'^\s*(#|static_assert|using |namespace |template|extern |class |struct '
                          r'|friend |public:|private:|enum )')
# create() sets these at every start, whatever they were.
INITIAL = re.compile(r"^\t(u32|u64|bool|unsigned long|\w+ \*)\s*\w+_( GUARDED_BY\(\w+\))? =")
# One of two that are swapped has to order something.
ORDERS = re.compile(r"release|publish|barrier|prepared|fence|exchange|fetch|entry_open|ref_table")

SWAPPED = {
    "comparison": {" < ": " <= ", " <= ": " < ", " > ": " >= ", " >= ": " > ",
                   " == ": " != ", " != ": " == "},
    "logic": {" && ": " || ", " || ": " && ", " & ": " | ", " | ": " & "},
    "arithmetic": {" + ": " - ", " - ": " + ", " += ": " -= ", " -= ": " += ", " * ": " + ",
                   " / ": " * ", " % ": " / "},
    "truth": {"true": "false", "false": "true"},
    "step": {"++": "--", "--": "++"},
    "ordering": {"store_release(": "store_relaxed(", "load_acquire(": "load_relaxed(",
                 "ref_table.swap(": "always_swap("},
}
WORDS = {"true", "false"}
# All ones, written ~0u, mean "none" or "no limit": one less is as good.
NUMBER = re.compile(r"(?<![\w.~])(\d+)(?=[u\b\W])(?!\w*x)")
# The second argument of xg_expect(), which is only a hint to the compiler.
HINT = re.compile(r"(?<=, )[01](?=\))|^\s+[01](?=\)+)")
BARRIER = re.compile(r"^\s*(fence_after_swap|full_barrier|compiler_barrier|entries_prepared)\(\);$")
LOCK = re.compile(r"^\s*(LockGuard \w+\(\w+\)|IrqsOff \w+);$")
DECLARATION = re.compile(r"^(const |static |constexpr |auto\b|[\w:]+(<[^;=]*>)?[ *&]+\w+"
                         r"( =|;|\{|\[|\())")
STATEMENT = re.compile(r"^[\w(*&][^{}]*;$")
STORE = re.compile(r"^(store_\w+|publish|fetch_\w+|exchange|ref_table\.write|full_barrier"
                   r"|entries_prepared|fence_after_swap|entry_\w+)\(.*\);$")
CONDITION = re.compile(r"\b(if|while) \((.*)\)(?= \{$|$| \[\[| \w)")


class Mutation:
    """Lines `first` to `last` (from 0) of a file replaced by others."""

    def __init__(self, file, first, old, new, kind):
        self.file, self.first, self.old, self.new, self.kind = file, first, old, new, kind

    def change(self):
        def short(lines):
            return " / ".join(line.strip() for line in lines)
        return f"{short(self.old)} => {short(self.new)}"

    def key(self):
        """Stays when other lines come and go."""
        return self.file, self.change()

    def applied(self, text):
        lines = text.split("\n")
        assert lines[self.first:self.first + len(self.old)] == self.old
        lines[self.first:self.first + len(self.old)] = self.new
        if any("always_swap(" in line for line in self.new):
            # What a compare-and-swap becomes when nobody compares.
            lines = ["#define always_swap(ref, from, to) (ref_table.write(ref, to), true)", *lines]
        return "\n".join(lines)

    def diff(self):
        lines = difflib.ndiff(self.old, self.new)
        return "".join(f"  {line}\n" for line in lines if line[0] in "+-")

    def __str__(self):
        return f"src/core/{self.file}:{self.first + 1}: {self.change()}"


def without_comments(text):
    """The same text, comments and strings as blanks."""
    return COMMENT_OR_STRING.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def balanced(text):
    depth = 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if depth < 0:
            return False
    return depth == 0


def in_line(line, code):
    """(kind, new line) for what is changed within one line."""
    for kind, pairs in SWAPPED.items():
        for old, new in pairs.items():
            at = code.find(old)
            while at >= 0:
                end = at + len(old)
                whole = old not in WORDS or not re.match(r"\w", code[end:end + 1] or " ")
                if whole and not (old in WORDS and at and re.match(r"[\w.]", code[at - 1])):
                    yield kind, line[:at] + new + line[end:]
                at = code.find(old, end)
    for found in NUMBER.finditer(code):
        value = int(found.group(1))
        for other in (value + 1, value - 1) if value else (1,):
            yield "constant", line[:found.start(1)] + str(other) + line[found.end(1):]
    for found in CONDITION.finditer(code):
        if balanced(found.group(2)) and ";" not in found.group(2):
            begin, end = found.span(2)
            yield "negation", f"{line[:begin]}!({line[begin:end]}){line[end:]}"


def in_file(name, text):
    lines, codes = text.split("\n"), without_comments(text).split("\n")
    if name.endswith(".h"):
        codes = [HINT.sub(lambda found: " " * len(found.group()), code) for code in codes]
    before = ";"
    for at, (line, code) in enumerate(zip(lines, codes)):
        code = code.rstrip()
        stripped = code.strip()
        if not stripped or SKIPPED_LINE.match(code) or (
                name.endswith(".hh") and INITIAL.match(code)):
            before = stripped or before
            continue
        for kind, new in in_line(line, code.ljust(len(line))):
            yield Mutation(name, at, [line], [new], kind)
        indent = line[:len(line) - len(line.lstrip())]
        begins = before.endswith((";", "{", "}", ":", ")", "else", "]]"))
        if BARRIER.match(code):
            yield Mutation(name, at, [line], [indent + ";"], "barrier")
        elif LOCK.match(code):
            yield Mutation(name, at, [line], [indent + ";"], "lock")
        elif (begins and indent and STATEMENT.match(stripped) and balanced(stripped)
              and not stripped.startswith("return ") and not DECLARATION.match(stripped)):
            yield Mutation(name, at, [line], [indent + ";"], "statement")
        follower = codes[at + 1].strip() if at + 1 < len(codes) else ""
        if (begins and STORE.match(stripped) and STORE.match(follower)
                and ORDERS.search(stripped + follower)):
            yield Mutation(name, at, [line, lines[at + 1]], [lines[at + 1], line], "order")
        before = stripped


def find(folder):
    """Every mutation there is, in the order of the files."""
    return [mutation for path in sorted([*folder.glob("*.cc"), *folder.glob("*.hh"),
                                         folder / "fast_paths.h"])
            if path.name != "unity.cc"
            for mutation in in_file(path.name, path.read_text(encoding="utf-8"))]

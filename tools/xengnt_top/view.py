# SPDX-License-Identifier: GPL-2.0
"""What the person at the terminal asked for: sorting, a filter; and what each line is."""

import dataclasses

from .report import as_count
from .text import report_lines

# What s goes through: the key of a row of pools, the one of a row of domains.
SORTS = (("held", "held", "deferred"), ("alloc/s", "allocated_per_s", "deferred_per_s"),
         ("free/s", "freed_per_s", "reclaimed_per_s"), ("name", "name", "domid"))

HELP = """\
xengnt-top shows what this guest's grant references are used for.

  s      sort pools and domains by another column; the last line says which
  r      the other way round
  /      show only pools and domains with some text in their names; Enter ends
         it, an empty text shows all again
  c      colours on or off (NO_COLOR= or --no-color: off from the start)
  h, ?   this help; any key ends it
  space  look again at once
  q      quit

The columns are explained in xengnt-top(8)."""


@dataclasses.dataclass
class View:
    sort: int = 0
    reverse: bool = False
    filter: str = ""
    typing: bool = False  # the filter is being typed
    help: bool = False
    colors: bool = True

    def press(self, key):
        """Takes a key, a character or a curses name; False when it ends the program."""
        if self.typing:
            self.type(key)
        elif self.help:
            self.help = False
        elif key in ("q", "Q"):
            return False
        elif key == "s":
            self.sort = (self.sort + 1) % len(SORTS)
        elif key == "r":
            self.reverse = not self.reverse
        elif key == "c":
            self.colors = not self.colors
        elif key in ("h", "?"):
            self.help = True
        elif key == "/":
            self.typing, self.filter = True, ""
        return True

    def type(self, key):
        if key in ("\n", "\r", "KEY_ENTER"):
            self.typing = False
        elif key == "\x1b":
            self.typing, self.filter = False, ""
        elif key in ("\x7f", "\b", "KEY_BACKSPACE"):
            self.filter = self.filter[:-1]
        elif len(key) == 1 and key.isprintable():
            self.filter += key

    def status(self):
        if self.typing:
            return f"show names with: {self.filter}_"
        only = f", only names with '{self.filter}'" if self.filter else ""
        return f"sorted by {SORTS[self.sort][0]}{' reversed' if self.reverse else ''}{only}; h: help"


def order(rows, key, reverse):
    """Numbers from the biggest, words from the first letter; unless reversed."""
    if key in ("name", "domid"):
        return sorted(rows, key=lambda row: (str(type(row[key])), row[key]), reverse=reverse)
    return sorted(rows, key=lambda row: row.get(key) if isinstance(row.get(key), (int, float))
                  else -1, reverse=not reverse)


def arrange(report, view):
    """The report with the rows that are to be seen, in their order."""
    _, pool_key, domain_key = SORTS[view.sort]
    pools = [row for row in report["pools"] if view.filter.lower() in str(row["name"]).lower()]
    domains = [row for row in report["domains"] if view.filter in str(row["domid"])]
    if view.filter and not domains:
        domains = report["domains"]  # the filter was meant for pools
    return {**report, "pools": order(pools, pool_key, view.reverse),
            "domains": order(domains, domain_key, view.reverse)}


def style_of(line, report):
    """How a line is shown: "title", "head", "bad" or "plain"."""
    first = line.split("  ")[0].strip()
    if line.startswith("xengnt-top"):
        return "title"
    if first == "FAILED CALLS":
        return "bad"
    if first in ("TABLE", "POOL", "DOMAIN", "FREE", "ALLOC/S"):
        return "head"
    old = {str(row["domid"]) for row in report["domains"] if as_count(row["oldest_s"]) >= 60}
    return "bad" if first in old or line.startswith("LITTLE LEFT") else "plain"


def picture(report, view, width, height):
    """(text, style) for each line of a window; the last one is the status."""
    if view.help:
        shown = [(line, "plain") for line in HELP.splitlines()]
    else:
        arranged = arrange(report, view)
        shown = [(line, style_of(line, arranged)) for line in report_lines(arranged)]
    room = max(height - 1, 0)
    if len(shown) > room and room:
        hidden = len(shown) - room + 1
        shown = shown[:room - 1] + [(f"... {hidden} more lines: a higher window shows them", "plain")]
    shown += [("", "plain")] * (room - len(shown)) + [(view.status(), "title")]
    return [(cut(text, width), style) for text, style in shown[:height]]


def cut(text, width):
    """A line that is too long ends in > instead of looking complete."""
    return text if len(text) <= width else text[:max(width - 1, 0)] + ">"[:width]

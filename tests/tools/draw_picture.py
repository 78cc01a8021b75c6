# SPDX-License-Identifier: GPL-2.0
"""Draws docs/xengnt-top.svg: what xengnt-top shows of the recorded guest, between two
looks two seconds apart, in a terminal of 80 columns.

    scripts/make-picture           draws it
    scripts/make-picture --check   whether it is what would be drawn
"""

import html
import os
import sys
import time
from pathlib import Path

from xengnt_top import reading, report, view

TOP = Path(__file__).resolve().parents[2]
GUEST = TOP / "tests" / "tools" / "samples" / "guest"
PICTURE = TOP / "docs" / "xengnt-top.svg"
WIDTH, HEIGHT = 80, 24
CELL, LINE = 8.4, 18
COLORS = {"title": "#7fd7ff", "head": "#9fd787", "bad": "#ff8787", "plain": "#dddddd"}
LOOKED = 1795521600.0  # any time: the recording has none


def drawn():
    os.environ["TZ"] = "UTC"
    time.tzset()
    before = reading.read_snapshot(str(GUEST / "sys" / "kernel" / "debug" / "xengnt"), LOOKED)
    after = reading.read_snapshot(str(GUEST / "later"), LOOKED + 2)
    shown = view.picture(report.make_report(before, after), view.View(), WIDTH, HEIGHT)
    width, height = WIDTH * CELL + 24, len(shown) * LINE + 24
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" '
           'font-family="monospace" font-size="14">')
    yield "<!-- SPDX-License-Identifier: GPL-2.0; made by scripts/make-picture -->"
    yield '<rect width="100%" height="100%" rx="6" fill="#1c1c1c"/>'
    for number, (text, style) in enumerate(shown):
        weight = ' font-weight="bold"' if style in ("title", "bad") else ""
        length = f' textLength="{len(text) * CELL:.1f}"' if text else ""
        yield (f'<text x="12" y="{26 + number * LINE}" fill="{COLORS[style]}"{weight}{length} '
               f'xml:space="preserve">{html.escape(text)}</text>')
    yield "</svg>"


def main():
    text = "".join(f"{line}\n" for line in drawn())
    if sys.argv[1:] == ["--check"]:
        if not PICTURE.exists() or PICTURE.read_text(encoding="utf-8") != text:
            print(f"{PICTURE.relative_to(TOP)} is not what is drawn now: run scripts/make-picture")
            return 1
        return 0
    PICTURE.write_text(text, encoding="utf-8")
    print(f"drawn: {PICTURE.relative_to(TOP)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

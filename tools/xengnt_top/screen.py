# SPDX-License-Identifier: GPL-2.0
"""The picture on a terminal, renewed until q; elsewhere reports follow each other."""

import curses
import os
import sys
import time

from .reading import CannotRead, read_snapshot
from .report import make_report
from .text import report_lines
from .view import View, cut, picture


def colors_wanted(options):
    return not options.no_color and not os.environ.get("NO_COLOR") and curses.has_colors()


def attributes(view, can_color):
    """Without colours the same is told by bold and reverse."""
    if view.colors and can_color:
        return {"title": curses.color_pair(1) | curses.A_BOLD, "head": curses.color_pair(2),
                "bad": curses.color_pair(3) | curses.A_BOLD, "plain": curses.A_NORMAL}
    return {"title": curses.A_BOLD, "head": curses.A_UNDERLINE, "bad": curses.A_REVERSE,
            "plain": curses.A_NORMAL}


def draw(window, shown, styles):
    window.erase()
    for number, (text, style) in enumerate(shown):
        try:
            window.addstr(number, 0, text, styles[style])
        except curses.error:
            pass  # the corner at the lower right, or a window that has just shrunk
    window.refresh()


def look(options, before):
    """A snapshot and its report, or None and why not."""
    try:
        after = read_snapshot(options.dir, time.time())
        return after, make_report(before, after), None
    except CannotRead as error:
        return None, None, str(error)


class Screen:
    def __init__(self, window, options):
        self.window, self.options = window, options
        self.view = View(colors=colors_wanted(options))
        self.can_color = curses.has_colors()
        if self.can_color:
            curses.use_default_colors()
            for pair, color in ((1, curses.COLOR_CYAN), (2, curses.COLOR_GREEN),
                                (3, curses.COLOR_RED)):
                curses.init_pair(pair, color, -1)
        try:
            curses.curs_set(0)
        except curses.error:
            pass  # some terminals always show it

    def show(self, report, trouble):
        height, width = self.window.getmaxyx()
        if trouble:
            shown = [(cut(line, width), "plain") for line in
                     (f"xengnt-top: {trouble}", "", "looking again; q ends")][:height]
        else:
            shown = picture(report, self.view, width, height)
        draw(self.window, shown, attributes(self.view, self.can_color))

    def wait(self, until, report, trouble):
        """Takes keys until it is time to look again, or space asks for it. False: q."""
        while (left := until - time.monotonic()) > 0:
            # A change of the window's size that comes just before curses waits is only
            # noticed when it looks again.
            self.window.timeout(min(max(int(left * 1000), 1), 500))
            try:
                key = self.window.getkey()
            except curses.error:
                continue  # no key came
            if key == " " and not self.view.typing:
                return True
            if key == "KEY_RESIZE":
                curses.update_lines_cols()
                self.window.clear()  # terminals move lines about: all is drawn again
            elif not self.view.press(key):
                return False
            self.show(report, trouble)
        return True

    def run(self):
        before, left = None, self.options.count
        while left is None or left > 0:
            after, report, trouble = look(self.options, before)
            self.show(report, trouble)
            before = after
            left = None if left is None else left - 1
            if left == 0 or not self.wait(time.monotonic() + self.options.interval, report, trouble):
                return


def follow(options):
    """Not a terminal: one report below the other."""
    before, left = None, options.count
    while left is None or left > 0:
        after = read_snapshot(options.dir, time.time())
        print("\n".join(report_lines(make_report(before, after))), end="\n\n", flush=True)
        before = after
        left = None if left is None else left - 1
        if left is None or left > 0:
            time.sleep(options.interval)


def live(options):
    if not (sys.stdout.isatty() and sys.stdin.isatty()):
        follow(options)
        return
    os.environ.setdefault("ESCDELAY", "25")  # Escape counts at once
    try:
        curses.setupterm()
    except curses.error:
        follow(options)  # a terminal of which nothing is known
        return
    curses.wrapper(lambda window: Screen(window, options).run())

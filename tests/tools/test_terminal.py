# SPDX-License-Identifier: GPL-2.0
"""xengnt-top on a terminal: a pseudo terminal, its keys pressed, its screen read."""

import fcntl
import os
import pathlib
import pty
import select
import signal
import struct
import termios
import time
import unittest

from vt100 import Terminal
from xengnt_top import view
from xengnt_top.reading import read_snapshot
from xengnt_top.report import make_report

HERE = pathlib.Path(__file__).resolve().parent
TOOLS = HERE.parents[1] / "tools"
SAMPLE = HERE / "samples" / "first"

class Session:
    """The program under a pseudo terminal of some size."""

    def __init__(self, *words, rows=24, columns=80, term="vt100", **environment):
        self.raw, self.screen = "", Terminal(rows, columns)
        self.child, self.terminal = pty.fork()
        if not self.child:
            os.environ.pop("NO_COLOR", None)
            os.environ.pop("LINES", None)
            os.environ.pop("COLUMNS", None)
            os.environ.update(TERM=term, **environment)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execv(TOOLS / "xengnt-top", ["xengnt-top", "--dir", str(SAMPLE), "--interval", "60",
                                            *words])
        self.until(lambda text: "h: help" in text)

    def read(self, seconds):
        if select.select([self.terminal], [], [], seconds)[0]:
            try:
                text = os.read(self.terminal, 65536).decode()
            except OSError:
                return False
            self.raw += text
            self.screen.feed(text)
        return True

    def text(self):
        return "\n".join(self.screen.lines())

    def until(self, seen, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if seen(self.text()):
                return self.text()
            if not self.read(0.2):
                break
        raise AssertionError(f"did not come:\n{self.text()}")

    def press(self, keys, seen):
        os.write(self.terminal, keys.encode())
        return self.until(seen)

    def resize(self, rows, columns):
        self.screen = Terminal(rows, columns)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.kill(self.child, signal.SIGWINCH)

    def quit(self):
        os.write(self.terminal, b"q")
        while self.read(1):
            pass
        return os.waitpid(self.child, 0)[1]


def pools(text):
    """The first words of the lines below POOL."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("POOL"))
    return [line.split("  ")[0] for line in lines[start + 1:lines.index("", start)]]


class Keys(unittest.TestCase):
    def setUp(self):
        self.session = Session()
        self.addCleanup(os.close, self.session.terminal)

    def test_sorting(self):
        by_held = pools(self.session.text())
        by_name = pools(self.session.press("sss", lambda text: "sorted by name" in text))
        self.assertEqual(by_name, sorted(by_name))
        self.assertNotEqual(by_held, by_name)
        turned = pools(self.session.press("r", lambda text: "by name reversed" in text))
        self.assertEqual(turned, by_name[::-1])
        self.assertEqual(self.session.quit(), 0)

    def test_filter(self):
        shown = self.session.press("/RING\r", lambda text: "only names with 'RING'" in text)
        self.assertEqual(set(pools(shown)), {"my ring 0", "old ring (destroyed)"})
        everything = self.session.press("/\r", lambda text: "only names" not in text
                                        and "sorted by" in text)
        self.assertGreater(len(pools(everything)), 2)
        self.session.press("/q", lambda text: "show names with: q_" in text)
        self.session.press("\x1b", lambda text: "sorted by held; h: help" in text)
        self.assertEqual(self.session.quit(), 0)

    def test_help(self):
        self.session.press("h", lambda text: "look again at once" in text)
        self.session.press("x", lambda text: "POOL" in text)
        self.assertEqual(self.session.quit(), 0)


class Windows(unittest.TestCase):
    def test_resize_and_narrow(self):
        session = Session()
        self.addCleanup(os.close, session.terminal)
        session.resize(8, 30)
        shown = session.until(lambda text: "more lines" in text and "sorted by" in text)
        self.assertTrue(any(line.endswith(">") for line in shown.splitlines()), shown)
        session.resize(40, 100)
        session.until(lambda text: "DOMAIN" in text and "more lines" not in text)
        self.assertEqual(session.quit(), 0)

    def test_tiny(self):
        found = make_report(None, read_snapshot(str(SAMPLE), 0))
        for width in range(1, 12):
            for height in range(1, 6):
                shown = view.picture(found, view.View(), width, height)
                self.assertLessEqual(len(shown), height)
                self.assertLessEqual(max(len(text) for text, _ in shown), width)


class Colors(unittest.TestCase):
    def has_color(self, *words, **environment):
        session = Session(*words, term="xterm-256color", **environment)
        self.addCleanup(os.close, session.terminal)
        self.assertEqual(session.quit(), 0)
        return "\x1b[32m" in session.raw or "\x1b[38;5;2m" in session.raw

    def test_colors(self):
        self.assertTrue(self.has_color())
        self.assertFalse(self.has_color("--no-color"))
        self.assertFalse(self.has_color(NO_COLOR="1"))


if __name__ == "__main__":
    unittest.main()

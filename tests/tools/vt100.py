# SPDX-License-Identifier: GPL-2.0
"""A screen for programs under test: what a VT100 would show of what they write."""

import re

# What a VT100 is told: where to write, what to erase; and the text between.
TOLD = re.compile(r"\x1b\[([\d;?]*)([A-Za-z])|\x1b[()][A-Z0-9]|\x1b([M78=>])|([^\x1b])|\x1b",
                  re.DOTALL)


class Terminal:
    """A screen of 24 lines, as far as curses uses one for this picture."""

    def __init__(self, rows=24, columns=80):
        self.rows, self.columns = rows, columns
        self.clear()
        self.row = self.column = self.top = 0
        self.bottom = rows - 1

    def clear(self):
        self.cells = [[" "] * self.columns for _ in range(self.rows)]

    def feed(self, text):
        for match in TOLD.finditer(text):
            if match[2]:
                first, _, second = match[1].partition(";")
                self.told(match[2], first, second)
            elif match[3] == "M":
                self.up()
            elif match[4]:
                self.put(match[4])

    def up(self):
        """One line up; at the top of the region its lines move down."""
        if self.row == self.top:
            del self.cells[self.bottom]
            self.cells.insert(self.top, [" "] * self.columns)
        else:
            self.row -= 1

    def down(self):
        if self.row == self.bottom:
            del self.cells[self.top]
            self.cells.insert(self.bottom, [" "] * self.columns)
        else:
            self.row += 1

    def told(self, what, first, second):
        if what == "H":
            self.row, self.column = int(first or 1) - 1, int(second or 1) - 1
        elif what == "J":
            for row in range(self.row, self.rows):
                self.erase(row, self.column if row == self.row else 0)
        elif what == "K" and first in ("", "0"):
            self.erase(self.row, self.column)
        elif what == "K":
            self.cells[self.row][:self.column + 1] = [" "] * (self.column + 1)
        elif what == "r":
            self.top, self.bottom = int(first or 1) - 1, int(second or self.rows) - 1
            self.row = self.column = 0
        elif what in "ABCD":
            steps = int(first or 1)
            self.row += {"A": -steps, "B": steps}.get(what, 0)
            self.column += {"C": steps, "D": -steps}.get(what, 0)

    def erase(self, row, column):
        self.cells[row][column:] = [" "] * (self.columns - column)

    def put(self, character):
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self.down()
        elif character == "\b":
            self.column = max(self.column - 1, 0)
        elif character >= " " and self.row < self.rows and self.column < self.columns:
            self.cells[self.row][self.column] = character
            self.column += 1

    def lines(self):
        return ["".join(row).rstrip() for row in self.cells]

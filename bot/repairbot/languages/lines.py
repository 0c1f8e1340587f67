"""The lines of a source as its repairs ask for them, in bytes: what printers of all brace languages share."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Final

_INDENTED: Final = re.compile(rb"^([ \t]+)(?![*\s])", re.MULTILINE)
"""Indented lines, without those of a block comment."""


class Lines:
    """A source's bytes, and how they are laid out."""

    indent = 4
    """The width of one step where the file shows none."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    @cached_property
    def newline(self) -> str:
        """The line end that this file uses."""
        return "\r\n" if b"\r\n" in self.data else "\n"

    @cached_property
    def unit(self) -> str:
        """One step of indentation: the smallest there is."""
        found = [match.group(1) for match in _INDENTED.finditer(self.data)]
        tabs = sum(blanks.startswith(b"\t") for blanks in found)
        if tabs * 2 > len(found):
            return "\t"
        widths = [len(blanks) for blanks in found if len(blanks) in (2, 4, 8)]
        return " " * min(widths, default=self.indent)

    def line_start(self, offset: int) -> int:
        """The first byte of an offset's line."""
        return self.data.rfind(b"\n", 0, offset) + 1

    def line_end(self, offset: int) -> int:
        """The first byte of an offset's line end (of the `\\r` of a `\\r\\n`), or the end of the file."""
        end = self.data.find(b"\n", offset)
        end = len(self.data) if end < 0 else end
        return end - 1 if end > offset and self.data[end - 1 : end] == b"\r" else end

    def indentation(self, offset: int) -> str:
        """The blanks at the start of an offset's line."""
        line = self.data[self.line_start(offset) : self.line_end(offset)]
        return line[: len(line) - len(line.lstrip(b" \t"))].decode()

    def first_on_line(self, offset: int) -> bool:
        """Whether nothing but blanks stands before it on its line."""
        return not self.data[self.line_start(offset) : offset].strip()

    def slice(self, start: int, end: int) -> str:
        """The text between two offsets."""
        return self.data[start:end].decode("utf-8")

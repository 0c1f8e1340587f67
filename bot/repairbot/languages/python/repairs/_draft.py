"""A draft of a rewrite by lines: some move in or out, some go, some texts change; edits come out at the end."""

from __future__ import annotations

import libcst as cst

from repairbot.languages.python.repairs._cst import Row, Small, Source
from repairbot.model import Edit


class Draft:
    """Collects what is to change. Moves add up: a line moved in and out again stays as it is."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._moves: dict[int, int] = {}
        self._dropped: set[int] = set()
        self._texts: list[Edit] = []

    def shift(self, start: int, end: int, units: int = 1) -> None:
        """Move the lines that begin in `start..end` in (or out, below 0)."""
        for line in self.source.lines(start, end):
            self._moves[line] = self._moves.get(line, 0) + units

    def drop(self, start: int, end: int) -> None:
        """Take out the lines that begin in `start..end`; comments on lines of their own among them stay."""
        for line in self.source.lines(start, end):
            self._dropped.add(line)

    def drop_row(self, row: Row) -> None:
        """Take out a row; a comment behind it stays, on a line of its own."""
        source = self.source
        start, end = source.start(row), source.end(row)
        last = source.line_end(end - 1)
        rest = source.slice(end, last).strip()
        if rest.startswith(("#", ";")) and rest.lstrip("; ").startswith("#"):
            self._texts.append(Edit(start, end + source.slice(end, last).index("#"), ""))
        else:
            self.drop(source.line_start(start), last)

    def write(self, *edits: Edit) -> None:
        """Change texts within lines, or put lines in at the start of one."""
        self._texts += edits

    def put(self, offset: int, indentation: str, text: str) -> None:
        """Put whole lines in at the start of a line (or at the end of the file)."""
        laid = self.source.lay_out(text, indentation)
        if offset == len(self.source.data) and offset and not self.source.data.endswith((b"\n", b"\r")):
            laid = self.source.newline + laid[: -len(self.source.newline)]
        self._texts.append(Edit(offset, offset, laid))

    def dropped(self, line: int) -> bool:
        """Whether the line that begins here goes."""
        return line in self._dropped

    def tidy_before(self, offset: int, floor: int) -> None:
        """Take out the blank lines right above a line (not beyond `floor`): nothing follows them in their block."""
        for line in reversed(self.source.lines(floor, offset)):
            if line in self._dropped:
                continue
            if self.source.line_text(line).strip():
                return
            self._dropped.add(line)

    def tidy_after(self, offset: int, ceiling: int) -> None:
        """Take out the blank lines right at and below a line: they would open a block."""
        for line in self.source.lines(offset, ceiling):
            if self.source.line_text(line).strip():
                return
            self._dropped.add(line)

    def edits(self) -> tuple[Edit, ...]:
        """The edits of it all. Lines that go take their moves and the texts inside them along."""
        edits = [edit for edit in self._texts if not (edit.end > edit.start and self._gone(edit))]
        unit = self.source.unit
        for line, units in self._moves.items():
            if units and line not in self._dropped:
                move = self.source.indent if units > 0 else self.source.dedent
                edits += move(line, self.source.line_end(line), unit * abs(units))
        edits += [Edit(line, self.source.line_end(line), "") for line in self._dropped]
        return merged(edits)

    def _gone(self, edit: Edit) -> bool:
        return self.source.line_start(edit.start) in self._dropped


def merged(edits: list[Edit]) -> tuple[Edit, ...]:
    """Sorted, with adjoining edits made one: what is put in at a place stands before what was there.

    Edits that overlap stay as they are: whoever applies them refuses them.
    """
    result: list[Edit] = []
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end > edit.start, edit.end)):
        if result and result[-1].end == edit.start:
            last = result.pop()
            edit = Edit(last.start, edit.end, last.text + edit.text)
        result.append(edit)
    return tuple(result)


def only_statement(source: Source, statement: Small) -> bool:
    """Whether a statement is all that its block holds."""
    row = source.row(statement)
    if row is None:
        suite = source.parent(statement)
        return isinstance(suite, cst.SimpleStatementSuite) and len(suite.body) == 1
    block = source.parent(row)
    return isinstance(block, cst.IndentedBlock) and len(block.body) == 1 and source.alone(statement)

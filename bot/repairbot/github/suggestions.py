"""A repair as GitHub's suggestion, or as a patch where it cannot be one.

A suggestion is made only if applying it to the head's file gives, byte for byte, the file that was checked: the
fix's edits applied to the head.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from repairbot import edits
from repairbot.github import hunks as diffs
from repairbot.model import Edit, Fix
from repairbot.reports.hunks import DiffError
from repairbot.reports.hunks import parse as parse_diff
from repairbot.reports.hunks import unified as unified_diff
from repairbot.reports.markup import visible

FAR: Final = 12
"""Kept lines between two changed ones, above which nobody sees what a suggestion changes."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Lines `first` to `last` of the head's file give way to `lines` (texts without line ends, never none)."""

    first: int
    last: int
    lines: tuple[str, ...]

    def meets(self, other: Suggestion) -> bool:
        """Whether both replace a line: GitHub takes one suggestion a line."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True, slots=True)
class NoSuggestion:
    """`why` a repair cannot be a suggestion: the end of a sentence that begins with "it"."""

    why: str


@dataclass(frozen=True, slots=True)
class Patch:
    """A repair as a unified diff. `why_not`: why a comment cannot carry it such that `git apply` takes it."""

    text: str
    why_not: str = ""


def apply(source: bytes, suggestion: Suggestion) -> bytes:
    """The file after somebody accepts the suggestion: its lines, each ended by a line feed."""
    lines = _lines(source)
    new = [line.encode() + b"\n" for line in suggestion.lines]
    return b"".join([*lines[: suggestion.first - 1], *new, *lines[suggestion.last :]])


def suggest(
    source: bytes, wanted: Sequence[Edit], hunks: diffs.Hunks | None, encoding: str = "utf-8"
) -> Suggestion | NoSuggestion:
    """The suggestion over the smallest range that makes these edits, or why there is none.

    `source`: the head's file. Raises edits.BadEditsError where the edits do not fit it.
    """
    if encoding != "utf-8":
        return NoSuggestion(f"stands in a file that is not UTF-8 but {visible(encoding)}")
    if hunks is None:
        return NoSuggestion("stands in a file whose diff GitHub does not show")
    checked = edits.apply(source, wanted, encoding)
    before, after = _lines(source), _lines(checked)
    head, tail = _same(before, after)
    if head == len(before) == len(after):
        return NoSuggestion("changes nothing")
    why = "needs no line of the file"  # of an empty one
    for first, last in _ranges(head, len(before) - tail, len(before), empty=head + tail == len(after)):
        replaced, lines = before[first - 1 : last], after[first - 1 : len(after) - (len(before) - last)]
        why = _unfit(hunks, first, last, replaced, lines) or _apart(source, wanted)
        if why:
            continue
        suggestion = Suggestion(first, last, tuple(line[:-1].decode() for line in lines))
        if apply(source, suggestion) == checked:
            return suggestion
        why = "does not come out as it was checked"
    return NoSuggestion(why)


def _lines(source: bytes) -> list[bytes]:
    parts = source.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _same(before: list[bytes], after: list[bytes]) -> tuple[int, int]:
    """How many lines at the head and at the tail are the same."""
    limit = min(len(before), len(after))
    head = next((index for index in range(limit) if before[index] != after[index]), limit)
    left = limit - head
    tail = next((index for index in range(left) if before[-1 - index] != after[-1 - index]), left)
    return head, tail


def _ranges(start: int, end: int, size: int, *, empty: bool) -> list[tuple[int, int]]:
    """The ranges (first and last line) to try: what gives way; of an insertion or a deletion, which have no
    lines on one side (`empty`: the new one), that with the line before it, or the one behind it."""
    if start < end and not empty:
        return [(start + 1, end)]
    return [
        (first, last)
        for first, last in ((start, end), (start + 1, end + 1))
        if first >= 1 and last <= size and first <= last
    ]


def _apart(source: bytes, wanted: Sequence[Edit]) -> str:
    """Why these edits are several places to a reader, or ""."""
    places = edits.ordered(wanted, len(source))
    gaps = (source.count(b"\n", one.end, other.start) for one, other in itertools.pairwise(places))
    return "changes places that are far apart" if max(gaps, default=0) > FAR else ""


def _unfit(hunks: diffs.Hunks, first: int, last: int, replaced: list[bytes], lines: list[bytes]) -> str:
    """Why these lines cannot be suggested in place of those, or ""."""
    hunk = diffs.holding(hunks, first, last)
    if hunk is None:
        inside = diffs.commentable(hunks)
        several = first in inside and last in inside
        return "changes several places of the diff" if several else "changes lines outside of this diff"
    shown = diffs.between(hunk, first, last)
    if any(not line.right for line in shown):
        return "spans lines that this change removes"
    if any(b"\r" in line for line in (*replaced, *lines)):
        return "stands in lines that end in CR LF"
    if not all(line.endswith(b"\n") for line in (*replaced, *lines)):
        return "reaches the last line, which has no line end"
    try:
        texts = [line[:-1].decode() for line in (*replaced, *lines)]
    except UnicodeDecodeError:
        return "stands in lines that are not UTF-8"
    if any(visible(text, keep="\t") != text for text in texts):
        return "holds characters that cannot be seen"
    if [line.text for line in shown] != texts[: len(replaced)]:
        return "was made for another version of the file than the diff shows"
    return ""


def patch(path: str, fix: Fix, encoding: str = "utf-8") -> Patch:
    """The whole repair as a diff with headers as git writes them."""
    try:
        text = unified_diff(path, parse_diff(fix.diff))
    except DiffError:
        text = fix.diff
    why = ""
    if encoding != "utf-8":
        why = f"the file is not UTF-8 but {visible(encoding)}"
    elif "\r" in text:
        why = "lines end in CR LF"
    elif visible(text, keep="\n\t") != text:
        why = "it holds characters that cannot be seen"
    return Patch(text, why)

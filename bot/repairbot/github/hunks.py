"""The hunks of a changed file: which of its lines may carry a comment, and which a suggestion.

GitHub takes a comment on RIGHT (added and kept lines) or LEFT inside a hunk; several lines must stand in one
hunk. A suggestion over lines between which some were removed shows, but cannot be committed
(parkerbxyz/suggest-changes#50).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from repairbot.github.model import Hunk, HunkLine, Side

_HEADER: Final = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")

Hunks = tuple[Hunk, ...]


def parse(patch: str | None) -> Hunks | None:
    """The hunks of `patch` as GitHub sends it (without `---` and `+++`).

    None where there is none (binary, too large) or where it is none that can be read: then nothing of the file
    can be commented on.
    """
    if patch is None:
        return None
    hunks: list[Hunk] = []
    lines = patch.removesuffix("\n").split("\n") if patch else []
    at = 0
    while at < len(lines):
        header = _HEADER.match(lines[at])
        if header is None:
            return None
        left, left_count, right, right_count = (int(part) for part in header.groups(default="1"))
        body, at = _body(lines, at + 1, (left, left_count), (right, right_count))
        if body is None:
            return None
        hunks.append(Hunk(left, left_count, right, right_count, body))
    return tuple(hunks)


def _body(
    lines: Sequence[str], at: int, left: tuple[int, int], right: tuple[int, int]
) -> tuple[tuple[HunkLine, ...] | None, int]:
    """The lines of one hunk and where it ends; None where they are not those that its header promises."""
    (old, olds), (new, news) = left, right
    old_end, new_end = old + olds, new + news
    body: list[HunkLine] = []
    while old < old_end or new < new_end:
        line = lines[at] if at < len(lines) else "?"
        at += 1
        if line.startswith("\\"):  # No newline at end of file
            continue
        sign, text = line[:1] or " ", line[1:]
        kept_left, kept_right = sign in " -" and old < old_end, sign in " +" and new < new_end
        if sign not in " -+" or (sign != "+" and not kept_left) or (sign != "-" and not kept_right):
            return None, at
        body.append(HunkLine(old if kept_left else 0, new if kept_right else 0, text))
        old, new = old + kept_left, new + kept_right
    while at < len(lines) and lines[at].startswith("\\"):
        at += 1
    return tuple(body), at


def added(hunks: Iterable[Hunk]) -> frozenset[int]:
    """The lines of the head's file that the change added or rewrote."""
    return frozenset(line.right for hunk in hunks for line in hunk.lines if line.right and not line.left)


def commentable(hunks: Iterable[Hunk], side: Side = "RIGHT") -> frozenset[int]:
    """The lines that may carry a comment on one side."""
    numbers = (line.right if side == "RIGHT" else line.left for hunk in hunks for line in hunk.lines)
    return frozenset(number for number in numbers if number)


def holding(hunks: Iterable[Hunk], first: int, last: int) -> Hunk | None:
    """The one hunk that holds all lines of the head's file from `first` to `last`."""
    for hunk in hunks:
        if hunk.right <= first <= last < hunk.right + hunk.right_count:
            return hunk
    return None


def between(hunk: Hunk, first: int, last: int) -> tuple[HunkLine, ...]:
    """What the hunk shows from line `first` to `last` of the head's file, removed lines in between included."""
    rights = [line.right for line in hunk.lines]
    return hunk.lines[rights.index(first) : rights.index(last) + 1]

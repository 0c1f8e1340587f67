"""Unified diffs as data: the changes of one fix, and the diff of several fixes to the same file.

A report has no source text. A fix's diff holds the lines that it changes and their surroundings, which is
enough to put fixes that stay out of each other's way into one diff.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from repairbot.lazily import dataclass, regex

CONTEXT: Final = 3
_HEADER: Final = regex(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_PLAIN_PATH: Final = regex(r"[\w./@%+=:,~ -]*\Z", re.ASCII)


class Change(NamedTuple):
    """Lines of the old file, from `line` on, that give way to others. Texts carry their line ends.

    Nothing removed: `added` goes in front of `line`.
    """

    line: int
    removed: tuple[str, ...]
    added: tuple[str, ...]

    @property
    def end(self) -> int:
        """The first old line behind the change."""
        return self.line + len(self.removed)


@dataclass(frozen=True, slots=True)
class Patch:
    """The changes of a diff in the order of their lines, and every old line that it shows."""

    changes: tuple[Change, ...]
    known: dict[int, str]


@dataclass(frozen=True, slots=True)
class Combined:
    """One patch for several fixes; `left_out`: the indexes of those that touch what another one changes."""

    patch: Patch
    left_out: tuple[int, ...]


class DiffError(ValueError):
    """The text is no unified diff; the message says at which of its lines."""


def _hunk(lines: Sequence[str], at: int, old: int, new: int) -> tuple[list[tuple[str, str]], int]:
    """The signs and texts of a hunk that covers so many old and new lines, and where it ends."""
    marks: list[tuple[str, str]] = []
    while old > 0 or new > 0:
        sign = lines[at][:1] or " " if at < len(lines) else ""
        if sign not in {" ", "-", "+"} or (sign != "+" and not old) or (sign != "-" and not new):
            raise DiffError(f"line {at + 1} does not belong to the hunk it stands in")
        bare = at + 1 < len(lines) and lines[at + 1].startswith("\\")  # "No newline at end of file"
        marks.append((sign, lines[at][1:] + ("" if bare else "\n")))
        old -= sign != "+"
        new -= sign != "-"
        at += 1 + bare
    return marks, at


def parse(diff: str) -> Patch:
    """Read a unified diff of one file; headers are passed over. Raises DiffError."""
    lines = diff.removesuffix("\n").split("\n")
    changes: list[Change] = []
    known: dict[int, str] = {}
    at = 0
    while at < len(lines):
        header = _HEADER.match(lines[at])
        at += 1
        if header is None:
            continue
        start, old, _, new = (int(part) for part in header.groups(default="1"))
        marks, at = _hunk(lines, at, old, new)
        number = start if old else start + 1
        removed: list[str] = []
        added: list[str] = []
        for sign, text in [*marks, (" ", "")]:
            # Kept lines, and a removal behind an addition, end a change.
            if (removed or added) and (sign == " " or (sign == "-" and added)):
                changes.append(Change(number - len(removed), tuple(removed), tuple(added)))
                removed, added = [], []
            if sign == "+":
                added.append(text)
            elif text:
                known[number] = text
                number += 1
                if sign == "-":
                    removed.append(text)
    return Patch(tuple(changes), known)


def _clash(one: Change, other: Change) -> bool:
    """Whether two changes get in each other's way. Touching counts, but for two additions in one place."""
    if one == other:
        return False
    if not one.removed and not other.removed:
        return False
    return one.line <= other.end and other.line <= one.end


def combine(patches: Sequence[Patch]) -> Combined:
    """One patch for all, the first come first served; the same change made by two of them is made once."""
    taken: list[Change] = []
    known: dict[int, str] = {}
    left_out: list[int] = []
    for index, patch in enumerate(patches):
        disagree = any(known.get(line, text) != text for line, text in patch.known.items())
        if disagree or any(_clash(change, other) for change in patch.changes for other in taken):
            left_out.append(index)
            continue
        taken.extend(change for change in patch.changes if change not in taken)
        known.update(patch.known)
    # Additions in one place keep the order of the fixes: the sort is stable.
    return Combined(Patch(tuple(sorted(taken, key=lambda change: change.line)), known), tuple(left_out))


def _groups(patch: Patch, context: int) -> list[list[Change]]:
    groups: list[list[Change]] = []
    for change in patch.changes:
        between = range(groups[-1][-1].end, change.line) if groups else range(0)
        if groups and len(between) <= 2 * context and all(line in patch.known for line in between):
            groups[-1].append(change)
        else:
            groups.append([change])
    return groups


def hunks(patch: Patch, context: int = CONTEXT) -> list[tuple[int, int, list[str]]]:
    """The hunks of a patch: old line, new line, and the lines as in a diff ("+text\\n")."""
    result: list[tuple[int, int, list[str]]] = []
    shift = 0
    for group in _groups(patch, context):
        first, last = group[0].line, group[-1].end
        while first > group[0].line - context and first - 1 in patch.known:
            first -= 1
        while last < group[-1].end + context and last in patch.known:
            last += 1
        body: list[str] = []
        number = first
        for change in group:
            body += [" " + patch.known[line] for line in range(number, change.line)]
            body += ["-" + text for text in change.removed]
            body += ["+" + text for text in change.added]
            number = change.end
        body += [" " + patch.known[line] for line in range(number, last)]
        result.append((first, first + shift, body))
        shift += sum(len(change.added) - len(change.removed) for change in group)
    return result


def quote(path: str) -> str:
    """A path as git writes it in a header: in C quotes where it holds anything but plain signs."""
    if _PLAIN_PATH.match(path):
        return path
    raw = path.encode("utf-8", "surrogateescape")
    signs = {0x22: '\\"', 0x5C: "\\\\", 0x09: "\\t", 0x0A: "\\n", 0x0D: "\\r"}
    return '"' + "".join(signs.get(b, chr(b) if 0x20 <= b < 0x7F else f"\\{b:03o}") for b in raw) + '"'


def _count(start: int, length: int) -> str:
    # Git's way: an empty side names the line in front of it.
    return f"{start if length else start - 1},{length}"


def unified(path: str, patch: Patch, context: int = CONTEXT) -> str:
    """The patch as text that `git apply` accepts; empty when nothing changes."""
    if not patch.changes:
        return ""
    names = [quote(f"{side}/{path}") for side in ("a", "b")]
    tail = "\t" if " " in path and not names[0].startswith('"') else ""
    out = [f"--- {names[0]}{tail}\n", f"+++ {names[1]}{tail}\n"]
    for old, new, body in hunks(patch, context):
        olds = sum(not line.startswith("+") for line in body)
        news = sum(not line.startswith("-") for line in body)
        out.append(f"@@ -{_count(old, olds)} +{_count(new, news)} @@\n")
        out += [line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in body]
    return "".join(out)

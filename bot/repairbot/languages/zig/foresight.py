"""Many repairs of one file: the compiler is asked about them together where they have nothing to do with each other."""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from repairbot.edits import BadEditsError, apply, declared, ordered
from repairbot.languages.base import ALONE
from repairbot.languages.zig.compiler import Said, ask, reformatted, said
from repairbot.model import Edit

Repair = tuple[Edit, ...]
_WORD: Final = re.compile(r"[A-Za-z_]\w*")


def foresee(before: bytes, repairs: Sequence[Repair]) -> tuple[int, ...]:
    """Ask the compiler about many repairs of one file at once, for all that is asked about them later.

    The numbers: see languages/base.py.
    """
    if before != _FORESIGHT.before:
        _FORESIGHT.before, _FORESIGHT.clean = before, []
    sets, left = list[list[Repair]](), [repair for repair in repairs if _holds(before, repair)]
    while left:
        sets.append(_apart(before, left))
        left = [repair for repair in left if repair not in sets[-1]]
    several = any(len(each) > 1 for each in sets)
    ask(*([before] if several else []), *(_version(before, each) for each in sets))
    for each in sets:
        _FORESIGHT.ask(each)
    return tuple(_FORESIGHT.number(repair) for repair in repairs)


def foreseen(before: bytes, edits: Repair) -> Said | None:
    """What the compiler says of a version with these edits: where it has nothing against them, it was asked before."""
    clean = _FORESIGHT.clean if before == _FORESIGHT.before else []
    return next((now for those, now in clean if _made_of(set(edits), those)), None)


@dataclass(slots=True)
class _Foresight:
    """The repairs of a file with which the compiler says what it says without them, in sets asked about at once.

    It says so of each by itself as well, and of any of one set together: what it looks at and what the formatter lays
    out is a statement and its scope, and none of these repairs speaks of what another one declares or takes away.
    """

    before: bytes = b""
    clean: list[tuple[list[frozenset[Edit]], Said]] = field(default_factory=list)

    def number(self, repair: Repair) -> int:
        """The number of the last set of several that a repair is in."""
        found = [
            number
            for number, (those, _) in enumerate(self.clean)
            if len(those) > 1 and frozenset(repair) in those
        ]
        return found[-1] if found else ALONE

    def ask(self, repairs: Sequence[Repair]) -> None:
        """Find the clean ones: in halves, where the compiler does not say which are not."""
        waiting = [list(repairs)]
        while waiting:
            those = waiting.pop()
            version = _version(self.before, those)
            now = said(version)
            # What it has nothing against needs no comparison; but of several repairs one may mend the file itself.
            was = now if now == Said() and len(those) == 1 else said(self.before)
            if isinstance(now, str) or isinstance(was, str):
                continue
            new = now.new(was)
            if not new and not was.new(now) and now.formatted == was.formatted:
                self.clean.append(([frozenset(repair) for repair in those], now))
            elif len(those) > 1:
                lines = {line for line, message in now.errors if new[message]} or reformatted(version)
                parts = _parted(self.before, those, lines)
                ask(*(_version(self.before, part) for part in parts))
                waiting += parts


_FORESIGHT: Final = _Foresight()


def _version(before: bytes, repairs: Sequence[Repair]) -> bytes:
    return apply(before, [edit for repair in repairs for edit in repair])


def _holds(before: bytes, repair: Repair) -> bool:
    try:
        return bool(ordered(repair, len(before)))
    except BadEditsError:
        return False


def _made_of(edits: set[Edit], repairs: Sequence[frozenset[Edit]]) -> bool:
    found = [repair for repair in repairs if repair <= edits]
    return bool(found) and edits == frozenset().union(*found)


def _apart(before: bytes, repairs: Sequence[Repair]) -> list[Repair]:
    """The repairs that have nothing to do with each other: code stands between them, and they share no names.

    What one declares or takes away no other one speaks of, unless it declares it itself.
    """
    found: list[Repair] = []
    taken: list[tuple[int, int]] = []
    private, spoken = set[str](), set[str]()
    for repair in repairs:
        says = {word for edit in repair for word in _WORD.findall(edit.text)}
        texts = [before[edit.start : edit.end].decode("utf-8", "replace") for edit in repair]
        was = {word for text in texts for word in _WORD.findall(text)}
        own = declared(repair)
        places = [(edit.start, edit.end) for edit in repair]
        if (says - own) & private or (own | (was - says)) & spoken:
            continue
        if not all(_code_between(before, taken, *place) for place in places):
            continue
        found.append(repair)
        for place in places:
            insort(taken, place)
        private |= own | (was - says)
        spoken |= says - own
    return found


def _code_between(before: bytes, taken: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    """Whether code stands between a place and those ahead of and behind it."""
    index = bisect_left(taken, (start, end))
    if index and not before[taken[index - 1][1] : start].strip():
        return False
    return index == len(taken) or bool(before[end : taken[index][0]].strip())


def _parted(before: bytes, repairs: list[Repair], lines: set[int]) -> list[list[Repair]]:
    """Those on these lines of the version with all of them, and the others; halves where that parts nothing."""
    edits = ordered((edit for repair in repairs for edit in repair), len(before))
    named = [repair for repair in repairs if lines & _lines(before, edits, repair)]
    others = [repair for repair in repairs if repair not in named]
    half = len(repairs) // 2
    return [named, others] if named and others else [repairs[:half], repairs[half:]]


def _lines(before: bytes, edits: Repair, repair: Repair) -> set[int]:
    """The lines on which a repair's text stands in the version that all these edits made."""
    found: set[int] = set()
    line, behind = 1, 0
    for edit in edits:
        line += before.count(b"\n", behind, edit.start)
        behind, last = edit.end, line + edit.text.count("\n")
        if edit in repair:
            found.update(range(line, last + 1))
        line = last
    return found

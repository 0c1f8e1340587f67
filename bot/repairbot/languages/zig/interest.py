"""What of a function can be passed over unread: where nothing is made and nothing that is followed is named.

Most of a function has nothing to do with what it makes. A part of it is quiet when no byte in it begins a call that
may make something, or a name that is followed. A quiet part matters only for the ways by which control leaves it, and
as long as nothing is held not even for those. What is asked here is asked of offsets, before any of the syntax is read.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from typing import Final

from repairbot.languages.zig.callees import callees
from repairbot.languages.zig.idle import busy
from repairbot.languages.zig.prospects import Prospects
from repairbot.languages.zig.syntax import Definition
from repairbot.languages.zig.words import word_ends

_TESTED: Final = re.compile(
    rb"(?:\b(?:if|while)\s*\(|\band\b|\bor\b)[\s!(]*(?:null\s*[!=]=\s*)?(\w+)(?:\s*[!=]=\s*null\b)?\s*(?=\)|and\b|or\b)"
)
_SET: Final = re.compile(
    rb"\b(\w+)\s*(?::[^=;\n]*)?=\s*(?:null\b|true\b|false\b|[\"'.\d]|error\b|if\b|switch\b)"
)


def _leaving() -> re.Pattern[bytes]:
    """What stands where control may leave a statement, or end."""
    last = {name.rpartition(".")[2] for name in callees().ends}
    ends = "|".join(map(re.escape, sorted(last)))
    return re.compile(
        rb"\b(?:return|break|continue|try|unreachable)\b|@(?:panic|trap|compileError)\b"
        rb"|\b(?:fatal\w*|panic\w*|oom|die|abort|" + ends.encode() + rb")\("
    )


_LEAVES: Final = _leaving()


_BREAKS: Final = re.compile(rb"\bbreak\b")
_LABELLED: Final = re.compile(rb"\bbreak\s+:")
_LOOP: Final = re.compile(rb"(?:inline\s+)?(?:for|while)\b")


class Interest:
    """Answers for one function while it is lowered; `heed` tells it of every name that comes to be followed."""

    def __init__(self, prospects: Prospects, definition: Definition, *, brief: bool = False) -> None:
        """`brief`: only names are of interest, and nothing of what the function makes itself."""
        self._start = definition.node.start_byte
        self._text = definition.text
        self._heeded: set[str] = set()
        self._glanced: set[str] = set()
        self._marks = [] if brief else prospects.events(definition)
        self._breaks = [match.start() + self._start for match in _BREAKS.finditer(self._text)]
        if brief:
            self._leaves: list[int] = []
            return
        for name in prospects.inferable(definition):
            self.heed(name)
        tested = Counter(_TESTED.findall(self._text))
        if tested:
            constant = set(_SET.findall(self._text))
            for word, count in tested.items():
                if count > 1 or word in constant:
                    self.heed(word.decode("utf-8", "replace"))  # it tells ways apart
        leaves = [match.start() + self._start for match in _LEAVES.finditer(self._text)]
        for ending in prospects.endless:
            leaves.extend(self._start + end for end in word_ends(self._text, ending))
        self._leaves = sorted(leaves)

    def heed(self, name: str, *, idle: bool = True) -> None:
        """From here on no statement that has this name in it is passed over.

        `idle`: not even where it is only looked at.
        """
        if name not in self._heeded and (idle or name not in self._glanced):
            (self._heeded if idle else self._glanced).add(name)
            mentions = (word_ends if idle else busy)(self._text, name.encode())
            ends = [self._start + end - 1 for end in mentions]
            if ends:
                self._marks = sorted([*self._marks, *ends])

    def quiet(self, start: int, end: int) -> bool:
        """Whether nothing in a part is made, nothing that is followed is named."""
        first = bisect_left(self._marks, start)
        return first == len(self._marks) or self._marks[first] >= end

    def breaks(self, start: int, end: int) -> bool:
        """Whether a part breaks out of a block or a loop: what stands behind that may be reached by it alone."""
        first = bisect_left(self._breaks, start)
        if first == len(self._breaks) or self._breaks[first] >= end:
            return False
        part = self._text[start - self._start : end - self._start]
        return _LOOP.match(part) is None or _LABELLED.search(part) is not None

    def leaves(self, start: int, end: int) -> bool:
        """Whether control may leave a part other than at its end."""
        first = bisect_left(self._leaves, start)
        return first < len(self._leaves) and self._leaves[first] < end

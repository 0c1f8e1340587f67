"""What of a function can be passed over unread: where nothing is made and nothing that is followed is named.

Most of a function has nothing to do with what it makes. A part of it is quiet when no byte in it begins a call that
may make something, or a name that is followed. A quiet part matters only for the ways by which control leaves it, and
as long as nothing is held not even for those. What is asked here is asked of offsets, before any of the syntax is read.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from typing import Final

from repairbot.languages.zig.callees import callees
from repairbot.languages.zig.idle import busy
from repairbot.languages.zig.prospects import Prospects
from repairbot.languages.zig.syntax import Definition
from repairbot.languages.zig.words import word_ends


def _patterns(words: Iterable[str], behind: str) -> tuple[re.Pattern[bytes], ...]:
    """A pattern for each word and what stands behind it: one for all of them takes many times as long."""
    return tuple(re.compile(rf"{word}(?<!\w{word}){behind}".encode()) for word in words)


def _leaving() -> tuple[re.Pattern[bytes], ...]:
    """What stands where control may leave a statement, or end."""
    ends = {name.rpartition(".")[2] for name in callees().ends} | {"oom", "die", "abort"}
    return (
        *_patterns(("return", "break", "continue", "try", "unreachable"), r"\b"),
        *_patterns(("@panic", "@trap", "@compileError"), r"\b"),
        *_patterns(("fatal", "panic"), r"\w*\("),
        *_patterns(sorted(ends), r"\("),
    )


_ASKED: Final = r"[\s!(]*(?:null\s*[!=]=\s*)?(\w+)(?:\s*[!=]=\s*null\b)?\s*(?=\)|and\b|or\b)"
_TESTED: Final = (*_patterns(("if", "while"), rf"\s*\({_ASKED}"), *_patterns(("and", "or"), rf"\b{_ASKED}"))
_SET: Final = re.compile(rb"\s*(?::[^=;\n]*)?=\s*(?:null\b|true\b|false\b|[\"'.\d]|error\b|if\b|switch\b)")
_LEAVES: Final = _leaving()
_BREAKS: Final = _patterns(("break",), r"\b")
_LABELLED: Final = re.compile(rb"break\s+:")
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
        self._endless = prospects.endless
        if brief:
            return
        for name in prospects.inferable(definition):
            self.heed(name)
        tested = Counter(word for pattern in _TESTED for word in pattern.findall(self._text))
        for word, count in tested.items():
            if count > 1 or any(_SET.match(self._text, end) for end in word_ends(self._text, word)):
                self.heed(word.decode("utf-8", "replace"))  # it tells ways apart

    @cached_property
    def _leaves(self) -> list[int]:
        leaves = self._places(_LEAVES)
        for ending in self._endless:
            leaves.extend(self._start + end for end in word_ends(self._text, ending))
        return sorted(leaves)

    @cached_property
    def _breaks(self) -> list[int]:
        return self._places(_BREAKS)

    def _places(self, patterns: tuple[re.Pattern[bytes], ...]) -> list[int]:
        return [self._start + match.start() for each in patterns for match in each.finditer(self._text)]

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

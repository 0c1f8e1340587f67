"""What a look at the words tells: which functions name which others, and whether an edit leaves control its ways."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from repairbot.languages.zig.syntax import Definition, Module
from repairbot.languages.zig.words import word_ends
from repairbot.model import Edit

_WORD: Final = re.compile(rb"[A-Za-z_]\w*")

_CLEANUP: Final = re.compile(r"\b(?:err)?defer\b[^;{}]*;")
_CONTROL: Final = re.compile(
    r"\b(?:try|catch|orelse|return|break|continue|unreachable|if|else|for|while|switch|and|or|defer|errdefer|suspend|nosuspend)\b|@"
)


def steady(source: bytes, edits: Sequence[Edit]) -> bool:
    """Whether edits leave control its ways, but for cleanups that they add whole."""
    was, now = Counter[str](), Counter[str]()
    for edit in edits:
        was.update(_CONTROL.findall(source[edit.start : edit.end].decode()))
        now.update(_CONTROL.findall(_CLEANUP.sub("", edit.text)))
    return was == now and not was["defer"] and not was["errdefer"]


_MEMBER: Final = re.compile(r"\bstd(?:\.\w+)+|[\w)\]?*]\.(\w+)\b(?!\s*\()")
_ALLOCATOR: Final = re.compile(r"\w*(?:alloc\w*|gpa|ally)$")


def spoken_of(source: bytes, edits: Sequence[Edit]) -> set[str]:
    """The members that edits speak of, before and after; where memory comes from does not change by that."""
    texts = [text for edit in edits for text in (source[edit.start : edit.end].decode(), edit.text)]
    return {name for text in texts for name in _MEMBER.findall(text) if name and not _ALLOCATOR.match(name)}


class Mentions:
    """Answers for the functions of one file."""

    def __init__(self, module: Module) -> None:
        self._source, self._functions = module.source, module.functions
        self._symbols: defaultdict[str, list[Definition]] = defaultdict(list)
        self._names: defaultdict[bytes, set[str]] = defaultdict(set)
        self._named: dict[str, set[str]] = {}
        for each in module.functions:
            self._symbols[each.symbol].append(each)
            self._names[each.name.encode()].add(each.symbol)

    def named(self, symbols: frozenset[str]) -> frozenset[str]:
        """The symbols of these functions and of all that they name."""
        return symbols.union(*(self._of(each) for each in symbols))

    def speaking(self, names: Iterable[str]) -> frozenset[str]:
        """The symbols of the functions in which one of these words stands."""
        ends = sorted(end for name in names for end in word_ends(self._source, name.encode()))
        return frozenset(
            each.symbol
            for each in self._functions
            if bisect_left(ends, each.node.start_byte) < bisect_left(ends, each.node.end_byte)
        )

    def _of(self, symbol: str) -> set[str]:
        if symbol not in self._named:
            named: set[str] = set()
            for each in self._symbols[symbol]:
                words = _WORD.findall(self._source, each.node.start_byte, each.node.end_byte)
                named.update(*(self._names[word] for word in set(words) & self._names.keys()))
            self._named[symbol] = named
        return self._named[symbol]

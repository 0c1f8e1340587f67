"""Which expressions are allocators, and which of them are arenas: what an arena makes is released with it."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Final

from repairbot.languages.zig.syntax import Module
from repairbot.languages.zig.words import word_ends

_NAMED: Final = re.compile(
    r"(?:^|[._])(?:\w*alloc|\w*allocr|\w*[aA]llocator|\w*_?gpa|ally|heap|backing|\w*arena\w*)$"
)
_METHOD: Final = re.compile(r"\.(?:allocator|threadSafeAllocator|get)\(\)$")
_ARENA: Final = re.compile(
    r"arena|scratch|(?:^|[._])(?:aa|fba|temp|tmp|tmp_alloc\w*|temp_alloc\w*|tempAllocator|frame_alloc\w*|frameAllocator|stack_alloc\w*|fixed\w*"
    r"|request_alloc\w*|bump\w*)(?:$|[._(])|FixedBuffer|failing_allocator",
    re.IGNORECASE,
)
_TYPED: Final = re.compile(
    rb"\b(\w+)\s*:\s*\??\*?\s*(?:const\s+)?(?:std\.)?(?:mem\.)?Allocator\b|\b(?:const|var)\s+(\w+)\s*=\s*[\w.]+\.allocator\(\)"
)
_FROM_ARENA: Final = re.compile(
    rb"(?:\b(?:const|var)\s+|\.|^\s*)(\w+)\s*(?::[^=\n;]*)?=\s*&?[\w.]*(?:arena|fba|fixed)\w*(?:\.allocator(?:\(\))?)?\s*[;,]",
    re.IGNORECASE | re.MULTILINE,
)
_DECLARED: Final = re.compile(rb"(?:\b(?:const|var)\s+|\.)$")
_LISTED: Final = re.compile(rb"[(,]\s*$")
_SET: Final = re.compile(rb"\s*(?::[^=\n;]*)?=(?!=)\s*([^;,\n]*)")
_TYPE: Final = re.compile(rb"\s*:")
_ARENAS: Final = re.compile(rb"arena|fba|fixed", re.IGNORECASE)


def _lines(source: bytes, *words: bytes) -> bytes:
    """The lines in which one of these stands: the patterns are slow."""
    found: set[tuple[int, int]] = set()
    for word in words:
        place = source.find(word)
        while place >= 0:
            end = source.find(b"\n", place)
            end = len(source) if end < 0 else end
            found.add((source.rfind(b"\n", 0, place) + 1, end))
            place = source.find(word, end)
    return b"\n".join(source[start:end] for start, end in sorted(found))


class Allocators:
    """What one file tells of its allocators, by name."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self._one: dict[str, bool] = {}
        self._arena: dict[str, bool] = {}

    @cached_property
    def typed(self) -> frozenset[str]:
        """Names that somewhere are declared as an allocator."""
        found = {
            name for pair in _TYPED.findall(_lines(self.module.source, b"llocator")) for name in pair if name
        }
        return frozenset(name.decode("utf-8", "replace") for name in found)

    @cached_property
    def _from_arena(self) -> frozenset[str]:
        """Members and globals that are only ever set to what an arena gives."""
        found = {
            name.decode("utf-8", "replace")
            for name in _FROM_ARENA.findall(_lines(self.module.source, b"rena", b"fba", b"ixed"))
        }
        return frozenset(name for name in found if not self._otherwise(name))

    def _otherwise(self, name: str) -> bool:
        """Whether the name is also set to, or declared as, something that is no arena's."""
        source = self.module.source
        for end in word_ends(source, name.encode()):
            start = end - len(name)
            ahead = source[max(start - 8, 0) : start]
            match = _SET.match(source, end) if _DECLARED.search(ahead) else None
            if match is not None and not _ARENAS.search(match.group(1)):
                return True
            if _LISTED.search(ahead) and _TYPE.match(source, end):
                return True
        return False

    def is_one(self, shown: str) -> bool:
        """Whether an expression's text is that of an allocator."""
        known = self._one.get(shown)
        if known is None:
            known = self._one[shown] = self._is_one(shown)
        return known

    def _is_one(self, shown: str) -> bool:
        shown = shown.strip().removesuffix(".?").removesuffix(".*")
        if not shown or not re.fullmatch(r"[\w.?*()@]+", shown):
            return False
        if _METHOD.search(shown):
            return True
        last = shown.rpartition(".")[2]
        return bool(_NAMED.search(shown)) or last in self.typed

    def is_arena(self, shown: str) -> bool:
        """Whether what this allocator makes is released with it, as far as names tell."""
        known = self._arena.get(shown)
        if known is None:
            known = self._arena[shown] = self._is_arena(shown)
        return known

    def _is_arena(self, shown: str) -> bool:
        shown = shown.strip()
        if _ARENA.search(shown):
            return True
        last = shown.removesuffix(".allocator()").rpartition(".")[2]
        return last in self._from_arena

"""What the functions of a file are given by their callers: a helper that only ever gets an arena frees nothing."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property
from typing import Final

from repairbot.languages.zig.allocators import Allocators
from repairbot.languages.zig.syntax import Definition, Module
from repairbot.languages.zig.words import word_ends

_MOST_DEEP: Final = 4
_PUBLIC: Final = re.compile(rb"^(?:pub|export)\b")
_OPEN: Final = frozenset("([{")
_CLOSED: Final = frozenset(")]}")


class Given:
    """Answers for the functions of one file."""

    def __init__(self, module: Module, allocators: Allocators) -> None:
        self.module, self.allocators = module, allocators
        self._known: dict[tuple[int, int], bool] = {}

    def arena(self, definition: Definition, position: int, depth: int = 0) -> bool:
        """Whether every call of a function, all of which stand in this file, gives it an arena's allocator."""
        key = (definition.node.start_byte, position)
        if key not in self._known:
            self._known[key] = False  # who only calls itself is given nothing
            self._known[key] = depth < _MOST_DEEP and self._arena(definition, position, depth)
        return self._known[key]

    def _arena(self, definition: Definition, position: int, depth: int) -> bool:
        if _PUBLIC.match(definition.text) or definition.name == "main":
            return False
        source, name = self.module.source, definition.name.encode()
        found = False
        for end in word_ends(source, name):
            ahead = source[max(end - len(name) - 3, 0) : end - len(name)]
            if ahead == b"fn ":
                if end - len(name) - 3 != definition.node.start_byte:
                    return False  # another function of that name
                continue
            if source[end : end + 1] != b"(":
                return False  # handed on, to be called by who knows whom
            bound = definition.method and ahead.endswith(b".")
            given = arguments(source[end + 1 : end + 2000].decode("utf-8", "replace"))
            number = position - bound
            if not 0 <= number < len(given) or not self._one(end, given[number], depth):
                return False
            found = True
        return found

    def _one(self, offset: int, shown: str, depth: int) -> bool:
        """Whether an expression at a place of the file is an arena's allocator."""
        if self.allocators.is_arena(shown):
            return True
        caller = self.around(offset)
        if caller is None or not re.fullmatch(r"\w+", shown):
            return False
        for number, parameter in enumerate(caller.parameters):
            if parameter.name == shown:
                return self.arena(caller, number, depth + 1)
        declared = re.search(rf"\bconst {shown}\b[^=;]*=\s*([^;]+);", caller.text.decode("utf-8", "replace"))
        return declared is not None and self.allocators.is_arena(declared.group(1))

    @cached_property
    def _starts(self) -> list[int]:
        return [definition.node.start_byte for definition in self.module.functions]

    def around(self, offset: int) -> Definition | None:
        """The innermost function around a byte."""
        for index in range(bisect_right(self._starts, offset) - 1, -1, -1):
            definition = self.module.functions[index]
            if offset < definition.node.end_byte:
                return definition
        return None


def arguments(shown: str) -> list[str]:
    """The texts of a call's arguments; `shown` begins behind its bracket."""
    found, depth, start = [], 0, 0
    for index, character in enumerate(shown):
        if character in _OPEN:
            depth += 1
        elif character in _CLOSED and depth:
            depth -= 1
        elif character == ")" or (character == "," and not depth):
            found.append(shown[start:index].strip())
            start = index + 1
            if character == ")":
                return found
    return []

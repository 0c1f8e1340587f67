"""Where a file may make something that must be released, found by its bytes: most calls make nothing.

A site is the first byte of a call's name, or of what makes an empty container. It is one only if the names around it
allow for it: the receiver is an allocator and no arena, the callee is one that the table of resources knows. A site is
settled when the name that it gets is released by a `defer` in the very next statement: that is right on every path,
and nobody has to follow it.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from functools import cache, cached_property
from typing import Final, NamedTuple

from repairbot.languages.zig.acquiring import Acquiring, shape
from repairbot.languages.zig.callees import callees
from repairbot.languages.zig.given import arguments
from repairbot.languages.zig.syntax import Module
from repairbot.languages.zig.words import has_word, last_word, word_ends
from repairbot.lifetimes.ops import Resource

_INIT: Final = frozenset({"init", "initCapacity", "fromOwnedSlice"})
# A pattern that begins with letters is searched for ten times as fast as one that begins with a choice or a boundary.
_EMPTY: Final = tuple(map(re.compile, (rb"\.empty;", rb"\{\};", rb"\.init;")))
_OWNED: Final = re.compile(rb"Owned(\w*)\(")
_SLOT: Final = re.compile(rb"ool\w*\.(?:acquire|take|borrow|checkout|obtain|rent|lease|get|create)\w*\(")
_GUESSED: Final = re.compile(rb"try\s+[\w.]+\.(?:init|create|from)\w*\(")
_MEMBER: Final = re.compile(rb"\.\w+\s*=\s*\Z")
_ROOT: Final = re.compile(r"\w*")
_BACK: Final = 120
_CHOSEN: Final = re.compile(rb"\b(?:if|orelse|switch)\b")

_DEFER: Final = re.compile(
    rb"defer\s+(?:(\w+)\.(?:deinit|close|destroy|release|unref|deref|dispose)\([^()\n]*\)"
    rb"|[\w.?]+\.(?:free|destroy)\((\w+)\))\s*;"
)
_DECLARED: Final = re.compile(
    rb"(const|var)\s+(\w+)\s*(?::[^=;{}]+)?=\s*(?:try\s+)?"
    rb"([\w.?*@]*(?:\((?:[^(){};]|\([^(){};]*\))*\)[\w.?*@]+)*)"
)
_TOKEN: Final = re.compile(
    rb"//[^\n]*|\\\\[^\n]*|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|([({\[])|([)}\]])|(;)"
)
"""Comments and strings, and the signs by which a statement is told: what opens, what closes, its end."""
_NOTHING: Final = re.compile(rb"(?:\s|//[^\n]*\n)*\Z")
_TELLS: Final = re.compile(
    rb"[;{}]\s*(?:_\s*=\s*)?(?:try\s+)?(?:\w+\.)*(?!append|put|insert|add|push|set|store|keep|enqueue|create|init|register)\w+\Z"
)
"""A call whose result nobody keeps."""
_RETURNED: Final = re.compile(rb"\breturn\s+(?:try\s+)?[\w.?*@]*\Z")
_TYPED: Final = re.compile(rb"\b(?:const|var)\s+\w+\s*:([^=;]+)=\s*(?:try\s+)?\.\w+\s?\(\Z")
_NAMED: Final = re.compile(rb"\bvar\s+(\w+)\s*(?::[^=;]*)?=[^=;]*\Z")
_WHOLE: Final = re.compile(rb"(?:\breturn|=)\s*\Z")
_SET: Final = re.compile(rb"\s*=(?![=>])")
_LONGEST: Final = 400
"""Bytes of a declaration that is looked at."""


@cache
def _makers(resources: tuple[Resource, ...]) -> frozenset[bytes]:
    """The calls by which the table's resources are made, and the standard library's containers: see Module.called."""
    names = {name.rpartition(".")[2] for resource in resources for name in resource.acquire} | _INIT
    return frozenset(name.encode() + behind for name in names for behind in (b"", b" "))


_AHEAD: Final = frozenset(bytes([byte]) for byte in b" \t\n\r\f\v.(!&{[,=")
"""What may stand ahead of the name of a call."""


def _factored(words: Iterable[str]) -> str:
    """A pattern for these words that reads what they have in common once: it is several times as fast."""
    tree: dict[str, list[str]] = {}
    for word in words:
        tree.setdefault(word[:1], []).append(word[1:])
    ends = tree.pop("", None) is not None
    ways = [re.escape(first) + _factored(rest) for first, rest in sorted(tree.items())]
    if not ways:
        return ""
    found = ways[0] if len(ways) == 1 and not ends else f"(?:{'|'.join(ways)})"
    return f"{found}?" if ends else found


@cache
def _standard() -> re.Pattern[bytes]:
    """The names of the standard library's containers."""
    known = callees()
    names = {name.rpartition(".")[2] for name in known.managed | known.unmanaged}
    return re.compile(rf"\b{_factored(names)}\b".encode())


class Settled(NamedTuple):
    """A declaration and the `defer` behind it that releases its name."""

    start: int
    end: int
    name: str
    last: int
    callee: int
    """Where the last name of the outermost callee begins, or ahead of it, and where it ends."""
    cleanup: int


class Sites:
    """The sites of one file."""

    def __init__(
        self, module: Module, acquiring: Acquiring, resources: tuple[Resource, ...], *, whole: bool = True
    ) -> None:
        """`whole`: most of the file is going to be asked about."""
        self.module, self.acquiring = module, acquiring
        self.source = module.source
        self._chosen: dict[str, bool] = {}
        self._makers = _makers(resources)
        self._all = self._found(0, len(self.source)) if whole else None
        self._parts: dict[tuple[int, int], list[int]] = {}

    def within(self, start: int, end: int) -> list[int]:
        """The sites in a part of the file, in order."""
        if self._all is not None:
            return self._all[bisect_left(self._all, start) : bisect_left(self._all, end)]
        found = self._parts.get((start, end))
        if found is None:
            found = self._parts[start, end] = self._found(start, end)
        return found

    def _found(self, start: int, end: int) -> list[int]:
        others = {site for site in self._others(start, end + _BACK) if start <= site < end}
        return sorted(others.union(self._called(start, end)))

    # Calls

    def _called(self, first: int, last: int) -> Iterator[int]:
        source, called = self.source, self.module.called
        for key in self._makers & called.keys():
            name = key.rstrip()
            for inside in called[key]:
                start = inside - 1 - len(key)
                if not first <= start < last:
                    continue
                apart = len(name) < len(key) and not source[inside - 2 : inside - 1].isspace()
                if source[start - 1 : start] not in _AHEAD or apart:
                    continue
                if self._made_by(name.decode(), start, inside):
                    yield start

    def _made_by(self, name: str, start: int, inside: int) -> bool:
        """Whether the call of that name may make something."""
        head = self.source[max(start - _BACK, 0) : start]
        callee = last_word(head, b".?*@")
        shown = callee.decode()
        if shown.endswith(".") and head[: len(head) - len(callee)].endswith((b")", b"]", b"}", b'"')):
            return True  # what it is called on is an expression
        return self._makes(shown, name, inside)

    def _makes(self, receiver: str, name: str, inside: int) -> bool:
        """Whether a call of `receiver` (with its dot, or "") and `name` may make something."""
        bare = receiver.removesuffix(".")
        qualified = self.module.qualified(shape(receiver + name))
        known = self.acquiring.known(qualified, name)
        if known is None:
            return name in _INIT and self._begins(receiver, inside)
        release = known.release[0]
        if "$receiver" in release:
            return self.acquiring.allocators.is_one(bare) and not self._arena(bare)
        if "$allocator" in release or known.needs:
            given = arguments(self.source[inside : inside + 2000].decode("utf-8", "replace"))
            allocator = self.acquiring.allocator(given)
            return bool(allocator) and not self._arena(allocator)
        return True

    def _begins(self, receiver: str, inside: int) -> bool:
        """Whether `init` and its kin begin a container of the standard library that takes memory."""
        shown = receiver.removesuffix(".") or self.declared(inside)
        if shown:
            arena = self.acquiring.arena(shown)
            if not arena and self.acquiring.kind(shown).partition("(")[0] not in callees().managed:
                return False
        elif receiver != ".":
            return False
        given = arguments(self.source[inside : inside + 2000].decode("utf-8", "replace"))
        allocator = self.acquiring.allocator(given)
        return bool(allocator) and not self._arena(allocator)

    def declared(self, inside: int) -> str:
        """The type of the declaration that a call gives its value to, ""."""
        head = self.source[max(inside - _BACK, 0) : inside]
        match = _TYPED.search(head)
        return match[1].decode("utf-8", "replace") if match is not None else ""

    def _arena(self, allocator: str) -> bool:
        """Whether an allocator is an arena's, whatever function it stands in."""
        if not self.acquiring.allocators.is_arena(allocator):
            return False
        root = _ROOT.match(allocator)
        assert root is not None
        if root[0] not in self._chosen:
            self._chosen[root[0]] = self._is_chosen(root[0].encode())
        return not self._chosen[root[0]]

    def _is_chosen(self, name: bytes) -> bool:
        """Whether some local of that name is an arena's allocator or another one, by a condition."""
        for end in word_ends(self.source, name) if name else ():
            if self.source.endswith((b"const ", b"var "), max(end - len(name) - 6, 0), end - len(name)):
                stop = self.source.find(b";", end)
                if _CHOSEN.search(self.source, end, stop):
                    return True
        return False

    # Everything else

    def _others(self, first: int, last: int) -> Iterator[int]:
        source = self.source
        for match in (match for pattern in _EMPTY for match in pattern.finditer(source, first, last)):
            before = source[
                max(source.rfind(b";", 0, match.start()) + 1, match.start() - _LONGEST) : match.start()
            ]
            if self._names_one(before) and self._takes_memory(before, match.start()):
                yield match.start()
        for match in _OWNED.finditer(source, first, last):
            head = last_word(source[max(match.start() - _BACK, 0) : match.start()])
            if not head or (match[1] and head != b"to"):
                continue
            given = arguments(source[match.end() : match.end() + 400].decode("utf-8", "replace"))
            allocator = self.acquiring.allocator(given)
            if not allocator or not self._arena(allocator):
                yield match.start() - len(head)
        for match in _SLOT.finditer(source, first, last):
            yield match.start()
        for match in _GUESSED.finditer(source, first, last):
            member = _MEMBER.search(source[max(match.start() - _BACK, 0) : match.start()])
            if member is None:
                continue
            given = arguments(source[match.end() : match.end() + 2000].decode("utf-8", "replace"))
            allocator = self.acquiring.allocator(given)
            if allocator and not self._arena(allocator):
                yield match.start() - len(member[0])

    def _takes_memory(self, before: bytes, site: int) -> bool:
        """Whether an empty container is a local whose methods are given an allocator that is no arena's."""
        name = _NAMED.search(before)
        if name is None:
            return True
        around = self.acquiring.given.around(site)
        if around is None:
            return False
        allocator = self.acquiring.handed_to(around, name[1])
        return bool(allocator) and not self._arena(allocator)

    def _names_one(self, text: bytes) -> bool:
        """Whether a text names a container of the standard library, by this file's name for it or its own."""
        return _standard().search(text) is not None or any(has_word(text, name) for name in self._own_names)

    @cached_property
    def _own_names(self) -> list[bytes]:
        known = callees()
        return [name.encode() for name in self.acquiring.own_names(known.managed | known.unmanaged)]

    # What is settled

    @cached_property
    def settled(self) -> list[Settled]:
        """The declarations whose `defer` follows at once, in order."""
        source = self.source
        found: list[Settled] = []
        for match in _DEFER.finditer(source):
            if source[match.start() - 1 : match.start()].isalnum():
                continue  # errdefer
            name = match[1] or match[2]
            first = max(match.start() - _LONGEST, 0)
            start = max(
                source.rfind(b"const ", first, match.start()), source.rfind(b"var ", first, match.start())
            )
            if start < 0:
                continue
            declared = _DECLARED.match(source, start, match.start())
            if declared is None or declared[2] != name:
                continue
            if self._goes_on(name, match.end(), declared[1] == b"var"):
                continue
            end = self._statement_end(declared.end(3), match.start())
            if not end:
                continue
            last = source.rfind(b")", declared.start(3), declared.end(3)) + 1 or declared.start(3)
            found.append(Settled(start, end, name.decode(), last, declared.end(3), match.start()))
        return found

    def settled_within(self, start: int, end: int) -> list[Settled]:
        """The settled declarations in a part of the file."""
        return self.settled[bisect_left(self._starts, start) : bisect_left(self._starts, end)]

    def _statement_end(self, start: int, limit: int) -> int:
        """Where the statement around `start` ends, if nothing but comments stands from there to `limit`; else 0."""
        depth = 0
        for token in _TOKEN.finditer(self.source, start, limit):
            depth += (token[1] is not None) - (token[2] is not None)
            if token[3] is not None and depth == 0:
                return token.end() if _NOTHING.match(self.source, token.end(), limit) else 0
        return 0

    def _goes_on(self, name: bytes, start: int, variable: bool) -> bool:
        """Whether behind its cleanup a name is returned or stored whole, or (a variable) gets another value."""
        around = self.acquiring.given.around(start)
        last = around.node.end_byte if around is not None else len(self.source)
        for end in word_ends(self.source, name, start):
            if end > last:
                break
            if variable and _SET.match(self.source, end):
                return True
            if self.source[end : end + 1] in (b";", b",", b" ") and _WHOLE.search(
                self.source[end - len(name) - 12 : end - len(name)]
            ):
                if not self._lent(end):
                    return True
        return False

    def _lent(self, mention: int) -> bool:
        """Whether a mention stands in a literal that is only told to somebody: `self.tell(.{ .name = name });`."""
        ahead = self.source[max(mention - _LONGEST, 0) : mention]
        depth = 0
        for token in reversed(list(_TOKEN.finditer(ahead))):
            depth += (token[2] is not None) - (token[1] is not None)
            if depth < 0:  # what opens around the mention
                if token[1] == b"(":
                    return _TELLS.search(ahead, 0, token.start()) is not None
                if token[1] != b"{" or not ahead.endswith(b".", 0, token.start()):
                    return False
                depth = 0
        return False

    def settles(self, site: int) -> bool:
        """Whether what is made at a site is returned at once, or released by the `defer` right behind its statement."""
        if _RETURNED.search(self.source[max(site - _BACK, 0) : site]):
            return True
        index = bisect_right(self._starts, site) - 1
        if index < 0:
            return False
        around = self.settled[index]
        if not around.start <= site < around.end:
            return False
        # The name gets what the outermost call gives; a call in its arguments makes something else.
        return around.last <= site <= around.callee and len(self.within(around.start, around.end)) == 1

    @cached_property
    def _starts(self) -> list[int]:
        return [each.start for each in self.settled]

"""Which functions of a file are worth lowering: those in which something is made, or may be, and is not settled.

Asked of the bytes, before anything is read of a body: most functions of a file make nothing, and much of what is made
is released by a `defer` in the next line.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from functools import cache, cached_property
from typing import Final

from repairbot.languages.base import Project
from repairbot.languages.zig.callees import CONSTRUCTORS, TAKEN
from repairbot.languages.zig.releases import Releases
from repairbot.languages.zig.sites import Settled, Sites
from repairbot.languages.zig.syntax import Definition, Module
from repairbot.languages.zig.words import last_word, word_ends
from repairbot.lifetimes.ops import Resource

_CALLED: Final = rb"|\b(?:initCapacity|fromOwnedSlice|toOwned\w*|\w+Owned|realloc|remap)\("
_CONTAINER: Final = rb"|\.empty;|[\w).]\{\};|\.init;"
_SLOT: Final = rb"|[pP]ool\w*\.(?:acquire|take|borrow|checkout|obtain|rent|lease|get|create)\w*\("
_RELEASED: Final = rb"|\.(?:deinit|destroy|close|release|free|unref|deref|dispose|rollback)\w*\("
_HANDED: Final = rb"|alloc|\bgpa\b"
"""Who is handed an allocator may make something: another file tells."""


@cache
def anything(resources: tuple[Resource, ...]) -> re.Pattern[bytes]:
    """What stands in every file in which something may leak."""
    names = sorted({name.rpartition(".")[2] for resource in resources for name in resource.acquire})
    calls = r"\b(?:" + "|".join(map(re.escape, names)) + r")\s*\("
    return re.compile(calls.encode() + _CALLED + _CONTAINER + _SLOT + _RELEASED + _HANDED)


_POINTER: Final = re.compile(r"[\[*]")
_BACK: Final = 60
_FAR: Final = 200
_VALUE: Final = re.compile(rb"\s*(?::[^=;]+)?=([^;]*)")
_ASKED: Final = re.compile(rb"\b(?:if|while)\s*\(((?:(?!\b(?:if|while)\b)[^;])*)\)\s*\|\*?\Z")
_CALL: Final = re.compile(rb"(?<![@\w])(\w+)\(")
_ROUNDS: Final = 4
"""How far what is made is followed from hand to hand."""


def gives(definition: Definition) -> bool:
    """Whether a function may hand out what it makes, by its name or its result."""
    return bool(CONSTRUCTORS.match(definition.name) or _POINTER.search(definition.returns))


class Prospects:
    """Answers for the functions of one file."""

    def __init__(
        self,
        module: Module,
        sites: Sites,
        project: Project,
        releases: Releases,
        handing: frozenset[str] | None = None,
    ) -> None:
        """`handing`: the functions that hand something out, by symbol, where that is known."""
        self.module, self.source, self.sites, self.releases = module, module.source, sites, releases
        self._given = {
            name.rpartition(".")[2] for name, summary in project.summaries.items() if summary.returns
        }
        self._inferable: dict[int, frozenset[str]] = {}
        self._handing: list[int] = []
        self.handing = frozenset[str]()
        """The functions that hand something out, by symbol."""
        if handing is not None:
            self._narrow([each for each in module.functions if each.symbol in handing])
            return
        givers: list[Definition] = []
        waiting = module.functions
        for _ in range(_ROUNDS):  # who hands on what another one made hands it out as well
            found = {id(each) for each in waiting if self.hands(each)}
            new = [each for each in waiting if id(each) in found and gives(each)]
            if not new and self._handing:
                break
            givers.extend(new)
            waiting = [each for each in waiting if id(each) not in found]
            self._handing = self._calls_of(givers)
        builders = [each for each in module.functions if CONSTRUCTORS.match(each.name)]
        self._calling = self._calls_of([*givers, *builders])

    def narrow(self, hands: Callable[[Definition], bool]) -> None:
        """From here on only these functions hand something out."""
        self._narrow([each for each in self.module.functions if hands(each)])

    def _narrow(self, givers: list[Definition]) -> None:
        self.handing = frozenset(each.symbol for each in givers)
        self._handing = self._calling = self._calls_of(givers)

    def hands(self, definition: Definition) -> bool:
        """Whether a function makes something, or calls what hands out what it made."""
        return bool(self._made(*definition.body_range))

    def events(self, definition: Definition) -> list[int]:
        """Where in a function something is made, or may be, in order."""
        start, end = definition.node.start_byte, definition.node.end_byte
        return sorted([*self.sites.within(start, end), *_within(self._calling, start, end)])

    @cached_property
    def endless(self) -> tuple[bytes, ...]:
        """The functions of this file from which control does not come back."""
        return tuple(each.name.encode() for each in self.module.functions if each.returns == "noreturn")

    def promising(self, definition: Definition) -> bool:
        """Whether something of a function's own may be made in it, settled or not."""
        return self.hands(definition) or bool(self.inferable(definition))

    def unsettled(self, definition: Definition) -> bool:
        """Whether something of a function's own may leak in it."""
        start, end = definition.body_range
        if not (self._made(start, end) or _within(self.releases.places, start, end)):
            return False  # most functions
        if not all(self.sites.settles(site) for site in self._made(start, end)):
            return True
        settled = self.sites.settled_within(start, end)
        done = {each.name for each in settled if self._once(definition, each)}
        return not self.inferable(definition) <= done

    def settled(self, definition: Definition) -> Iterator[Settled]:
        """What is made in a function and released by the very next statement, and nowhere else."""
        for each in self.sites.settled_within(definition.node.start_byte, definition.node.end_byte):
            makes = self._made(each.start, each.end) or each.name in self.inferable(definition)
            if makes and self._once(definition, each):
                yield each

    def _made(self, start: int, end: int) -> list[int]:
        """Where something is made in a part of the file."""
        return [*self.sites.within(start, end), *_within(self._handing, start, end)]

    def _once(self, definition: Definition, each: Settled) -> bool:
        """Whether a function releases that name nowhere but behind its declarations."""
        settled = self.sites.settled_within(definition.node.start_byte, definition.node.end_byte)
        there = len(self.releases.of(definition).get(each.name, ()))
        return there == sum(other.name == each.name for other in settled)

    def inferable(self, definition: Definition) -> frozenset[str]:
        """The names that a function releases and that get the value of a call: what it makes is told by its release."""
        key = definition.node.start_byte
        found = self._inferable.get(key)
        if found is None:
            names = self.releases.of(definition)
            found = frozenset(name for name in names if _gets(definition.text, name.encode()))
            self._inferable[key] = found
        return found

    def _calls_of(self, definitions: list[Definition]) -> list[int]:
        """Where the file calls these functions, or those of other files that hand something out."""
        called: dict[str, list[Definition]] = {name: [] for name in self._given}
        for each in definitions:
            called.setdefault(each.name, []).append(each)
        return sorted(
            start
            for name, those in called.items()
            for inside in self.module.called.get(name.encode(), ())
            if self._calls(name, start := inside - 1 - len(name), those)
        )

    def _calls(self, name: str, start: int, called: list[Definition]) -> bool:
        """Whether a call of that name may be one of these functions, as far as its receiver tells."""
        ahead = self.source[max(start - _BACK, 0) : start]
        if ahead.endswith(b"fn "):
            return False
        if name in self._given or not ahead.endswith(b"."):
            return True
        last = last_word(ahead[:-1]).decode()
        if not last and not ahead.endswith((b")", b"]", b"}")):
            typed = self.sites.declared(start + len(name) + 1).strip().lstrip("?*")
            last = typed.partition("(")[0].rpartition(".")[2]
        if not last or any(each.method for each in called):
            return True
        if last in ("Self", "@This()"):
            return True
        struct = self.module.struct(last)
        return struct is not None and any(each.owner is struct for each in called)


def _gets(body: bytes, name: bytes) -> bool:
    """Whether a name gets the value of a call that may make something."""
    for end in word_ends(body, name):
        start = end - len(name)
        if body.endswith((b"const ", b"var "), start - 6, start):
            match = _VALUE.match(body, end)
            if match is not None and _may_make(match[1]):
                return True
        elif body.endswith((b"|", b"|*"), start - 2, start):
            head = _ASKED.search(body[max(start - _FAR, 0) : start])
            if head is not None and _may_make(head[1]):
                return True
    return False


def _may_make(value: bytes) -> bool:
    """Whether a value comes from a call whose result is not, by its name, somebody else's."""
    handed = b"alloc" in value or b"gpa" in value
    return any(handed or not TAKEN.match(name.decode("utf-8", "replace")) for name in _CALL.findall(value))


def _within(places: list[int], start: int, end: int) -> list[int]:
    return places[bisect_left(places, start) : bisect_left(places, end)]

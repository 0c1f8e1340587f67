"""Which functions of a file are worth lowering: those in which something is made, or may be.

Asked of the bytes, before anything is read of a body: most functions of a file make nothing.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import cache
from typing import Final

from repairbot.languages.base import Project
from repairbot.languages.zig.callees import CONSTRUCTORS
from repairbot.languages.zig.releases import Releases
from repairbot.languages.zig.syntax import Definition, Module
from repairbot.lifetimes.ops import Resource

_CALLED: Final = rb"|\b(?:initCapacity|fromOwnedSlice|toOwned\w*|\w+Owned|realloc|remap)\("
_CONTAINER: Final = rb"|\.empty;|[\w).]\{\};|\.init;"
_SLOT: Final = rb"|[pP]ool\w*\.(?:acquire|take|borrow|checkout|obtain|rent|lease|get|create)\w*\("
_GUESSED: Final = rb"|=\s*try\s+[\w.]+\.(?:init|create|from)\w*\("
_RELEASED: Final = rb"|\.(?:deinit|destroy|close|release|free|unref|deref|dispose|rollback)\w*\("
_HANDED: Final = rb"|alloc|\bgpa\b"
"""Who is handed an allocator may make something: another file tells."""


@cache
def making(resources: tuple[Resource, ...]) -> re.Pattern[bytes]:
    """What stands in a function that acquires something by itself."""
    names = sorted({name.rpartition(".")[2] for resource in resources for name in resource.acquire})
    calls = r"\b(?:" + "|".join(map(re.escape, names)) + r")\s*\("
    return re.compile(calls.encode() + _CALLED + _CONTAINER + _SLOT + _GUESSED)


@cache
def anything(resources: tuple[Resource, ...]) -> re.Pattern[bytes]:
    """What stands in every file in which something may leak."""
    return re.compile(making(resources).pattern + _RELEASED + _HANDED)


_ROUNDS: Final = 4
"""How far what is made is followed from hand to hand."""


def _gives(definition: Definition) -> bool:
    """Whether a function may hand out what it makes, by its name or its result."""
    return bool(CONSTRUCTORS.match(definition.name) or re.search(r"[\[*]", definition.returns))


class Prospects:
    """Answers for the functions of one file."""

    def __init__(
        self, module: Module, resources: tuple[Resource, ...], project: Project, releases: Releases
    ) -> None:
        self.source, self.releases = module.source, releases
        self._made = [match.start() for match in making(resources).finditer(self.source)]
        self._handing: re.Pattern[bytes] | None = None
        handing = {name.rpartition(".")[2] for name, summary in project.summaries.items() if summary.returns}
        waiting = [each for each in module.functions if _gives(each)]
        for _ in range(_ROUNDS):  # who hands on what another one made hands it out as well
            found = [each for each in waiting if self._calls(each) or self.makes(each)]
            if not found and self._handing is not None:
                break
            handing.update(each.name for each in found)
            waiting = [each for each in waiting if each not in found]
            words = "|".join(map(re.escape, sorted(handing)))
            self._handing = re.compile(rf"\b(?:{words})\(".encode()) if handing else None

    def makes(self, definition: Definition) -> bool:
        """Whether a function makes something by itself."""
        node = definition.body_node
        if node is None:
            return False
        first = bisect_left(self._made, node.start_byte)
        return first < len(self._made) and self._made[first] < node.end_byte

    def hands(self, definition: Definition) -> bool:
        """Whether a function makes something, or calls what hands out what it made."""
        return self.makes(definition) or self._calls(definition)

    def _calls(self, definition: Definition) -> bool:
        node = definition.body_node
        if node is None or self._handing is None:
            return False
        return self._handing.search(self.source, node.start_byte, node.end_byte) is not None

    def promising(self, definition: Definition) -> bool:
        """Whether something of a function's own may leak in it."""
        if self.hands(definition):
            return True
        return any(self._named(definition, name) for name in self.releases.of(definition))

    def _named(self, definition: Definition, name: str) -> bool:
        """Whether a function gives a name to something."""
        body, word = definition.text, name.encode()
        return any(head + word in body for head in (b"const ", b"var ", b"|", b"*", b", "))

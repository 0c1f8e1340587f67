"""Values that a function takes from somebody and gives back to the same one: `s = pool.get()`, `pool.put_back(s)`.

Whatever the pool is, the function itself says that it owes the value. The pair is known in that function alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tree_sitter import Node

from repairbot.languages.python.acquiring import Acquiring
from repairbot.languages.python.caught import assigned
from repairbot.languages.python.syntax import Module, dotted
from repairbot.lazily import regex
from repairbot.lifetimes.ops import Resource

_GIVES: Final = regex(
    rb"(?<![\w.])(await[ \t]+)?((?:\w+\.)+)(\w*(?:return|release|give_?back|put_?back|check_?in)\w*)\((\w+)\)"
)
_WORDS: Final = (
    b"release",
    b"return_",
    b"_return",
    b"giveback",
    b"give_back",
    b"putback",
    b"put_back",
    b"checkin",
    b"check_in",
)
"""What a line must hold to give something back; looked for first, because that is fast."""
_TAKES: Final = regex(r"(?:^|_)(?:get|take|acquire|check_?out|borrow|lease|obtain)(?:_|$)")


def _givings(module: Module) -> Iterator[tuple[int, re.Match[bytes]]]:
    """The lines on which something is given back, each with its offset."""
    source = module.source
    words = b" ".join(module.words)  # each stands there once, so this is a third of the source
    seen: set[int] = set()
    for word in _WORDS:
        offset = source.find(word) if word in words else -1
        while offset >= 0:
            start = source.rfind(b"\n", 0, offset) + 1
            end = source.find(b"\n", offset)
            match = (
                _GIVES.search(source[start : end if end >= 0 else len(source)]) if start not in seen else None
            )
            seen.add(start)
            if match is not None:
                yield offset, match
            offset = source.find(word, offset + len(word))


def made(acquiring: Acquiring) -> Iterator[Node]:
    """The calls that take such values, now known to acquire them."""
    for offset, match in _givings(acquiring.module):
        function = acquiring.module.function_at(offset)
        name = match[4].decode()
        if function is None or name in function.parameters:
            continue
        owner = match[2].decode().rstrip(".")
        gives = f"{owner}.{match[3].decode()}"
        for call in assigned(function.node, name):
            receiver, _, method = dotted(call.child_by_field_name("function")).rpartition(".")
            if receiver != owner or not _TAKES.search(method):
                continue
            if (call.start_byte, call.end_byte) in acquiring.sites:
                continue
            acquiring.sites[call.start_byte, call.end_byte] = Resource(
                f"{receiver}.{method}",
                f"value of {receiver}",
                (f"{receiver}.{method}",),
                (gives, acquiring.module.qualified(gives)),
                asynchronous=match[1] is not None,
                collected=False,
                origin="inferred",
            )
            yield call

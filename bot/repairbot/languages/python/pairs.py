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
from repairbot.languages.python.syntax import dotted
from repairbot.lifetimes.ops import Resource

_GIVES: Final = re.compile(
    rb"(?<![\w.])(await[ \t]+)?((?:\w+\.)+)(\w*(?:return|release|give_?back|put_?back|check_?in)\w*)\((\w+)\)"
)
_TAKES: Final = re.compile(r"(?:^|_)(?:get|take|acquire|check_?out|borrow|lease|obtain)(?:_|$)")


def made(acquiring: Acquiring) -> Iterator[Node]:
    """The calls that take such values, now known to acquire them."""
    for match in _GIVES.finditer(acquiring.module.source):
        function = acquiring.module.function_at(match.start())
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

"""Queues without a capacity between a side that fills them and a stream that empties them."""

from __future__ import annotations

import re
from typing import Final

from repairbot.languages.python.shapes import occurrences
from repairbot.languages.python.syntax import Definition, Module, span, statement_of, text
from repairbot.lazily import regex
from repairbot.lifetimes.ops import Load
from repairbot.model import Step

TRIGGERS: Final = frozenset({b"Queue"})
"""A file without this word has no such queue."""
_QUEUE: Final = regex(rb"(?<![\w.])(\w+)(?:[ \t]*:[^=\n]+)?[ \t]*=[ \t]*(?:\w+\.)?Queue\(\)")
_QUEUES: Final = frozenset(
    ("asyncio.Queue", "queue.Queue", "anyio.Queue", "trio.Queue", "gevent.queue.Queue")
)


def collect(module: Module) -> list[Load]:
    """Queues of a function that one side fills and a stream empties at its reader's pace."""
    found = []
    if b"Queue()" in module.source:
        for match in _QUEUE.finditer(module.source):
            owner = module.function_at(match.start())
            node = module.root.descendant_for_byte_range(match.end() - 2, match.end() - 1)
            while node is not None and node.type != "call":
                node = node.parent
            call = node
            if owner is None or call is None:
                continue
            callee = module.qualified(text(call.child_by_field_name("function")))
            if callee in _QUEUES and (evidence := _streamed(module, owner, match)) is not None:
                found.append(
                    Load(
                        what="channel",
                        symbol=owner.symbol,
                        place=match[1].decode(),
                        at=span(call),
                        statement=span(statement_of(call)),
                        call=callee,
                        evidence=evidence,
                        detail="stream",
                    )
                )
    return found


def _streamed(module: Module, owner: Definition, match: re.Match[bytes]) -> tuple[Step, ...] | None:
    """Where it is filled (by somebody who would wait) and where a generator empties it; None when not so."""
    filled = emptied = 0
    source = module.source
    for offset in occurrences(source, match[1], match.end(), owner.end):
        behind = source[offset + len(match[1]) : offset + len(match[1]) + 12]
        line = source.count(b"\n", 0, offset) + 1
        if behind.startswith(b".put_nowait"):
            return None
        if behind.startswith(b".put"):
            filled = filled or line
        elif behind.startswith(b".get"):
            reader = module.function_at(offset)
            if reader is not None and b"yield" in source[reader.start : reader.end] and reader is not owner:
                emptied = emptied or line
    if not filled or not emptied:
        return None
    return (
        Step(filled, "filled as fast as it comes"),
        Step(emptied, "emptied as fast as the reader takes it"),
    )

"""Channels without a capacity, and defaults that every call shares: idioms of Python, read off single functions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tree_sitter import Node

from repairbot.languages.python.mentions import Place, Reader, occurrences
from repairbot.languages.python.syntax import Definition, Module, span, statement_of, text
from repairbot.lifetimes.intents import PER_CALL
from repairbot.lifetimes.ops import Idiom, Intent, Kind, Load
from repairbot.model import Step

_QUEUE: Final = re.compile(rb"(?<![\w.])(\w+)(?:[ \t]*:[^=\n]+)?[ \t]*=[ \t]*(?:\w+\.)?Queue\(\)")
_QUEUES: Final = frozenset(("asyncio.Queue", "queue.Queue", "anyio.Queue", "trio.Queue", "gevent.queue.Queue"))
_DEFAULT: Final = re.compile(rb"[(,][ \t\n]*(\w+)(?:[ \t]*:[^=,()\n]+)?[ \t]*=[ \t]*(\[\]|\{\}|(?:list|dict|set)\(\))(?=[ \t\n]*[,)])")
_MEMO: Final = re.compile(r"^_|cache|memo|seen|registry|known")


def channels(module: Module) -> list[Load]:
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
    return (Step(filled, "filled as fast as it comes"), Step(emptied, "emptied as fast as the reader takes it"))


def shared_defaults(module: Module) -> list[Idiom]:
    """Parameters whose default is one list or dict for all calls, and is added to."""
    return list(_defaults(module))


def _defaults(module: Module) -> Iterator[Idiom]:
    for match in _DEFAULT.finditer(module.source):
        name = match[1].decode()
        node = module.root.descendant_for_byte_range(match.start(1), match.end(1))
        parameter = node.parent if node is not None else None
        while parameter is not None and parameter.type == "typed_default_parameter" and parameter.child_by_field_name("name") != node:
            parameter = parameter.parent
        if node is None or parameter is None or parameter.type not in ("default_parameter", "typed_default_parameter"):
            continue
        value = parameter.child_by_field_name("value")
        function = module.function_at(parameter.start_byte)
        if value is None or function is None or _MEMO.search(name) or not _of(function, parameter):
            continue
        grows = _grown(module, function, node)
        if grows is None:
            continue
        line = parameter.start_point[0] + 1
        yield Idiom(
            name="shared-mutable",
            symbol=function.symbol,
            place=name,
            at=span(parameter),
            message=f"the default of {name} is one {_kind(text(value))} for all calls of {function.name}(), and grows",
            steps=(Step(line, "made once, when the function is defined"), Step(grows, "every call adds to it")),
            confidence="high",
            intents=(
                Intent(
                    PER_CALL,
                    span(value),
                    name,
                    f"a new {_kind(text(value))} for each call",
                    {"name": name, "function": function.symbol},
                    why="no caller can want what earlier calls left",
                ),
            ),
        )


def _of(function: Definition, parameter: Node) -> bool:
    """Whether a parameter is this function's own (not of a lambda in it)."""
    parameters = parameter.parent
    return parameters is not None and parameters.parent == function.node


def _grown(module: Module, function: Definition, name: Node) -> int | None:
    """The line where the parameter is added to; None when it is not, or gets another value first."""
    body = function.body
    if body is None:
        return None
    reader = Reader(module, None)
    word = name.text or b""
    for offset in occurrences(module.source, word, body.start_byte, body.end_byte):
        node = function.node.descendant_for_byte_range(offset, offset + len(word))
        if node is None or node.type != "identifier" or node.parent is None:
            continue
        parent = node.parent
        if parent.type == "attribute" and parent.child_by_field_name("attribute") == node:
            continue
        if parent.type == "keyword_argument" and parent.child_by_field_name("name") == node:
            continue
        reader.read(Place(node))
    events = [event for event in reader.events if event.depth == 0 and not event.alias]
    if any(event.kind in (Kind.INIT, Kind.SHRINK, Kind.CLEAR) for event in events):
        return None
    grows = [event for event in events if event.kind is Kind.GROW]
    return grows[0].at.line if grows else None


def _kind(value: str) -> str:
    return {"[]": "list", "{}": "dict"}.get(value, value.rstrip("()"))

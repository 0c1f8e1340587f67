"""Parameters whose default is one list or dict for all calls, and is added to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tree_sitter import Node

from repairbot.languages.python.mentions import Reader
from repairbot.languages.python.places import Place
from repairbot.languages.python.shapes import occurrences
from repairbot.languages.python.syntax import Definition, Module, span, text
from repairbot.languages.python.vocabulary import GROWS
from repairbot.lazily import regex
from repairbot.lifetimes.intents import PER_CALL
from repairbot.lifetimes.ops import Idiom, Intent, Kind
from repairbot.model import Step

TRIGGERS: Final = frozenset(name.encode() for name in GROWS)
_DEFAULT: Final = regex(rb"=[ \t]*(\[\]|\{\}|(?:list|dict|set)\(\))(?=[ \t\n]*[,)])")
_MEMO: Final = regex(r"^_|cache|memo|seen|registry|known")


def collect(module: Module) -> list[Idiom]:
    """Parameters whose default is one list or dict for all calls, and is added to."""
    return list(_defaults(module))


def _defaults(module: Module) -> Iterator[Idiom]:
    for match in _DEFAULT.finditer(module.source):
        parameter = module.root.descendant_for_byte_range(match.start(), match.end(1))
        if parameter is None or parameter.type not in ("default_parameter", "typed_default_parameter"):
            continue
        node = parameter.child_by_field_name("name")
        if node is None:
            continue
        name = text(node)
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
            steps=(
                Step(line, "made once, when the function is defined"),
                Step(grows, "every call adds to it"),
            ),
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
    if any(event.kind is Kind.READ and event.detail == "key" for event in events):
        return None  # it looks up what earlier calls left: a memory, and meant as one
    return grows[0].at.line if grows else None


def _kind(value: str) -> str:
    return {"[]": "list", "{}": "dict"}.get(value, value.rstrip("()"))

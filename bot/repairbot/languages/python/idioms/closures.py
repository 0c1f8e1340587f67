"""Closures and handles that hold the object which holds them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from repairbot.languages.python.registry import registry
from repairbot.languages.python.sites import call_of, fate, flat, member_values, positional, receiver
from repairbot.languages.python.syntax import Definition, Module, captures, dotted, span, text
from repairbot.lifetimes.intents import ADD_TO_TEARDOWN, REPLACE_ARGUMENT
from repairbot.lifetimes.ops import Idiom, Intent
from repairbot.model import Step

_RULE = "strong-self-capture"
_MAKERS = frozenset(make.rpartition(".")[2].encode() for holder in registry().holders for make in holder.make)

TRIGGERS = frozenset((b"lambda", b"add_done_callback", b"add_future")) | _MAKERS


def collect(module: Module) -> list[Idiom]:
    """Every closure that is seen to hold its own holder."""
    found: list[Idiom] = []
    if b"lambda" in module.words:
        if b"add_done_callback" in module.source or b"add_future" in module.words:
            found += _done_callbacks(module)
        if b"lambda:" in module.source:
            found += _stored_lambdas(module)
    if not _MAKERS.isdisjoint(module.words):
        found += _holders(module)
    return found


def _free(body: Node, name: str) -> list[Node]:
    """The places below a node where a name is read (not attributes of that name, not keyword names)."""
    found: list[Node] = []
    for node in captures("(identifier) @i", body).get("i", []) + (
        [body] if body.type == "identifier" else []
    ):
        parent = node.parent
        if text(node) != name or parent is None:
            continue
        if parent.type == "attribute" and parent.child_by_field_name("attribute") == node:
            continue
        if parent.type == "keyword_argument" and parent.child_by_field_name("name") == node:
            continue
        if node not in found:
            found.append(node)
    return found


def _done_callbacks(module: Module) -> Iterator[Idiom]:
    """`future.add_done_callback(lambda f: use(future))`: the future holds the closure, the closure the future."""
    for name in module.mentions(rb"(?:add_done_callback|add_future)(?=\s*\()"):
        call = call_of(name)
        arguments = positional(call) if call is not None else []
        if call is None or not arguments or arguments[-1].type != "lambda":
            continue
        method = text(name)
        future = receiver(call) if method == "add_done_callback" else text(arguments[0])
        closure = arguments[-1]
        parameters = closure.child_by_field_name("parameters")
        body = closure.child_by_field_name("body")
        if not future.isidentifier() or parameters is None or body is None or not parameters.named_children:
            continue
        first = parameters.named_children[0]
        if first.type != "identifier" or any(text(child) == future for child in parameters.named_children):
            continue
        uses = _free(body, future)
        if not uses or _free(body, text(first)):
            continue
        changed = _renamed(module.source, closure, uses, text(first))
        intent = Intent(
            REPLACE_ARGUMENT,
            span(closure),
            future,
            f"use the callback's own argument {text(first)}",
            {"text": changed, "import": ""},
        )
        yield Idiom(
            _RULE,
            module.symbol_at(call.start_byte),
            future,
            span(call),
            f"{future} holds its callback, and the callback holds {future}",
            (
                Step(call.start_point[0] + 1, f"{future} gets the callback"),
                Step(
                    uses[0].start_point[0] + 1,
                    f"which names {future} although it is handed in as {text(first)}",
                ),
            ),
            intents=(intent,),
        )


def _renamed(source: bytes, node: Node, uses: list[Node], name: str) -> str:
    pieces: list[bytes] = []
    start = node.start_byte
    for use in sorted(uses, key=lambda use: use.start_byte):
        pieces += [source[start : use.start_byte], name.encode()]
        start = use.end_byte
    pieces.append(source[start : node.end_byte])
    return b"".join(pieces).decode("utf-8", "replace")


def _stored_lambdas(module: Module) -> Iterator[Idiom]:
    """`self.make = lambda: build(self.size)` in a constructor: it needs the size, and holds the object."""
    for constructor in module.functions:
        owner = constructor.owner
        if constructor.name != "__init__" or owner is None or constructor.body is None:
            continue
        source = module.source[constructor.start : constructor.end]
        if b"lambda" not in source or not _closed(owner):
            continue
        for node in captures("(assignment right: (lambda) @l) @a", constructor.body).get("l", []):
            yield from _stored(module, constructor, owner, node)


def _closed(owner: Definition) -> bool:
    return not {child.name for child in owner.children}.isdisjoint(registry().teardowns)


def _stored(module: Module, constructor: Definition, owner: Definition, closure: Node) -> Iterator[Idiom]:
    body = closure.child_by_field_name("body")
    uses = _free(body, "self") if body is not None else []
    attributes = {
        flat(use.parent) for use in uses if use.parent is not None and use.parent.type == "attribute"
    }
    if body is None or len(attributes) != 1 or closure.child_by_field_name("parameters") is not None:
        return
    attribute = attributes.pop()
    member = attribute.partition(".")[2]
    methods = {child.name for child in owner.children}
    values = member_values(module, owner, member)
    if len(values) != 1 or member in methods or values[0].end_byte > closure.start_byte:
        return
    if not constructor.start <= values[0].start_byte < constructor.end or any(
        use.parent is None or _called(use.parent) for use in uses
    ):
        return
    what = fate(closure)
    place = what.place
    if place.isidentifier():
        stored = rb"self\s*\.\s*(\w+)\s*(?::[^=\n]*)?=\s*" + place.encode() + rb"\s*$"
        match = re.compile(stored, re.MULTILINE).search(module.source, closure.end_byte, constructor.end)
        if match is None:
            return
        place = f"self.{match[1].decode()}"
    elif not re.fullmatch(r"self\.\w+", place):
        return
    local = member.lstrip("_")
    changed = _renamed(module.source, closure, [use.parent for use in uses if use.parent is not None], local)
    changed = changed.replace("lambda", f"lambda {local}={attribute}", 1)
    intent = Intent(
        REPLACE_ARGUMENT,
        span(closure),
        place,
        f"let the lambda hold {attribute} alone",
        {"text": changed, "import": ""},
    )
    yield Idiom(
        _RULE,
        constructor.symbol,
        place,
        span(closure),
        f"{place} is a lambda that holds the object which holds it",
        (
            Step(closure.start_point[0] + 1, f"needs {attribute}, and captures self"),
            Step(values[0].start_point[0] + 1, f"{attribute} is set once, here"),
        ),
        confidence="medium",
        intents=(intent,),
    )


def _called(attribute: Node) -> bool:
    parent = attribute.parent
    return (
        parent is not None and parent.type == "call" and parent.child_by_field_name("function") == attribute
    )


def _holders(module: Module) -> Iterator[Idiom]:
    """An extension's object that is given its owner, kept by it, and not dropped at the end."""
    names = {make for holder in registry().holders if not holder.through for make in holder.make}
    for name in module.mentions(rb"(?<!\w)(?:" + b"|".join(sorted(_MAKERS)) + rb")(?=\s*\()"):
        call = call_of(name)
        owner, function = module.class_at(name.start_byte), module.function_at(name.start_byte)
        if call is None or owner is None or function is None:
            continue
        if module.qualified(dotted(call.child_by_field_name("function"))) not in names:
            continue
        if not any(text(argument) == "self" for argument in positional(call)):
            continue
        place = fate(call).place
        teardown = next(
            (it for it in registry().teardowns if any(child.name == it for child in owner.children)), ""
        )
        if not re.fullmatch(r"self\.\w+", place) or not teardown:
            continue
        dropped = (
            rb"self\s*\.\s*"
            + place[5:].encode()
            + rb"\s*(?::[^=\n]*)?=\s*None|del\s+self\s*\.\s*"
            + place[5:].encode()
        )
        drops = [
            match
            for match in re.compile(dropped).finditer(module.source, owner.start, owner.end)
            if (where := module.function_at(match.start())) is not None and where.name != "__init__"
        ]
        if drops:
            continue
        method = next(child for child in owner.children if child.name == teardown)
        intent = Intent(
            ADD_TO_TEARDOWN,
            span(call),
            place,
            f"drop {place} in {teardown}()",
            {"container": owner.symbol, "method": teardown, "line": f"{place} = None", "after": ""},
            safety="unsafe",
            choice=f"nothing may use {place} once {teardown}() has run",
        )
        yield Idiom(
            _RULE,
            module.symbol_at(call.start_byte),
            place,
            span(call),
            f"{place} holds this object, which holds it: both wait for the garbage collector",
            (
                Step(call.start_point[0] + 1, "given the object itself"),
                Step(method.node.start_point[0] + 1, f"{teardown}() does not drop it"),
            ),
            confidence="medium",
            intents=(intent,),
        )

"""Leaks that are idioms of Zig: a set that gets a key again, an arena that is rebuilt instead of reset."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from repairbot.languages.zig.syntax import Definition, Module
from repairbot.languages.zig.tree import N
from repairbot.lifetimes.intents import REPLACE_TEXT
from repairbot.lifetimes.ops import Idiom, Intent
from repairbot.model import Span, Step

_AGAIN: Final = re.compile(rb"\.deinit\(\);\s*(?://[^\n]*\s*)*[\w.*\[\]?]+\s*=\s*[\w.]*\.init\(")
_LOOKED: Final = r"\.(?:contains|getOrPut\w*|get|getKey|getPtr|getEntry|fetchRemove|putNoClobber)\("


def key_again(
    module: Module, definition: Definition, call: N, statement: Span, key: str, release: str
) -> Idiom | None:
    """`try seen.put(gpa, copy, {});`: where the set has the key already, it keeps its own and the copy is lost.

    `key`: the local that holds the copy; `release`: how it is released, a template.
    """
    receiver = module.text(call.first.parts[0]) if call.first.parts else ""
    arguments = [module.text(part) for part in call.parts[1:]]
    if (
        not re.fullmatch(r"[\w.*]+", receiver)
        or len(arguments) not in (2, 3)
        or arguments[-1] not in ("{}", "void{}")
    ):
        return None
    body = definition.text.decode("utf-8", "replace")
    if re.search(re.escape(receiver) + _LOOKED, body):
        return None
    line = module.line(call.start)
    shown = module.source[statement.start : statement.end].decode("utf-8", "replace")
    if not re.fullmatch(r"try [^;]*;", shown):
        intents: tuple[Intent, ...] = ()
    else:
        pad = " " * (statement.column - 1)
        given = ", ".join(arguments[:-1])
        freed = release.replace("{}", key) if "{}" in release else f"{release}({key})"
        text = f"const entry = try {receiver}.getOrPut({given});\n{pad}if (entry.found_existing) {freed};"
        why = "a set keeps the key that it has"
        title = f"free {key} where {receiver} has it already"
        intents = (Intent(REPLACE_TEXT, statement, key, title, {"text": text, "import": ""}, why=why),)
    return Idiom(
        "overwritten-resource",
        definition.symbol,
        key,
        statement,
        f"{key} is lost when {receiver} has that key already",
        (Step(line, f"{receiver} keeps the key that it has, and {key} goes nowhere"),),
        confidence="high",
        intents=intents,
    )


def arenas_rebuilt(module: Module, definition: Definition) -> Iterator[Idiom]:
    """`arena.deinit(); arena = ArenaAllocator.init(child);`, which gives all memory back only to ask for it again."""
    whole = definition.body_node
    if whole is None or not _AGAIN.search(module.source, whole.start_byte, whole.end_byte):
        return
    body = definition.body
    assert body is not None
    waiting = [body]
    while waiting:
        node = waiting.pop()
        waiting.extend(node.all())
        if node.kind != "block":
            continue
        statements = node.all()
        for before, first, second in zip([None, *statements], statements, statements[1:], strict=False):
            place = _ended(module, first)
            if place and _begun(module, second, place):
                child = (
                    [before] if before is not None and _remembers(module, definition, before, place) else []
                )
                yield _rebuilt(module, definition, [*child, first], second, place)


def _ended(module: Module, node: N) -> str:
    """The place of `place.deinit();`."""
    call = node.first if node.kind == "statement" and node.parts[0] is not None else node
    if (
        call.kind != "call"
        or len(call.parts) != 1
        or call.first.kind != "field"
        or call.first.text != "deinit"
    ):
        return ""
    return module.text(call.first.first)


def _remembers(module: Module, definition: Definition, node: N, place: str) -> bool:
    """`const child = place.child_allocator;`, which nothing but the new arena asks for."""
    if node.kind != "decl" or module.text(node.parts[0]) != f"{place}.child_allocator":
        return False
    name = re.escape(node.names[0]).encode()
    return len(re.findall(rb"\b" + name + rb"\b", definition.text)) == 2


def _begun(module: Module, node: N, place: str) -> bool:
    """Whether a statement makes the arena of that place anew."""
    if node.kind != "assign" or node.text != "=":
        return False
    target, value = node.parts
    if module.text(target) != place or value is None or value.kind != "call":
        return False
    shown = re.sub(r"\s+", "", module.text(value))
    if re.match(r"(?:std\.)?(?:heap\.)?ArenaAllocator\.init\(", shown):
        return True
    member = re.escape(place.rpartition(".")[2])
    typed = re.search(rf"\b{member}\s*:\s*[\w.]*ArenaAllocator\b".encode(), module.source)
    return shown.startswith(".init(") and bool(typed)


def _rebuilt(module: Module, definition: Definition, gone: list[N], second: N, place: str) -> Idiom:
    at = module.at(second)
    text = f"_ = {place}.reset(.retain_capacity);"
    intent = Intent(
        REPLACE_TEXT,
        at,
        place,
        f"reset {place} and keep its memory",
        {"text": text, "import": ""},
        tuple(module.at(node) for node in gone),
        why="reset() frees what was made, and the next round takes the same memory",
    )
    return Idiom(
        "arena-rebuilt",
        definition.symbol,
        place,
        at,
        f"{place} is taken down and built again where it could be reset",
        (
            Step(module.line(gone[-1].start), "all its memory goes back"),
            Step(at.line, "and is asked for again"),
        ),
        confidence="medium",
        intents=(intent,),
    )

"""Initialisers in place that fail half way, where whoever calls them lets the object go then.

`try self.setup();` on an object that its maker has just made: when `setup` fails after it put something into a
member, nobody calls the object's teardown. A method of an object that lives on is another matter: its teardown
comes later and releases the member, so nothing is said of those.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from repairbot.languages.zig.acquiring import Acquiring
from repairbot.languages.zig.members import Members, Store
from repairbot.languages.zig.syntax import Definition, Struct
from repairbot.languages.zig.words import has_word, word_ends
from repairbot.lifetimes.intents import RESET_ON_ERROR
from repairbot.lifetimes.ops import Idiom, Intent
from repairbot.model import Step

_COMMENT: Final = re.compile(r"//[^\n]*")
_FAILS: Final = re.compile(r"\btry\b|\breturn\s+error\.")
_ERRDEFER: Final = re.compile(r"\berrdefer\b")
_CALLER: Final = re.compile(r"\btry\s+(\w+)\.$")
_DEFER: Final = re.compile(r"\b(?:err)?defer\b")
_DECLARED: Final = re.compile(r"\b(?:var|const)\s+$")
_BACK: Final = 80


def halfway(acquiring: Acquiring, members: Members) -> Iterator[Idiom]:
    """One idiom for each member that stays behind."""
    callers: dict[int, tuple[Definition, int] | None] = {}
    for store in members.stores:
        definition, struct = store.definition, store.struct
        if struct is None or struct is not definition.owner or store.copied or store.guessed:
            continue
        if not definition.fails or not definition.method:
            continue
        statements = _statements(acquiring, store, struct)
        failing = _failing(acquiring, store) if statements else 0
        if not failing:
            continue
        key = definition.node.start_byte
        if key not in callers:
            callers[key] = _lets_go(acquiring, definition, struct)
        caller = callers[key]
        if caller is not None and not members.replaces(store):
            yield _idiom(store, statements, failing, *caller)


def _statements(acquiring: Acquiring, store: Store, struct: Struct) -> str:
    """What releases the member and leaves it empty, so that a teardown afterwards does no harm; "" where none can."""
    assert store.definition.parameters
    me, release = store.definition.parameters[0].name, store.resource.release[0]
    if store.target != f"{me}.{store.field}" or not release.endswith((".free", ".destroy")):
        return ""
    typed = next((item.type for item in struct.fields(acquiring.module) if item.name == store.field), "")
    if typed.startswith("?"):
        return f"{release}({store.target}.?)\n{store.target} = null"
    return f"{release}({store.target})\n{store.target} = &.{{}}" if typed.startswith("[]") else ""


def _failing(acquiring: Acquiring, store: Store) -> int:
    """The line of a later step that can fail while nothing would release the member, 0 for none."""
    definition = store.definition
    body = definition.body_node
    if body is None:
        return 0
    source = acquiring.module.source
    before = _COMMENT.sub("", source[body.start_byte : store.statement.start].decode("utf-8", "replace"))
    behind = source[store.statement.end : body.end_byte]
    after = _COMMENT.sub("", behind.decode("utf-8", "replace"))
    if before.count("{") - before.count("}") != 1:
        return 0  # it stands in a branch or a loop
    me = definition.parameters[0].name
    for text in (before, after):
        for match in _ERRDEFER.finditer(text):
            if has_word(text[match.end() :], me):
                return 0
    if any(not after[end:].startswith((".", "[")) for end in word_ends(after, store.target)):
        return 0  # it is handed on, asked for or set again
    found = _FAILS.search(behind.decode("latin-1"))
    return acquiring.module.line(store.statement.end + found.start()) if found and _FAILS.search(after) else 0


def _lets_go(acquiring: Acquiring, definition: Definition, struct: Struct) -> tuple[Definition, int] | None:
    """Who makes an object, calls this on it, and lets it go when that fails; with the line of the call."""
    source, call = acquiring.module.source, f"{definition.name}(".encode()
    start = source.find(call)
    while start >= 0:
        match = _CALLER.search(source[max(start - _BACK, 0) : start].decode("latin-1"))
        caller = acquiring.given.around(start) if match is not None else None
        if match is not None and caller is not None and caller is not definition:
            ahead = source[caller.node.start_byte : start].decode("utf-8", "replace")
            if _lost(_COMMENT.sub("", ahead), match[1], struct, caller):
                return caller, acquiring.module.line(start)
        start = source.find(call, start + 1)
    return None


def _lost(ahead: str, name: str, struct: Struct, caller: Definition) -> bool:
    """Whether a local of this name was made as such an object, with nothing that would take it down."""
    made = next((end for end in word_ends(ahead, name) if _DECLARED.search(ahead[: end - len(name)])), 0)
    if not made:
        return False
    own = (struct.name, *struct.aliases) if caller.owner is struct else (struct.name,)
    if not any(has_word(ahead[made:].partition(";")[0], word) for word in (*own, "@This")):
        return False
    rest = re.sub(rf"\berrdefer\s+[\w.]+\.destroy\({re.escape(name)}\);", "", ahead[made:])
    return not any(has_word(rest[match.end() :], name) for match in _DEFER.finditer(rest))


def _idiom(store: Store, statements: str, failing: int, caller: Definition, line: int) -> Idiom:
    done = "destroyed" if store.resource.release[0].endswith(".destroy") else "freed"
    return Idiom(
        "partial-initialization",
        store.definition.symbol,
        store.target,
        store.statement,
        f"{store.target} is not {done} when a later step fails",
        (Step(store.statement.line, f"{store.target} acquired"), Step(failing, "can fail")),
        (Step(line, f"{caller.name}() lets the object go when {store.definition.name}() fails"),),
        intents=(
            Intent(
                RESET_ON_ERROR,
                store.statement,
                store.target,
                "release what was made when a later step fails",
                {"statements": statements},
            ),
        ),
    )


__all__ = ["halfway"]

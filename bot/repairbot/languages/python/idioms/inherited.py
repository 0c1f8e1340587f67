"""A bounded mapping that inherits an `update` which goes round its bound.

`dict.update` and `dict.setdefault` do not call `__setitem__`, where the bound is kept; nor does the `UserDict`
of Python 2 and of packages that stand in for it. The one of `collections` does, and so does OrderedDict.
"""

from __future__ import annotations

from typing import Final

from repairbot.languages.python.syntax import Definition, Module, span, text
from repairbot.lazily import regex
from repairbot.lifetimes.intents import INSERT_AFTER
from repairbot.lifetimes.ops import Idiom, Intent
from repairbot.model import Step

TRIGGERS: Final = frozenset({b"__setitem__"})
_BASES: Final = frozenset({"dict", "UserDict", "UserDict.UserDict"})
_SOUND: Final = frozenset({"collections.UserDict"})
_LENGTH: Final = regex(rb"len\(self(?:\.data)?\)")
_DROPPED: Final = regex(rb"\.pop(?:item)?\(|\bdel self")
_DATA: Final = regex(rb"\bself\.data[ \t]*=[^=]")
_UPDATE: Final = """\

def update(self, *args, **kwargs):
{0}for key, value in dict(*args, **kwargs).items():
{0}{0}self[key] = value"""


def collect(module: Module) -> list[Idiom]:
    """One idiom a class that bounds itself in `__setitem__` and leaves `update` as it is."""
    if b"__setitem__" not in module.words:
        return []
    return [found for owner in module.classes if (found := _class(module, owner)) is not None]


def _class(module: Module, owner: Definition) -> Idiom | None:
    bases = owner.node.child_by_field_name("superclasses")
    names = [text(child) for child in bases.named_children] if bases is not None else []
    base = next((name for name in names if name in _BASES), "")
    if not base or module.qualified(base) in _SOUND:
        return None
    methods = {child.name: child for child in owner.children if child.kind == "function"}
    setting = methods.get("__setitem__")
    if setting is None or "update" in methods:
        return None
    body = module.source[setting.start : setting.end]
    bound, dropped = _LENGTH.search(body), _DROPPED.search(body)
    if bound is None or dropped is None:
        return None
    line = module.source.count(b"\n", 0, setting.start + bound.start()) + 1
    made = _DATA.search(module.source, owner.start, owner.end)
    at = setting.node if made is None else None
    place = span(at) if at is not None else None
    if place is None and made is not None:
        node = owner.node.descendant_for_byte_range(made.start(), made.end() - 2)
        place = span(node) if node is not None else span(setting.node)
    assert place is not None
    return Idiom(
        name="unbounded-cache",
        symbol=f"{owner.symbol}.__setitem__",
        place=owner.name,
        at=place,
        message=f"{owner.name} keeps its bound in __setitem__(), and the update() of {base} does not call that",
        steps=(
            Step(line, "the bound is kept here"),
            Step(owner.node.start_point[0] + 1, f"update() comes from {base} and goes round it"),
        ),
        confidence="high" if base == "dict" else "medium",
        intents=(
            Intent(
                INSERT_AFTER,
                span(setting.node),
                owner.name,
                "an update() that sets item by item",
                {"lines": _UPDATE.format("    ")},
                (span(setting.node),),
                why="what is added in bulk meets the bound, too",
            ),
        ),
    )

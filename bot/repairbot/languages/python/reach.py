"""Which methods of a class its teardowns reach."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from repairbot.languages.python.shapes import occurrences
from repairbot.languages.python.syntax import Definition, Module, text
from repairbot.lazily import regex

_PARENTLESS: Final = frozenset({"object", "ABC", "abc.ABC", "Protocol", "Generic"})
_CALLED_BACK: Final = regex(
    r"_*(?:on|handle|run|main|loop|worker|serve|process|do|visit)(?:_|$)|.*[a-z](?:Event|Lost)$"
)
"""Names of methods that a framework or a thread calls."""
_SELF: Final = regex(rb"\bself[ \t]*\.[ \t]*(\w+)[ \t]*(\()?")


def apart(
    module: Module, owner: Definition, releasing: Collection[str], teardowns: Collection[str]
) -> tuple[str, ...]:
    """Those of `releasing` that neither a teardown calls, by any way, nor anybody who may do so at an end.

    Nothing is said of a class with parents: they may call any method.
    """
    listing = owner.node.child_by_field_name("superclasses")
    if any(
        text(node).partition("[")[0] not in _PARENTLESS
        for node in (listing.named_children if listing else ())
    ):
        return ()
    methods = {child.name: child for child in owner.children if child.kind == "function"}
    calls: dict[str, set[str]] = {name: set() for name in methods}
    roots = {name for name, method in methods.items() if name in teardowns or _called_back(method)}
    for name, method in methods.items():
        for match in _SELF.finditer(module.source, method.start, method.end):
            other = match[1].decode("utf-8", "replace")
            if other in methods:
                calls[name].add(other)
                if match[2] is None:
                    roots.add(other)
    waiting = list(roots)
    while waiting:
        for other in calls[waiting.pop()] - roots:
            roots.add(other)
            waiting.append(other)
    return tuple(
        sorted(
            name
            for name in releasing
            if name in methods and name not in roots and not _named(module, owner, name)
        )
    )


def _called_back(method: Definition) -> bool:
    dunder = method.name.startswith("__") and method.name != "__init__"
    return dunder or bool(method.decorators) or _CALLED_BACK.match(method.name) is not None


def _named(module: Module, owner: Definition, name: str) -> bool:
    """Whether anything but the class itself names a method: then that one may see to it."""
    word = name.encode()
    source = module.source
    for offset in occurrences(source, word, 0, len(source)):
        inside = owner.start <= offset < owner.end
        if inside and (source[offset - 5 : offset] == b"self." or source[offset - 4 : offset] == b"def "):
            continue
        if source[offset - 1 : offset] in (b".", b'"', b"'"):
            return True
    return False

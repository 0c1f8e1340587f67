"""How a value is released: the text of the statement, and which statements of a file are nothing but that."""

from __future__ import annotations

import re
from typing import Final

from repairbot.languages.typescript.repairs._source import Source
from repairbot.languages.typescript.syntax import arguments, bare
from repairbot.languages.typescript.tree import CALLS, N

_OF_MAKER: Final = re.compile(r"\.(?:delete|dispose|remove|free|release)[A-Z]\w*$")
"""Releases that are methods of what made the value: `gl.deleteBuffer(buffer)`."""
_MAKES: Final = re.compile(r"(?:create|make|acquire|alloc)\w*$")
_BY_DATA: Final = ".disposeData"
_TIMERS: Final = {"setInterval": "clearInterval", "setTimeout": "clearTimeout"}


def lines(source: Source, near: N, args: dict[str, str], place: str) -> list[str]:
    """The statements that release a place, as an intent's arguments ask for; `near` makes it."""
    asynchronous = args.get("asynchronous") == "yes" and source.asynchronous(near)
    shown = call(source, made_by(near), args["release"], place, asynchronous=asynchronous)
    method = args["release"].removeprefix(".")
    if args.get("guarded") != "yes" or not method.isidentifier():
        return [shown]
    test = f"typeof {place}.{method} === {source.quote}function{source.quote}"
    if source.typed:
        test = f"{source.quote}{method}{source.quote} in {place} && {test}"
    return [f"if ({test}) {{", f"\t{shown}", "}"]


def call(source: Source, made: N | None, release: str, place: str, *, asynchronous: bool = False) -> str:
    """The expression that releases a place; `made` is the call that acquired it."""
    shown = _call(source, made, release, place)
    return f"await {shown}" if asynchronous else shown


def _call(source: Source, made: N | None, release: str, place: str) -> str:
    callee = source.module.callee(made) if made is not None else ""
    head, _, last = callee.rpartition(".")
    if "{}" in release:
        return release.replace("{}", place)
    if head and _OF_MAKER.fullmatch(release) and _MAKES.search(last):
        value = f"{place}.dataId" if release == _BY_DATA else place
        return f"{head}{release}({value})"
    if release.startswith("."):
        return f"{place}{release}" if release.endswith(")") else f"{place}{release}()"
    release = _TIMERS.get(last or callee, release)
    return f"{_local(source, release)}({place})"


def _local(source: Source, name: str) -> str:
    """A function as this file may name it: `nodeFs.closeSync` where `fs` was imported under that name."""
    module, _, last = name.rpartition(".")
    for local, origin in source.module.imports.items():
        if origin == name:
            return local
        if module and origin == module:
            return f"{local}.{last}"
    return name


def unless_empty(source: Source, shown: str, place: str) -> list[str]:
    """The lines that release a place which may hold nothing."""
    awaited = "await " if shown.startswith("await ") else ""
    body = shown.removeprefix("await ")
    if body.startswith(f"{place}.") and source.modern:
        return [f"{awaited}{place}?.{body[len(place) + 1 :]}"]
    test = f"{place} !== undefined" if not body.startswith(f"{place}.") else place
    return [f"if ({test}) {{", f"\t{shown}", "}"]


def made_by(node: N | None) -> N | None:
    """The call that makes what stands here: `f()` of `const x = await f()`."""
    if node is None:
        return None
    return next((inner for inner in node.walk() if inner.kind in CALLS), None)


def only(source: Source, row: N, place: str) -> bool:
    """Whether a statement does nothing but release a place."""
    if row.kind == "if_statement":
        test, body, *rest = row.kids
        inner = source.rows(body) if body.kind == "statement_block" else [body]
        return (
            not rest
            and len(inner) == 1
            and bool(source.mentions(place, test))
            and only(source, inner[0], place)
        )
    if row.kind != "expression_statement" or len(row.kids) != 1:
        return False
    value = bare(row.kids[0])
    if value is not None and value.kind in ("await_expression", "unary_expression") and value.kids:
        value = bare(value.kids[0])
    if value is None or value.kind != "call_expression":
        return False
    callee = bare(value.kids[0])
    if callee is not None and callee.kind == "member_expression" and source.text(callee.kids[0]) == place:
        return not source.mentions(place, value.kids[-1])
    given = arguments(value)
    return len(given) == 1 and source.text(given[0]) in (place, f"{place}.dataId")

"""Names for values that have none: from the member they are for, from the callee, from what they are."""

from __future__ import annotations

import re

from tree_sitter import Node

from repairbot.languages.zig.repairs._source import Source, named
from repairbot.languages.zig.syntax import text

_CALLEES = {
    "dupe": "copy",
    "dupeZ": "copy",
    "alloc": "buffer",
    "alignedAlloc": "buffer",
    "allocSentinel": "buffer",
    "allocPrint": "text",
    "allocPrintZ": "text",
    "allocPrintSentinel": "text",
    "join": "joined",
    "joinZ": "joined",
    "concat": "joined",
    "resolve": "path",
    "realpathAlloc": "path",
    "toOwnedSlice": "items",
    "toOwnedSliceSentinel": "items",
    "readFileAlloc": "contents",
    "readToEndAlloc": "contents",
    "readAllAlloc": "contents",
    "getEnvVarOwned": "variable",
    "create": "object",
    "openFile": "file",
    "createFile": "file",
    "openDir": "dir",
    "parseFromSlice": "parsed",
    "init": "",
    "deinit": "",
}
_VERBS = re.compile(
    r"^(?:get|make|build|create|format|render|to|read|load|alloc|new|generate|compute|find|parse|print)_(?=[a-z])"
)


def suggested(source: Source, call: Node, fallback: str) -> str:
    """A name that is free in the whole file."""
    callee = text(named(call)[0]) if call.type == "call_expression" else ""
    last = callee.rpartition(".")[2]
    plain = (
        _CALLEES.get(last, _snake(last)) or _snake(callee.rpartition(".")[0].rpartition(".")[2]) or fallback
    )
    member = _member(source, call)
    if member:
        return source.fresh(call, f"owned_{member}", f"new_{member}")
    return source.fresh(call, plain, f"{plain}_value" if plain == fallback else f"owned_{plain}")


def _snake(name: str) -> str:
    name = re.sub(r"\W", "", name)
    shown = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    shown = _VERBS.sub("", shown)
    return shown.removesuffix("_alloc") if re.fullmatch(r"[a-z_]\w*", shown) else ""


def _member(source: Source, call: Node) -> str:
    """The member of a literal that the value is for."""
    current = call
    while (parent := current.parent) is not None and parent.type in (
        "try_expression",
        "parenthesized_expression",
        "catch_expression",
    ):
        current = parent
    if parent is not None and parent.type == "assignment_expression" and named(parent)[0] != current:
        return text(named(parent)[0]).lstrip(".") if text(named(parent)[0]).startswith(".") else ""
    return ""

"""What a call makes that `Drop` does not end: the rows of rust.toml, and how such a value is used and ended."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from repairbot.lifetimes.ops import Resource

Use = str
"""What a callee does with a value: "releases", "borrows", "keeps" or "unknown"."""

_WORD: Final = re.compile(r"[\w*]+")
LOOKS: Final = frozenset(
    {
        "is_null", "as_ptr", "as_mut_ptr", "cast", "id", "as_ref", "as_mut", "offset", "add", "as_raw_fd", "is_some",
        "is_none", "is_ok", "is_err", "addr", "eq", "ne", "clone", "to_owned", "try_wait", "borrow", "borrow_mut",
    }
)  # fmt: skip
"""Methods that only look at a value."""
HANDS_ON: Final = frozenset(
    {
        "context", "with_context", "map_err", "unwrap", "expect", "ok_or", "ok_or_else", "ok", "or_else", "into_ok",
        "wrap_err", "wrap_err_with", "log_err", "inspect_err", "unwrap_unchecked", "await",
    }
)  # fmt: skip
"""Methods of a result whose value is the one that the result holds."""


@dataclass(frozen=True, slots=True)
class Known:
    """The rows of one file's resources, by the last name of what acquires."""

    functions: dict[str, Resource]
    methods: dict[str, Resource]
    pattern: re.Pattern[bytes]


@cache
def known(resources: tuple[Resource, ...]) -> Known:
    """The rows, ready to be looked up."""
    functions: dict[str, Resource] = {}
    methods: dict[str, Resource] = {}
    for resource in resources:
        for name in resource.acquire:
            (methods if name.startswith(".") else functions)[last(name)] = resource
    names = sorted({*functions, *methods} - {"msg_send"})
    # A row whose text ends in empty parentheses is called without arguments, unlike others of its name.
    bare = {name for name in names if (functions.get(name) or methods[name]).needs.endswith(r"\(\)$")}
    called = [name.encode() + (rb"\(\)" if name in bare else rb"\(") for name in names]
    words = rb"\b(?:" + b"|".join(called) + rb")" if called else rb"(?!)"
    return Known(functions, methods, re.compile(words + rb"|,\s*alloc\s*\]"))


def last(name: str) -> str:
    """The last name of a path or of a method: "libc::open" gives open."""
    return name.replace("::", ".").rpartition(".")[2]


def use(resource: Resource, name: str, *, method: bool) -> Use:
    """What a function of this name does with a value that it is given, or a method that is called on it."""
    for row in resource.release:
        if row.startswith(".") == method and last(row.partition("(")[0]) == name:
            return "releases"
    if method and name in LOOKS:
        return "borrows"
    for names, meaning in ((resource.keeps, "keeps"), (resource.borrows, "borrows")):
        for each in names:
            if each.startswith(".") == method and _matches(last(each), name):
                return meaning
    return "unknown"


def _matches(shown: str, name: str) -> bool:
    if not _WORD.fullmatch(shown):
        return False
    return re.fullmatch(shown.replace("*", r"\w*"), name) is not None

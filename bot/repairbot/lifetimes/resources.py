"""The resources files: what a language's libraries acquire and release, and what a project adds of its own."""

from __future__ import annotations

import pkgutil
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any, cast, get_args

from repairbot.lifetimes.ops import Resource, Scope
from repairbot.model import Severity

LISTS = ("acquire", "release", "borrows", "keeps", "begins")


class BadResource(ValueError):
    """A resource table that cannot be used; the message is one line for the user."""


def resource(table: Mapping[str, object], origin: str = "builtin") -> Resource:
    """One table as a Resource. A single string stands for a list of one. Raises BadResource."""
    known = {
        "id",
        "what",
        "scope",
        "asynchronous",
        "slots",
        "severity",
        "collected",
        "needs",
        "paired",
        "unscoped",
        "guarded",
        "events",
        *LISTS,
    }
    if unknown := sorted(set(table) - known):
        raise BadResource(f"a resource has no key {unknown[0]!r}; it has {', '.join(sorted(known))}")
    values: dict[str, Any] = {}
    for key in LISTS:
        value = table.get(key, ())
        names = (value,) if isinstance(value, str) else value
        if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) and name for name in names):
            raise BadResource(f"{key!r} of a resource is a name or a list of names, not {value!r}")
        values[key] = tuple(names)
    for key in ("acquire", "release"):
        if not values[key]:
            raise BadResource(f"a resource needs {key!r}: the call that {key}s it")
    scope: Any = table.get("scope", "none")
    severity: Any = table.get("severity", "medium")
    if scope not in get_args(Scope) or severity not in get_args(Severity):
        raise BadResource(f"scope is one of {', '.join(get_args(Scope))}; severity is low, medium or high")
    slots = table.get("slots", ())
    if not isinstance(slots, (list, tuple)) or not all(isinstance(slot, int) for slot in slots):
        raise BadResource("'slots' is a list of positions")
    name = str(table.get("id") or values["acquire"][0].strip("."))
    return Resource(
        id=name,
        what=str(table.get("what", name)),
        scope=cast(Scope, scope),
        severity=cast(Severity, severity),
        slots=tuple(slots),
        asynchronous=bool(table.get("asynchronous", False)),
        collected=bool(table.get("collected", True)),
        needs=str(table.get("needs", "")),
        paired=bool(table.get("paired", False)),
        unscoped=bool(table.get("unscoped", False)),
        guarded=bool(table.get("guarded", False)),
        events=bool(table.get("events", False)),
        origin="project" if origin != "builtin" else "builtin",
        **values,
    )


def tables(name: str) -> dict[str, Any]:
    """A data file of the rules. Not by importlib.resources, which takes longer to import than all files to read."""
    data = pkgutil.get_data("repairbot_rules", f"resources/{name}.toml")
    assert data is not None  # only loaders that cannot read files say so
    return tomllib.loads(data.decode())


@cache
def builtin(language: str) -> tuple[Resource, ...]:
    """The resources of the language's file, and those of the languages that it `includes`."""
    data = tables(language)
    others = (item for other in data.get("includes", []) for item in builtin(other))
    return (*(resource(table) for table in data.get("resource", [])), *others)


def load(language: str, own: tuple[dict[str, object], ...] = ()) -> tuple[Resource, ...]:
    """The project's own resources first (they win), then the language's. Raises BadResource."""
    return tuple(_own(table) for table in own) + builtin(language)


def _own(table: Mapping[str, object]) -> Resource:
    """A project's pair: `acquire = "pool.take", release = "pool.give"` releases by a call of the second name."""
    found = resource(table, "project")
    return replace(found, collected=bool(table.get("collected", False)))

"""The resources that a language's libraries acquire and release: read from data, plus the project's own."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from functools import cache
from importlib.resources import files
from typing import Any

from repairbot.lifetimes.ops import Resource

_MANY = frozenset(field.name for field in fields(Resource) if str(field.type).startswith("tuple"))
_KNOWN = frozenset(field.name for field in fields(Resource)) - {"origin"}


class ResourceError(ValueError):
    """A table is no resource; the message says what is missing or wrong."""


def load(language: str, own: Iterable[Mapping[str, object]] = ()) -> tuple[Resource, ...]:
    """The resources of a language by the name of its file, the project's own first.

    `own`: the tables of `[[tool.repairbot.resource]]`. Raises ResourceError on a table that is none.
    """
    project = tuple(replace(read(table), origin="project") for table in own)
    return (*project, *_builtin(language))


@cache
def _builtin(language: str) -> tuple[Resource, ...]:
    file = files("repairbot_rules") / "resources" / f"{language}.toml"
    if not file.is_file():
        return ()
    return tuple(read(table) for table in tomllib.loads(file.read_text(encoding="utf-8"))["resource"])


def read(table: Mapping[str, object]) -> Resource:
    """One table: texts and lists. What may hold several names is given as a text or as a list of texts.

    Without an `id` the first acquiring name stands for it; without a `what` it is "what NAME() gives".
    """
    unknown = sorted(set(table) - _KNOWN)
    if unknown:
        raise ResourceError(f"a resource has no {unknown[0]!r}; known are {', '.join(sorted(_KNOWN))}")
    values: dict[str, Any] = dict(table)
    for name in _MANY & set(values):
        value = values[name]
        values[name] = tuple(value) if isinstance(value, list | tuple) else (value,)
    for name in ("acquire", "release"):
        if not values.get(name):
            raise ResourceError(f"a resource needs {name!r}: the calls that {name} it")
    first = values["acquire"][0]
    return Resource(**{"id": first, "what": f"what {first}() gives", **values})


"""Leaks that are idioms of TypeScript and JavaScript: one module each, found by walking. `find` gives what it sees."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from functools import cache
from typing import cast

from repairbot.languages.typescript.classes import Classes
from repairbot.languages.typescript.syntax import Module
from repairbot.lifetimes.ops import Idiom

Finder = Callable[[Module, Classes], Iterable[Idiom]]


@cache
def _finders() -> tuple[Finder, ...]:
    names = sorted(info.name for info in pkgutil.iter_modules(__path__))
    return tuple(cast(Finder, importlib.import_module(f"{__name__}.{name}").find) for name in names)


def collect(module: Module, classes: Classes) -> list[Idiom]:
    """Every idiom that is recognised, in the order of the source."""
    found = [idiom for finder in _finders() for idiom in finder(module, classes)]
    return sorted(found, key=lambda idiom: idiom.at.start)

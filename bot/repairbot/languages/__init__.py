"""One folder a language: it lowers source text to the model, and writes repairs."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from repairbot.languages.base import Language


@cache
def walk() -> dict[str, Language]:
    """Every language by name: the folders here, each of which exposes LANGUAGE."""
    modules = (
        importlib.import_module(f"{__name__}.{info.name}")
        for info in pkgutil.iter_modules(__path__)
        if info.ispkg
    )
    found = [module.LANGUAGE for module in modules]
    return {language.name: language for language in found}


def suffixes() -> dict[str, str]:
    """The language's name by the suffix of a file's name."""
    return {suffix: language.name for language in walk().values() for suffix in language.suffixes}

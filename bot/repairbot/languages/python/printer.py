"""Python's printer: an intent goes to the repair module that says it writes it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from typing import cast

import libcst as cst

from repairbot.languages.python import repairs
from repairbot.languages.python.repairs._cst import Source, parse
from repairbot.languages.python.repairs._draft import merged
from repairbot.languages.python.repairs._sight import seen
from repairbot.lifetimes.intents import Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Check, Edit

Writer = Callable[[Source, Intent], "tuple[Edit, ...] | Refusal"]


@cache
def writers() -> dict[str, Writer]:
    """Every repair module's `write`, by the intents that it names in `WRITES`."""
    found: dict[str, Writer] = {}
    for info in pkgutil.iter_modules(repairs.__path__):
        if not info.name.startswith("_"):
            module = importlib.import_module(f"{repairs.__name__}.{info.name}")
            for name in cast("tuple[str, ...]", module.WRITES):
                found[name] = cast(Writer, module.write)
    return found


class PythonPrinter:
    """Writes repairs of Python by the modules under `repairs/`."""

    def write(self, source: bytes, intent: Intent) -> tuple[Edit, ...] | Refusal:
        """The edits that fulfil the intent, in the order of the source and apart, or why there are none."""
        writer = writers().get(intent.do)
        if writer is None:
            return Refusal(f"no repair of Python writes {intent.do}")
        try:
            parsed = parse(source, seen(source, intent))
        except cst.ParserSyntaxError:
            return Refusal("libcst, which writes the repairs, cannot parse this file")
        except RecursionError:
            return Refusal("the file is nested too deeply to be rewritten")
        edits = writer(parsed, intent)
        return edits if isinstance(edits, Refusal) else merged(list(edits))

    def inspect(self, before: bytes, after: bytes, edits: tuple[Edit, ...]) -> tuple[Check, ...]:
        """Python's own rungs: comments kept, names bound, compiled."""
        from repairbot.languages.python.inspection import inspect

        return inspect(before, after, edits)


PRINTER = PythonPrinter()

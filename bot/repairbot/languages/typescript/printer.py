"""TypeScript's and JavaScript's printer: an intent goes to the repair module that says it writes it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache, lru_cache
from typing import cast

from repairbot.languages.typescript import repairs
from repairbot.languages.typescript.repairs._source import Source
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


@lru_cache(maxsize=2)
def _parsed(data: bytes) -> Source:
    return Source(data)


def _joined(edits: tuple[Edit, ...]) -> tuple[Edit, ...]:
    """The edits in the order of the source; what goes in at one place is one edit, whatever order others give them."""
    found: list[Edit] = []
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if found and found[-1].start == found[-1].end == edit.start == edit.end:
            found[-1] = Edit(edit.start, edit.end, found[-1].text + edit.text)
        else:
            found.append(edit)
    return tuple(found)


class TypeScriptPrinter:
    """Writes repairs by the modules under `repairs/`."""

    def write(self, source: bytes, intent: Intent) -> tuple[Edit, ...] | Refusal:
        """The edits that fulfil the intent, in the order of the source and apart, or why there are none."""
        writer = writers().get(intent.do)
        if writer is None:
            return Refusal(f"no repair of TypeScript writes {intent.do}")
        edits = writer(_parsed(source), intent)
        return edits if isinstance(edits, Refusal) else _joined(edits)

    def inspect(self, before: bytes, after: bytes, edits: tuple[Edit, ...]) -> tuple[Check, ...]:
        """TypeScript's own rungs: parses, comments kept, names bound, what no edit names untouched."""
        from repairbot.languages.typescript.inspection import inspect

        return inspect(before, after, edits)


PRINTER = TypeScriptPrinter()
"""TypeScript's printer, and JavaScript's."""

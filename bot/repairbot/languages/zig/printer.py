"""Zig's printer: an intent goes to the repair module that says it writes it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from typing import cast

from repairbot.languages.zig import repairs
from repairbot.languages.zig.repairs._source import Source
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


class ZigPrinter:
    """Writes repairs of Zig by the modules under `repairs/`."""

    def write(self, source: bytes, intent: Intent) -> tuple[Edit, ...] | Refusal:
        """The edits that fulfil the intent, in the order of the source and apart, or why there are none."""
        return self.write_beside(source, intent, ())

    def write_beside(
        self, source: bytes, intent: Intent, others: Iterable[tuple[Edit, ...]]
    ) -> tuple[Edit, ...] | Refusal:
        """The same with no name that one of these other repairs declares in sight."""
        writer = writers().get(intent.do)
        if writer is None:
            return Refusal(f"no repair of Zig writes {intent.do}")
        parsed = _parsed(source)
        parsed.others = others
        edits = writer(parsed, intent)
        return edits if isinstance(edits, Refusal) else tuple(sorted(edits))

    def inspect(self, before: bytes, after: bytes, edits: tuple[Edit, ...]) -> tuple[Check, ...]:
        """Zig's own rungs: parses, comments kept, the compiler's word, the formatter's."""
        from repairbot.languages.zig.inspection import inspect

        return inspect(before, after, edits)

    def foresee(self, before: bytes, repairs: Sequence[tuple[Edit, ...]]) -> tuple[int, ...]:
        """Ask the compiler about all these repairs at once; which of them it has nothing against in one version."""
        from repairbot.languages.zig.foresight import foresee

        return foresee(before, repairs)


PRINTER = ZigPrinter()
"""Zig's printer."""

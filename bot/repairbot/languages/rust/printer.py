"""Rust's printer: an intent goes to the repair module that says it writes it; rustfmt formats what was written."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from typing import cast

from repairbot.edits import apply
from repairbot.languages.rust import repairs, rustfmt
from repairbot.languages.rust.repairs._source import Source
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


class RustPrinter:
    """Writes repairs of Rust by the modules under `repairs/` (see languages/base.py)."""

    def write(self, source: bytes, intent: Intent) -> tuple[Edit, ...] | Refusal:
        """The edits that fulfil the intent, in the order of the source and apart, or why there are none."""
        writer = writers().get(intent.do)
        if writer is None:
            return Refusal(f"no repair of Rust writes {intent.do}")
        edits = writer(_parsed(source), intent)
        return edits if isinstance(edits, Refusal) else _formatted(source, tuple(sorted(edits)))

    def inspect(self, before: bytes, after: bytes, edits: tuple[Edit, ...]) -> tuple[Check, ...]:
        """Rust's own rungs: parses, comments kept, rustfmt's word."""
        from repairbot.languages.rust.inspection import inspect

        return inspect(before, after, edits)


def _formatted(source: bytes, edits: tuple[Edit, ...]) -> tuple[Edit, ...]:
    """The edits with what they wrote formatted, where the file was formatted before."""
    edition = rustfmt.edition(source)
    if edition is None:
        return edits
    written = apply(source, edits)
    after = rustfmt.formatted(written, edition)
    if after is None or after == written:
        return edits
    return tuple(_between(source, after))


def _between(before: bytes, after: bytes) -> Iterator[Edit]:
    """The edits that turn one text into another: by lines, and in each run of lines the least of it."""
    was, now = before.splitlines(keepends=True), after.splitlines(keepends=True)
    head = _same(was, now)
    tail = _same(was[head:][::-1], now[head:][::-1])
    left, right = was[head : len(was) - tail], now[head : len(now) - tail]
    offsets = [len(b"".join(was[:head]))]
    for line in left:
        offsets.append(offsets[-1] + len(line))
    for tag, a, b, c, d in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if tag != "equal":
            yield _least(offsets[a], b"".join(left[a:b]), b"".join(right[c:d]))


def _least(start: int, was: bytes, now: bytes) -> Edit:
    """One replacement without what is the same at both ends (never half a character)."""
    old, new = was.decode(), now.decode()
    head = _same(old, new)
    tail = _same(old[head:][::-1], new[head:][::-1])
    first = start + len(old[:head].encode())
    return Edit(first, first + len(old[head : len(old) - tail].encode()), new[head : len(new) - tail])


def _same(some: Sequence[object], others: Sequence[object]) -> int:
    """How many parts two texts or lists have in common at their start."""
    number = 0
    for one, other in zip(some, others, strict=False):
        if one != other:
            break
        number += 1
    return number


PRINTER = RustPrinter()
"""Rust's printer."""

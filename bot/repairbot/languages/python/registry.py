"""The tables of python-registrations.toml: what starts or registers, and how it is undone."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from typing import Literal

from repairbot.lazily import dataclass, regex
from repairbot.lifetimes.resources import tables


@dataclass(frozen=True, slots=True)
class Pair:
    """One way to register something and the ways to undo it (see the head of the table's file)."""

    what: Literal["task", "timer", "listener", "hook"]
    calls: tuple[str, ...]
    undo: tuple[str, ...]
    receiver: re.Pattern[str] | None
    handler: int
    key: int
    strong: bool
    hands_over: bool
    alive: str

    def matches(self, qualified: str, receiver: str, method: str) -> bool:
        """Whether a callee (its dotted name with imports resolved, its receiver, its last name) is this one."""
        for call in self.calls:
            if call.startswith("."):
                if (
                    call[1:] == method
                    and receiver
                    and (self.receiver is None or self.receiver.search(receiver))
                ):
                    return True
            elif call == qualified:
                return True
        return False


@dataclass(frozen=True, slots=True)
class Holder:
    """An object of a C extension that holds what it is given, `through` a method or its constructor ("")."""

    make: tuple[str, ...]
    through: str


@dataclass(frozen=True, slots=True)
class Registry:
    """All that the file of tables holds."""

    teardowns: tuple[str, ...]
    counterparts: dict[str, str]
    pairs: tuple[Pair, ...]
    holders: tuple[Holder, ...]

    def teardown(self, methods: Collection[str], method: str = "") -> str:
        """The method in which what `method` does should be undone: its counterpart, else the strongest, or ""."""
        own = self.counterparts.get(method, "")
        return own if own in methods else next((name for name in self.teardowns if name in methods), "")

    def words(self) -> frozenset[str]:
        """The last names of all registering calls."""
        return frozenset(call.rpartition(".")[2] for pair in self.pairs for call in pair.calls)


@cache
def registry() -> Registry:
    """The tables, read once."""
    data = tables("python-registrations")
    pairs = tuple(
        Pair(
            what=row["what"],
            calls=tuple(row["calls"]),
            undo=tuple(row["undo"]),
            receiver=regex(row["receiver"]) if row.get("receiver") else None,
            handler=row.get("handler", 0),
            key=row.get("key", -1),
            strong=row.get("strong", False),
            hands_over=row.get("hands_over", False),
            alive=row.get("alive", ""),
        )
        for row in data["registration"]
    )
    holders = tuple(Holder(tuple(row["make"]), row["through"]) for row in data.get("holder", ()))
    return Registry(tuple(data["teardowns"]), data["counterparts"], pairs, holders)

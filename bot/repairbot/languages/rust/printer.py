"""Intent to edits for Rust. Written by the repairs of this folder; what none of them knows is refused."""

from __future__ import annotations

from repairbot.lifetimes.intents import Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Check, Edit


class RustPrinter:
    """The printer of Rust (see languages/base.py)."""

    def write(self, source: bytes, intent: Intent) -> tuple[Edit, ...] | Refusal:
        """The edits that fulfil the intent, or why there are none."""
        return Refusal(f"there is no repair for {intent.do} in Rust")

    def inspect(self, before: bytes, after: bytes, edits: tuple[Edit, ...]) -> tuple[Check, ...]:
        """What else is checked of a repaired file."""
        return ()


PRINTER = RustPrinter()

"""One expression or statement in place of another."""

from __future__ import annotations

from repairbot.languages.zig.repairs._source import Source
from repairbot.lifetimes.intents import REPLACE_ARGUMENT, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (REPLACE_ARGUMENT,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """The edit at `intent.at`; `spans` are statements that go."""
    gone = [source.node(span) for span in intent.spans]
    if any(source.row(node) != node for node in gone):
        return Refusal("what goes is no statement of its own")
    return (
        Edit(intent.at.start, intent.at.end, intent.args["text"]),
        *(source.without(node) for node in gone),
    )

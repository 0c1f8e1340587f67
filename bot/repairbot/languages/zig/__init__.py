"""Zig: read by tree-sitter, repaired by byte edits."""

from __future__ import annotations

from repairbot.languages.base import Language

LANGUAGE = Language(
    name="zig",
    suffixes=(".zig",),
    comment="//",
    load_frontend="repairbot.languages.zig.frontend",
    load_printer="repairbot.languages.zig.printer",
    neighbourly=True,
)

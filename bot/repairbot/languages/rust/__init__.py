"""Rust: read by tree-sitter, repaired by byte edits."""

from __future__ import annotations

from repairbot.languages.base import Language

LANGUAGE = Language(
    name="rust",
    suffixes=(".rs",),
    comment="//",
    load_frontend="repairbot.languages.rust.frontend",
    load_printer="repairbot.languages.rust.printer",
)

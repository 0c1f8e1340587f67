"""TypeScript: read by tree-sitter, repaired by byte edits."""

from __future__ import annotations

from repairbot.languages.base import Language

LANGUAGE = Language(
    name="typescript",
    suffixes=(".ts", ".tsx", ".mts", ".cts"),
    comment="//",
    load_frontend="repairbot.languages.typescript.frontend",
    load_printer="repairbot.languages.typescript.printer",
    package="index",
)

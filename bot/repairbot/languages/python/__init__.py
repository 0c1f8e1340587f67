"""Python: read by tree-sitter, repaired by libcst."""

from __future__ import annotations

from repairbot.languages.base import Language

LANGUAGE = Language(
    name="python",
    suffixes=(".py", ".pyw"),
    comment="#",
    load_frontend="repairbot.languages.python.frontend",
    load_printer="repairbot.languages.python.printer",
    package="__init__",
    load_extents="repairbot.languages.python.extents",
)

"""Python: read by tree-sitter, repaired by libcst."""

from __future__ import annotations

from repairbot.languages.base import Language
from repairbot.languages.python.frontend import FRONTEND

LANGUAGE = Language(
    name="python",
    suffixes=(".py", ".pyw"),
    comment="#",
    frontend=FRONTEND,
    load_printer="repairbot.languages.python.printer",
    package="__init__",
)

"""Python: lowered with tree-sitter, repaired with libcst codemods."""

from __future__ import annotations

from repairbot.languages.base import Language
from repairbot.languages.python.frontend import PythonFrontend

LANGUAGE = Language(
    name="python",
    suffixes=(".py", ".pyw"),
    comment="#",
    frontend=PythonFrontend(),
    load_printer="repairbot.languages.python.printer",
)

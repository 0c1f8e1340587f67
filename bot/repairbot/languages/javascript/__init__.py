"""JavaScript: read and repaired as TypeScript is, with a grammar of its own."""

from __future__ import annotations

from repairbot.languages.base import Language
from repairbot.languages.typescript import TESTS

LANGUAGE = Language(
    name="javascript",
    suffixes=(".js", ".jsx", ".mjs", ".cjs"),
    comment="//",
    load_frontend="repairbot.languages.javascript.frontend",
    load_printer="repairbot.languages.typescript.printer",
    package="index",
    tests=TESTS,
)

"""TypeScript: read by tree-sitter, repaired by byte edits."""

from __future__ import annotations

from typing import Final

from repairbot.languages.base import Language

TESTS: Final = (
    r"(?:^|/)(?:tests?|specs?|__tests__|__mocks__|__fixtures__|fixtures|e2e|cypress|benchmarks?|bench|examples?|demos?)/"
    r"|[.-](?:test|spec|stories|bench|e2e)\.[cm]?[jt]sx?\b"
    r"| (?:\S*\.)?(?:describe|it|test|suite|beforeEach|afterEach|beforeAll|afterAll)\(\)"
)
"""Where test frameworks keep their code, and the callbacks that they are given."""

LANGUAGE = Language(
    name="typescript",
    suffixes=(".ts", ".tsx", ".mts", ".cts"),
    comment="//",
    load_frontend="repairbot.languages.typescript.frontend",
    load_printer="repairbot.languages.typescript.printer",
    package="index",
    tests=TESTS,
)

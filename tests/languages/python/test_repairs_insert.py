"""Insert and replace: hand-made intents against texts."""

from __future__ import annotations

import pytest

from repairbot.lifetimes.intents import INSERT_AFTER, INSERT_BEFORE, REPLACE_ARGUMENT
from repairbot.lifetimes.ops import Intent
from tests.languages.python.texts import span, written


def insert(source: str, do: str, piece: str, lines: str) -> str:
    """The source with lines put next to a piece."""
    return written(
        source, Intent(do, span(source, piece), args={"lines": lines}, spans=(span(source, piece),))
    )


@pytest.mark.parametrize(
    ("source", "piece", "after"),
    [
        ("def f():\n    a()  # x\n    b()\n", "a()", "def f():\n    a()  # x\n    NEW\n    b()\n"),
        ("def f():\n    a()", "a()", "def f():\n    a()\n    NEW"),
        ("if x: a()\nb()\n", "a()", "if x:\n    a()\n    NEW\nb()\n"),
        ("if x: a(); c()  # y\nb()\n", "a()", "if x:\n    a()\n    NEW\n    c()  # y\nb()\n"),
        ("a(); b()\n", "a()", "a()\nNEW\nb()\n"),
        ("if x:\n\ta()\n\tb()\n", "a()", "if x:\n\ta()\n\tNEW\n\tb()\n"),
        ("if x:\r\n  a()\r\n", "a()", "if x:\r\n  a()\r\n  NEW\r\n"),
        (
            "for a in b:\n    c(\n        1,\n    )\n    # done\nd()\n",
            "for a in b:\n    c(\n        1,\n    )",
            "for a in b:\n    c(\n        1,\n    )\n    # done\nNEW\nd()\n",
        ),
    ],
)
def test_insert_after(source: str, piece: str, after: str) -> None:
    assert insert(source, INSERT_AFTER, piece, "NEW") == after


@pytest.mark.parametrize(
    ("source", "piece", "after"),
    [
        ("def f():\n    # why\n    return 1\n", "return 1", "def f():\n    # why\n    NEW\n    return 1\n"),
        ("if x: return 1\n", "return 1", "if x:\n    NEW\n    return 1\n"),
        ("if x: a(); return 1\n", "return 1", "if x:\n    a()\n    NEW\n    return 1\n"),
        ("a(); b()\n", "b()", "a()\nNEW\nb()\n"),
        (
            "def f():\n    @d\n    def g(): pass\n",
            "def g(): pass",
            "def f():\n    NEW\n    @d\n    def g(): pass\n",
        ),
    ],
)
def test_insert_before(source: str, piece: str, after: str) -> None:
    assert insert(source, INSERT_BEFORE, piece, "NEW") == after


@pytest.mark.parametrize(
    ("head", "after"),
    [
        ("", "from m import n\n\n"),
        ('"""Doc."""\n', '"""Doc."""\n\nfrom m import n\n'),
        ('"""Doc."""\n\nfrom __future__ import annotations\n', None),
        ("import os\nfrom typing import Any\n", "import os\nfrom m import n\nfrom typing import Any\n"),
        ("from m import a, z\n", "from m import a, n, z\n"),
        ("from m import n\n", "from m import n\n"),
        ("import numpy\n", "from m import n\n\nimport numpy\n"),
    ],
)
def test_imports(head: str, after: str | None) -> None:
    if after is None:
        after = head + "\nfrom m import n\n"
    source = head + "x = 1\n"
    intent = Intent(REPLACE_ARGUMENT, span(source, "1"), args={"text": "2", "import": "from m import n"})
    assert written(source, intent) == after + "x = 2\n"

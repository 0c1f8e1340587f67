"""The page of a rule, made from its docstring and its examples."""

from __future__ import annotations

from repairbot.reports import Options, RuleInfo, Sample, markdown
from repairbot.reports.rulepage import terminal

INFO = RuleInfo(
    "never-released",
    "A resource is released on no path",
    "A resource is released on no path.\n\n**What is wrong.** It stays `open`.",
    "Use `with`.",
    "high",
    default=False,
    languages=("python",),
    samples=(
        Sample("a = open(p)\na.read()\n", "with open(p) as a:\n    a.read()\n"),
        Sample("q = []\n", "q = deque()\n", unsafe=True),
        Sample("b = open(p)\n", why="`b` is returned elsewhere"),
        Sample("c = ```\n", why="a template", quiet=True),
    ),
)


def test_on_a_terminal() -> None:
    assert terminal(INFO, Options()) == (
        "A resource is released on no path\n"
        "never-released  high, off unless configured\n"
        "\n"
        "What is wrong. It stays `open`.\n"
        "\n"
        "Practice: Use `with`.\n"
        "\n"
        "Repaired\n"
        "    -a = open(p)\n"
        "    -a.read()\n"
        "    +with open(p) as a:\n"
        "    +    a.read()\n"
        "\n"
        "Repaired, by your choice (--unsafe-fixes)\n"
        "    -q = []\n"
        "    +q = deque()\n"
        "\n"
        "Found, and left to you: `b` is returned elsewhere\n"
        "    b = open(p)\n"
        "\n"
        "Not flagged: a template\n"
        "    c = ```\n"
    )
    coloured = terminal(INFO, Options(colour=True))
    assert "\x1b[1mWhat is wrong.\x1b[0m" in coloured
    assert "\x1b[31m-a = open(p)\x1b[0m" in coloured


def test_in_markdown() -> None:
    page = markdown.rule_page(INFO)
    assert page.startswith(
        "# A resource is released on no path\n\n`never-released` · high · off unless configured\n\n**What is wrong.**"
    )
    assert "## Repaired\n\n```diff\n-a = open(p)\n" in page
    assert "## Not flagged: a template\n\n````python\nc = ```\n````\n" in page

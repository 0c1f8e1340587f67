"""What the tests of Rust's repairs share: a source through the whole pipeline, and the text of its first repair."""

from __future__ import annotations

from textwrap import dedent

from repairbot import languages
from repairbot.edits import apply
from repairbot.examine import examine
from repairbot.model import Finding, Settings


def findings(source: str) -> tuple[Finding, ...]:
    """What is found in a source."""
    return examine(source.encode(), "example.rs", languages.walk()["rust"], Settings()).result.findings


def repaired(source: str) -> str:
    """The source with its first repair, or "refused: why"."""
    source = dedent(source)
    found = findings(source)
    assert found, "nothing is found"
    fix = next((finding.fix for finding in found if finding.fix), None)
    return apply(source.encode(), fix.edits).decode() if fix else f"refused: {found[0].refusals[0]}"


def changed(source: str) -> list[str]:
    """The lines that the first repair takes out ("-") and puts in ("+"), without their indentation."""
    before, after = dedent(source).splitlines(), repaired(source).splitlines()
    gone = [f"-{line.strip()}" for line in before if line not in after]
    new = [f"+{line.strip()}" for line in after if line not in before]
    return gone + new

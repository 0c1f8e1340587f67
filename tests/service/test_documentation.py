"""The page about deployment says what is so."""

from __future__ import annotations

import re
from pathlib import Path

from repairbot.service import metrics, setup
from tests.github.rig.manifest import NEEDS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / ".github" / "DEPLOYMENT.md").read_text()
SERVICE = "".join(
    path.read_text()
    for room in ("service", "commands", "github")
    for path in sorted((ROOT / "bot" / "repairbot" / room).glob("*.py"))
)


def rows(after: str) -> list[list[str]]:
    """The cells of the table behind some words."""
    table = PAGE.partition(after)[2].partition("\n\n|")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.splitlines()[2:]]


def test_the_permissions_are_those_of_the_manifest() -> None:
    held = [(row[0].replace(" ", "_"), row[1]) for row in rows("no more:")]
    assert dict(held[:-1]) == setup.PERMISSIONS
    assert held[-1] == ("contents", "write")
    listed = re.search(r"and these events: ([\w, ]+)\.", PAGE)
    assert listed
    assert tuple(listed[1].split(", ")) == setup.EVENTS
    assert set(setup.EVENTS) <= NEEDS.keys()


def test_each_setting_and_each_metric_is_there() -> None:
    names = [name for row in rows("## Settings") for name in re.findall(r"`([A-Z_]+)`", row[0])]
    assert len(names) > 10
    assert [name for name in names if f'"{name}"' not in SERVICE and not name.startswith("GITHUB_")] == []
    said = PAGE.partition("scrape one address:")[2].partition("Worth")[0]
    assert [name for name, _, _ in metrics.COUNTERS if f"_{name}_total" not in said] == []


def test_the_readme_says_how_to_begin() -> None:
    text = (ROOT / "README.md").read_text()
    assert "pip install '.[app]'\n    repairbot serve\n" in text
    assert ".github/DEPLOYMENT.md" in text

"""`repairbot new-rule`: a rule file whose example stands first, and a test that is red until the rule works."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import click

from repairbot.rule import rule_ids
from repairbot.sources.place import locate
from repairbot.writing import write_new

RULE = '''"""Say the leak in a few words.

What is wrong, and what it costs who.

Evidence: what is seen before this rule speaks.

Repair: what it does, and why behaviour stays.

Quiet: what looks like this leak and is none.
"""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.analyses.facts import Facts
from repairbot.model import Settings
from repairbot.rule import Quiet, Repair, Report, Rule


class {name}(Rule):
    """One sentence: what it reports."""

    severity = "medium"
    practice = "One sentence for the report's list of practices."
    examples = (
        Repair(
            before="""\\
def replace_me():
    ...  # the smallest code that leaks
""",
            after="""\\
def replace_me():
    ...  # the same code, repaired
""",
        ),
        Quiet(
            code="""\\
def replace_me_too():
    ...  # code that looks like it and does not leak
""",
            why="say why it does not leak",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """Nothing is reported yet: the test of the first example is red until this is written."""
        yield from ()
'''

TEST = '''"""The examples of {id} are its tests."""

from __future__ import annotations

import pytest

from repairbot.rule import Example
from repairbot.ruletest import check_example
from {module} import {name}


@pytest.mark.parametrize("example", {name}.examples)
def test_example(example: Example) -> None:
    check_example("{id}", example)
'''


@click.command("new-rule")
@click.argument("name")
@click.option(
    "--into", type=click.Path(file_okay=False), metavar="DIR", help="The package that takes the rule."
)
def new_rule(name: str, into: str | None) -> int:
    """Begin a rule: a file whose example is written first, and a test that is red until the rule works."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise click.UsageError(
            f"{name!r} is no rule's name: lower case words joined by hyphens, as unbounded-cache"
        )
    if name in rule_ids():
        raise click.UsageError(f"there is a rule {name!r} already: repairbot explain {name}")
    top = Path(locate([os.getcwd()]).top)
    folder = Path(into).absolute() if into else _package(top)
    if folder is None:
        raise click.UsageError(
            "this project has no package of rules (entry points repairbot.rules): name one with --into DIR"
        )
    stem, kind = name.replace("-", "_"), "".join(word.capitalize() for word in name.split("-"))
    file = folder / f"{stem}.py"
    if file.exists():
        raise click.UsageError(f"{file} exists already")
    folder.mkdir(parents=True, exist_ok=True)
    write_new(str(file), RULE.format(name=kind).encode())
    click.echo(f"wrote {_shown(file)}: put the leak and its repair into its examples first")
    if folder == top / "rules" / "repairbot_rules":
        click.echo(f"red until the rule works: python -m pytest tests/rules -k {name}")
        return 0
    module = ".".join([*_dotted(folder), stem])
    test = (top if top in folder.parents else folder.parent) / "tests" / f"test_{stem}.py"
    if not test.exists():
        test.parent.mkdir(parents=True, exist_ok=True)
        write_new(str(test), TEST.format(id=name, module=module, name=kind).encode())
        click.echo(f"wrote {_shown(test)}")
    click.echo("register it in pyproject.toml, then install the project again:\n")
    click.echo(f'    [project.entry-points."repairbot.rules"]\n    {name} = "{module}:{kind}"\n')
    click.echo(f"red until the rule works: python -m pytest {_shown(test)}")
    return 0


def _package(top: Path) -> Path | None:
    """The project's package of rules: repairbot's own, or where its entry points lead."""
    own = top / "rules" / "repairbot_rules"
    if own.is_dir():
        return own
    try:
        project = tomllib.loads((top / "pyproject.toml").read_text("utf-8")).get("project", {})
        values = list(project.get("entry-points", {}).get("repairbot.rules", {}).values())
    except (OSError, ValueError, AttributeError):
        return None
    for value in values:
        module = Path(*str(value).partition(":")[0].split("."))
        for root in (top, top / "src"):
            if (root / module.parent).is_dir():
                return root / module.parent
    return None


def _dotted(folder: Path) -> list[str]:
    """The package's dotted name: its folder and those above that are packages."""
    parts = [folder.name]
    while (folder.parent / "__init__.py").exists():
        folder = folder.parent
        parts.insert(0, folder.name)
    return parts


def _shown(file: Path) -> str:
    return os.path.relpath(file)

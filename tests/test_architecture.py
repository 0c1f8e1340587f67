"""The house: where things stand, and that imports point one way."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from repairbot.rule import all_rules

ROOT = Path(__file__).parent.parent
BOT = ROOT / "bot" / "repairbot"
RULES = ROOT / "rules" / "repairbot_rules"

LAYERS = (
    {"repairbot.cli", "repairbot.commands", "repairbot.github", "repairbot.service", "repairbot.__main__"},
    {"repairbot.pipeline", "repairbot.worker", "repairbot.project"},
    {"repairbot.examine", "repairbot.verify", "repairbot.proof"},
    {"repairbot.languages", "repairbot.analyses", "repairbot.rule", "repairbot_rules"},
    {"repairbot.lifetimes"},
    {"repairbot.model"},
    {"repairbot.lazily"},
)
"""Top first. A module may import from its own layer and from those below, never from one above."""

FORBIDDEN = {
    "repairbot_rules": {"libcst", "tree_sitter", "tree_sitter_python", "github", "git"},
    "repairbot.analyses": {
        "libcst",
        "tree_sitter",
        "tree_sitter_python",
        "repairbot.languages",
        "repairbot_rules",
    },
    "repairbot.lifetimes": {
        "libcst",
        "tree_sitter",
        "repairbot.analyses",
        "repairbot.languages",
        "repairbot.rule",
    },
    "repairbot.model": {
        f"repairbot.{room}"
        for room in ("lifetimes", "analyses", "languages", "rule", "sources", "reports", "pipeline", "wire")
    },
    "repairbot.lazily": {"repairbot"},
    "repairbot.languages": {"repairbot_rules", "repairbot.rule", "repairbot.pipeline"},
    "repairbot.proof": {"repairbot.cli", "repairbot.github"},
}
"""By module: what it and everything below it never imports."""

OWN_ROOMS = {
    "repairbot.reports": {
        "repairbot.__version__",
        "repairbot.model",
        "repairbot.lazily",
        "repairbot.rule",
        "repairbot.wire",
        "repairbot_templates",
        "repairbot.reports",
    },
    "repairbot_rules": {
        "repairbot.rule",
        "repairbot.model",
        "repairbot.lazily",
        "repairbot.analyses.facts",
        "repairbot.lifetimes",
    },
}
"""By module: all of ours that it may import."""

OPEN_TO_ALL = {"repairbot.lazily"}
"""What every room may import: it knows nothing of ours, and stands for the standard library."""

HEAVY = {"libcst", "github", "git", "jinja2", "rich", "markupsafe"}
"""What the scan path never imports: each costs more time than a small job has."""


def module_of(path: Path) -> str:
    """The dotted name of a source file below bot/ or rules/."""
    parts = path.relative_to(ROOT).with_suffix("").parts[1:]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for root in (BOT, RULES) for path in sorted(root.rglob("*.py"))}


def imports(module: str) -> Iterator[tuple[str, int]]:
    """Every module that `module` imports anywhere in its text, with the line; relative ones made absolute."""
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from ((name.name, node.lineno) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parent = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parent, base] if base else parent)
            yield base, node.lineno
            yield from ((f"{base}.{name.name}", node.lineno) for name in node.names)


def within(module: str, room: str) -> bool:
    """Whether the module is the room or stands in it."""
    return module == room or module.startswith(room + ".")


def layer(module: str) -> int | None:
    """The index of the module's layer, or None where it belongs to none (its place is not fixed)."""
    return next(
        (index for index, rooms in enumerate(LAYERS) if any(within(module, room) for room in rooms)), None
    )


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_one_way(module: str) -> None:
    own = layer(module)
    wrong = [
        f"{module}:{line} imports {target}"
        for target, line in imports(module)
        if own is not None and (other := layer(target)) is not None and other < own
    ]
    assert wrong == []


@pytest.mark.parametrize("room", FORBIDDEN)
def test_a_room_never_imports_what_is_not_for_it(room: str) -> None:
    wrong = [
        f"{module}:{line} imports {target}"
        for module in MODULES
        if within(module, room)
        for target, line in imports(module)
        if any(within(target, name) for name in FORBIDDEN[room])
        and not any(within(target, name) for name in OPEN_TO_ALL)
    ]
    assert wrong == []


@pytest.mark.parametrize("room", OWN_ROOMS)
def test_a_room_imports_only_what_it_speaks_of(room: str) -> None:
    wrong = [
        f"{module}:{line} imports {target}"
        for module in MODULES
        if within(module, room)
        for target, line in imports(module)
        if within(target, "repairbot")
        and target != "repairbot"
        and not any(within(target, name) for name in OWN_ROOMS[room] | OPEN_TO_ALL)
    ]
    assert wrong == []


def test_libcst_is_known_to_the_repairs_alone() -> None:
    users = {module for module in MODULES for target, _ in imports(module) if within(target, "libcst")}
    assert {module for module in users if not module.startswith("repairbot.languages.python.")} == set()


SCAN = """
import sys
from repairbot.config import Config
from repairbot.examine import examine
from repairbot.languages import walk
from repairbot.lifetimes.resources import load
language = walk()["python"]
source = open(sys.argv[1], "rb").read()
assert not language.frontend.dismiss(source, load("python", ()))
examine(source, "clean.py", language, Config().settings)
"""
"""What a worker does with one file in which nothing is to be repaired; the file is scanned all the same."""


@pytest.mark.parametrize(
    "arguments", [("-c", SCAN), ("-c", "from repairbot.cli import main; main()", "audit")]
)
def test_the_scan_path_imports_nothing_heavy(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    file = tmp_path / "clean.py"
    file.write_text("def read(path: str) -> str:\n    with open(path) as file:\n        return file.read()\n")
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments, "clean.py"],
        cwd=tmp_path,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    loaded = {
        line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines() if "|" in line
    }
    assert "repairbot" in loaded
    assert loaded & HEAVY == set()


def test_the_top_level_holds_the_rooms_and_nothing_else() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    tops = {name.partition("/")[0] for name in listed.splitlines()}
    allowed = {"bot", "rules", "templates", "tests", "pyproject.toml", "README.md", "Makefile"}
    assert {top for top in tops if not top.startswith(".")} <= allowed


def test_every_rule_file_is_found_without_a_list() -> None:
    files = {path.stem.replace("_", "-") for path in RULES.glob("*.py") if not path.stem.startswith("_")}
    found = {rule.id for rule in all_rules() if type(rule).__module__.startswith("repairbot_rules.")}
    assert found == files


def test_every_rule_has_a_page_and_examples_of_both_kinds() -> None:
    for rule in all_rules():
        assert len(rule.page().splitlines()) > 3, f"{rule.id}: its module's docstring is its page"
        kinds = {type(example).__name__ for example in rule.examples}
        assert kinds == {"Repair", "Quiet"}, f"{rule.id}: examples of a leak and of what looks like one"
        assert importlib.import_module(type(rule).__module__).__file__


PERSONAL = re.compile(
    r"""(?<![\w.~-])/(?:home|Users|work|root|farm)/[\w.-]+/  # somebody's machine
    | https?://(?:[\w-]+\.)*(?:registry|artifactory|nexus|pypi|mirror)[\w-]*\.[\w.-]+/(?!project/)  # registry
    | \bfiles\.pythonhosted\.org\b""",
    re.VERBOSE,
)


def test_no_file_names_a_machine_or_a_registry() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    wrong = []
    for name in filter(None, listed.decode().split("\0")):
        path = ROOT / name
        if path == Path(__file__) or not path.is_file():
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        wrong += [
            f"{name}:{number}: {match.group()}"
            for number, line in enumerate(text.splitlines(), 1)
            if (match := PERSONAL.search(line))
        ]
    assert wrong == []

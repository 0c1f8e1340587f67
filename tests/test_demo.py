"""The whole way, as a user walks it: the real command on a real service, whose own tests run afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.commands import audited, repairbot
from tests.demo import LEAKY, copy_service


def sources(folder: Path) -> dict[str, str]:
    """Every Python file below the folder."""
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*.py"))}


def own_tests(service: Path) -> subprocess.CompletedProcess[str]:
    """The service's own test suite."""
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-c",
            os.devnull,
            "--rootdir",
            ".",
            ".",
        ],
        cwd=service,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


@pytest.fixture
def service(tmp_path: Path) -> Path:
    """A fresh copy of the leaky service."""
    return copy_service(tmp_path)


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One audit of the leaky service, for all that only read it."""
    return audited(copy_service(tmp_path_factory.mktemp("audited")), "waymark")


def findings(document: dict[str, Any], file: str) -> list[dict[str, Any]]:
    """What is found in one file of the service."""
    return [finding for finding in document["findings"] if finding["path"].endswith(file)]


def test_a_preview_shows_the_repairs_and_writes_nothing(service: Path) -> None:
    done = repairbot(service, "fix", "--diff", "waymark")
    assert done.returncode == 1, done.stderr
    assert "waymark/health.py" in done.stdout
    assert "unbounded-collection" in done.stdout
    assert sources(service) == sources(LEAKY)


@pytest.mark.slow
def test_the_repaired_service_still_does_its_work(service: Path) -> None:
    done = repairbot(service, "fix", "waymark")
    assert done.returncode in (0, 1), done.stderr
    repaired = sources(service)
    assert repaired != sources(LEAKY)
    assert repaired["test_waymark.py"] == sources(LEAKY)["test_waymark.py"]
    tests = own_tests(service)
    assert tests.returncode == 0, tests.stdout
    again = repairbot(service, "fix", "waymark")
    assert again.returncode in (0, 1), again.stderr
    assert sources(service) == repaired, "a second run must change nothing"


@pytest.mark.slow
def test_the_unsafe_repairs_keep_the_service_working_too(service: Path) -> None:
    repairbot(service, "fix", "--unsafe-fixes", "waymark")
    tests = own_tests(service)
    assert tests.returncode == 0, tests.stdout


@pytest.mark.xdist_group("audit of the demo")
@pytest.mark.parametrize(
    ("file", "variable", "bound"),
    [
        ("health.py", "latencies", "100"),
        ("health.py", "queue_depths", "100"),
        ("health.py", "errors", "history_window"),
    ],
)
def test_members_take_the_bound_that_their_readers_or_their_sibling_name(
    document: dict[str, Any], file: str, variable: str, bound: str
) -> None:
    found = [each for each in findings(document, file) if each["variable"].endswith(variable)]
    assert [each["rule"] for each in found] == ["unbounded-collection"]
    assert bound in found[0]["fix"]["diff"]


@pytest.mark.xdist_group("audit of the demo")
def test_what_is_saved_for_good_is_reported_and_not_trimmed(document: dict[str, Any]) -> None:
    found = findings(document, "contributions.py")
    assert [(each["rule"], each["severity"], each["fix"]) for each in found] == [
        ("unbounded-collection", "medium", None)
    ]


@pytest.mark.xdist_group("audit of the demo")
@pytest.mark.parametrize(
    ("file", "line", "rule"),
    [
        ("export.py", "connection = sqlite3.connect(database)", "error-path-leak"),
        ("export.py", "with sqlite3.connect(database) as connection:", "context-does-not-close"),
        ("export.py", "return json.loads(open(path).read())", "nameless-resource"),
        ("export.py", 'out = open(path, "w", newline="")', "error-path-leak"),
        ("export.py", "channel = socket.create_connection((host, port), timeout=5)", "early-exit-leak"),
        ("profiles.py", "self._profiles[session_id] = self._fetch(session_id)", "unbounded-cache"),
        ("profiles.py", "@lru_cache(maxsize=None)", "unbounded-cache"),
        ("events.py", 'self.bus.add_listener("recovered", self.on_recovered)', "unremoved-listener"),
        ("server.py", "asyncio.create_task(self.watch())", "dangling-task"),
        ("server.py", 'self._log = open(log, "a", encoding="utf-8")', "incomplete-teardown"),
    ],
)
def test_each_leak_is_found_where_it_is(document: dict[str, Any], file: str, line: str, rule: str) -> None:
    lines = (LEAKY / "waymark" / file).read_text().splitlines()
    at = {number for number, text in enumerate(lines, 1) if text.strip() == line}
    found = {(each["rule"], each["line"]) for each in findings(document, file)}
    assert any((rule, number) in found for number in at), sorted(found)


@pytest.mark.xdist_group("audit of the demo")
def test_every_file_has_one_outcome(document: dict[str, Any]) -> None:
    files = document["files"]
    assert sorted(Path(file["path"]).name for file in files) == sorted(
        path.name for path in (LEAKY / "waymark").glob("*.py")
    )
    outcomes = {Path(file["path"]).name: file["outcome"] for file in files}
    assert outcomes["__init__.py"] == "clean"
    assert set(outcomes.values()) <= {"repaired", "reported", "clean"}

"""The files of GitHub Actions: outputs that cannot set others, a summary below its limit."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repairbot.github.surroundings import SUMMARY_LIMIT, Step


def received(text: str) -> dict[str, str]:
    """What the runner makes of a step's outputs (actions/runner, FileCommandManager)."""
    found, lines = {}, iter(text.split("\n"))
    for line in lines:
        if not line:
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if heredoc < 0 or 0 <= equals < heredoc:
            name, _, value = line.partition("=")
            found[name] = value
            continue
        name, _, end = line.partition("<<")
        held = []
        for each in lines:
            if each == end:
                break
            held.append(each)
        found[name] = "\n".join(held)
    return found


@given(value=st.text(alphabet="ab=<\n\r-\u2028é"))
def test_no_value_sets_another_output(value: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("step") / "output"
    Step({"GITHUB_OUTPUT": str(file)}, print).outputs(skipped=value, findings=3)
    assert received(file.read_bytes().decode()) == {"skipped": value, "findings": "3"}


def test_a_summary_stays_below_its_limit_and_says_what_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "summary"
    step = Step({"GITHUB_STEP_SUMMARY": str(file)}, print)
    step.summarise("before\n")
    step.summarise("é" * SUMMARY_LIMIT)
    content = file.read_bytes()
    assert len(content) <= SUMMARY_LIMIT
    assert content.startswith("before\né".encode())
    assert "over the limit" in content.decode()[-200:]
    step.summarise("more")
    assert file.stat().st_size <= SUMMARY_LIMIT


def test_words_are_no_commands_to_the_runner() -> None:
    log: list[str] = []
    Step({}, log.append).say("failed: x\n::set-env name=A::b\r  ::stop-commands::t\nit said ##[error]y")
    assert log == ["failed: x", "| ::set-env name=A::b", "|   ::stop-commands::t", "it said ## [error]y"]


def test_outside_of_actions_nothing_is_written(tmp_path: Path) -> None:
    step = Step({}, print)
    step.outputs(findings=1)
    step.summarise("text")
    assert list(tmp_path.iterdir()) == []


def test_files_are_kept_where_the_runner_cleans_up(tmp_path: Path) -> None:
    step = Step({"RUNNER_TEMP": str(tmp_path)}, print)
    first, second = Path(step.save("a", b"1")), Path(step.save("b", b"2"))
    assert first.parent == second.parent
    assert tmp_path in first.parents
    assert first.parent.stat().st_mode & 0o077 == 0

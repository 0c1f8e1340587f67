"""Workflow commands, read as the runner reads them."""

from __future__ import annotations

import re

from hypothesis import given

from repairbot.model import Audit, Step
from repairbot.reports import render
from repairbot.reports.github import command

from .factory import audit, file, finding, sample
from .strategies import audits, text

COMMAND = re.compile(r"::(error|warning|notice)(?: ([^:]*))?::(.*)\Z")


def read(line: str) -> tuple[str, dict[str, str], str]:
    """Kind, properties and message of a command, unescaped in the runner's order."""
    match = COMMAND.match(line)
    assert match, line
    properties = dict(part.split("=", 1) for part in (match[2] or "").split(",") if part)

    def plain(value: str) -> str:
        return value.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")

    unescaped = {k: plain(v.replace("%3A", ":").replace("%2C", ",")) for k, v in properties.items()}
    return match[1], unescaped, plain(match[3])


def test_a_leak_is_an_annotation_at_its_line() -> None:
    line = render("github", sample()).splitlines()[0]
    kind, properties, message = read(line)
    assert (kind, properties["file"], properties["line"], properties["title"]) == (
        "error",
        "service/export.py",
        "2",
        "error-path-leak",
    )
    assert message.splitlines()[0] == "conn is not closed when fetch() raises"
    assert "  3  can raise" in message.splitlines()
    assert message.endswith("Repair (safe): close it on every path")


def test_at_most_ten_of_each_and_the_last_one_counts_the_rest() -> None:
    leaks = [
        finding(line=n, severity=s)
        for s, most in (("high", 30), ("medium", 10), ("low", 1))
        for n in range(most)
    ]
    lines = render("github", audit(file("service/health.py", *leaks))).splitlines()
    kinds = [read(line)[0] for line in lines if line.startswith("::")]
    assert {kind: kinds.count(kind) for kind in kinds} == {"error": 10, "warning": 10, "notice": 1}
    assert "::error::21 more leaks of severity high: see the report" in lines
    assert lines[-1] == "1 file: 1 with 41 leaks"


def test_silent_when_nothing_was_found() -> None:
    assert render("github", audit(file())) == ""


@given(text, text)
def test_what_stands_in_a_command_comes_out_of_it(message: str, value: str) -> None:
    line = command("error", message, file=value)
    assert "\n" not in line
    assert "\r" not in line
    if "::" not in value:
        assert read(line)[1:] == ({"file": value}, message)


@given(audits())
def test_nothing_read_becomes_a_command_of_its_own(result: Audit) -> None:
    out = render("github", result)
    assert "##[" not in out
    leaks = len(result.findings)
    assert sum(line.lstrip().startswith("::") for line in re.split(r"[\r\n]", out)) <= leaks


def test_a_forged_note_stays_in_its_message() -> None:
    leak = finding(message="x\n::error::forged", witness=(Step(1, "\n::stop-commands::t"),), rule="a,b::c")
    lines = render("github", audit(file("service/health.py", leak))).splitlines()
    assert sum(line.startswith("::") for line in lines) == 1
    assert read(lines[0])[1]["title"] == "a,b::c"

"""SARIF, judged by its official schema; and its regions, applied as a viewer would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft4Validator

from repairbot.model import Audit
from repairbot.reports import Options, render
from repairbot.reports.sarif import document

from .factory import EXPORT, EXPORT_AFTER, RULES, audit, file, finding, fix, lines_of, sample
from .strategies import audits

SCHEMA = json.loads((Path(__file__).parent / "data" / "sarif-2.1.0-rtm.5.json").read_text("utf-8"))
VALIDATOR = Draft4Validator(SCHEMA)


def run(result: Audit, options: Options | None = None) -> dict[str, Any]:
    log = json.loads(render("sarif", result, options=options))
    VALIDATOR.validate(log)
    first: dict[str, Any] = log["runs"][0]
    return first


def replaced(source: str, replacements: list[dict[str, Any]]) -> str:
    """The source with the replacements made, by line and column."""
    starts = [0]
    for line in lines_of(source):
        starts.append(starts[-1] + len(line))
    for replacement in reversed(replacements):
        region = replacement["deletedRegion"]
        start = starts[region["startLine"] - 1] + region["startColumn"] - 1
        end = starts[region["endLine"] - 1] + region["endColumn"] - 1
        source = source[:start] + replacement["insertedContent"]["text"] + source[end:]
    return source


@given(audits())
@settings(max_examples=40, deadline=None)
def test_every_log_fits_the_schema(result: Audit) -> None:
    VALIDATOR.validate(document(result, Options(rules=RULES)))


def test_a_leak_carries_its_path_its_repair_and_its_rule() -> None:
    log = run(sample(), Options(rules=RULES))
    leak = log["results"][1]
    assert leak["level"] == "error"
    assert log["tool"]["driver"]["rules"][leak["ruleIndex"]]["id"] == leak["ruleId"] == "error-path-leak"
    flow = leak["codeFlows"][0]["threadFlows"][0]["locations"]
    assert [step["location"]["physicalLocation"]["region"]["startLine"] for step in flow] == [2, 3, 4]
    assert leak["partialFingerprints"] == {"repairbot/v1": "service/export.py:2"}
    changes = leak["fixes"][0]["artifactChanges"][0]
    assert changes["artifactLocation"]["uri"] == "service/export.py"
    assert replaced(EXPORT, changes["replacements"]) == EXPORT_AFTER


TEXTS = {
    "CRLF": ("a\r\nb\r\nc\r\n", "a\r\nB\r\nnew\r\nc\r\n"),
    "no line feed at the end": ("a\nb", "a\nbc"),
    "gains one": ("a\nb", "a\nb\nc\n"),
    "behind the last line": ("a\nb\n", "a\nb\nc\n"),
    "not ASCII": ("é\n\U0001f600\nz\n", "é\n\U0001f601\nz\n"),
    "two places": ("a\n" * 20 + "b\n" * 20, "x\na\n" + "a\n" * 19 + "b\n" * 19),
}


@pytest.mark.parametrize("name", TEXTS)
def test_regions_of_repairs_are_exact(name: str) -> None:
    before, after = TEXTS[name]
    leak = run(audit(file("m.py", finding("m.py", fix=fix(before, after, "m.py")))))["results"][0]
    assert replaced(before, leak["fixes"][0]["artifactChanges"][0]["replacements"]) == after


def test_what_failed_is_said() -> None:
    invocation = run(sample())["invocations"][0]
    assert invocation["executionSuccessful"] is False
    assert [note["level"] for note in invocation["toolExecutionNotifications"]] == ["note", "error"]
    assert run(audit(file()))["invocations"][0]["executionSuccessful"] is True


def test_messages_hold_no_links_or_placeholders_and_paths_are_quoted() -> None:
    leak = run(audit(file("a b#%.py", finding("a b#%.py", message="see [this](http://x.y) and {0} in d[k]"))))
    assert leak["results"][0]["message"]["text"] == r"see \[this\](http://x.y) and {{0}} in d[k]"
    uri = leak["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "a%20b%23%25.py"

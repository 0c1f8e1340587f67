"""The JSON document: as its schema says, the same bytes every time, and nothing hostile gets back in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from repairbot.model import Audit
from repairbot.reports import render
from repairbot.reports.jsonreport import DocumentError, load

from .factory import sample
from .strategies import audits

SCHEMA = json.loads((files("repairbot_templates") / "audit.schema.json").read_text("utf-8"))


def test_the_schema_is_one_and_the_sample_fits_it() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(json.loads(render("json", sample())))


def test_the_keys_stand_in_the_documented_order() -> None:
    document = json.loads(render("json", sample()))
    # What was measured stands last, and only where something was.
    assert [*document, "proof"] == list(SCHEMA["properties"])
    finding = document["findings"][1]
    assert list(finding) == list(SCHEMA["$defs"]["finding"]["properties"])
    assert list(finding["fix"]) == list(SCHEMA["$defs"]["fix"]["properties"])
    assert list(document["summary"]) == list(SCHEMA["properties"]["summary"]["properties"])


def test_neither_the_time_nor_the_folder_changes_the_document() -> None:
    assert render("json", sample()) == render("json", replace(sample(), seconds=9.0, root="/elsewhere"))


@given(audits())
def test_what_was_written_is_read_again(audit: Audit) -> None:
    text = render("json", audit)
    assert text.isascii()
    assert load(text) == audit
    assert render("json", load(text)) == text


Change = Callable[[dict[str, Any]], object]
HOSTILE: dict[str, tuple[Change, str]] = {
    "unknown key": (lambda d: d.update(extra=1), "document.extra: not a known key"),
    "missing key": (lambda d: d["findings"][0].pop("rule"), "document.findings[0].rule: missing"),
    "text for a number": (lambda d: d["findings"][0].update(line="1"), "findings[0].line: expected int"),
    "flag for a number": (lambda d: d["findings"][0].update(line=True), "findings[0].line: expected int"),
    "negative line": (lambda d: d["findings"][0].update(line=-1), "findings[0].line: -1 is out of range"),
    "huge line": (lambda d: d["findings"][0].update(line=1 << 60), "out of range"),
    "unknown severity": (lambda d: d["findings"][0].update(severity="dire"), "is none of low, medium, high"),
    "path above the root": (lambda d: d["files"][0].update(path="../x"), "not a path inside a project"),
    "absolute path": (lambda d: d["files"][0].update(path="/etc/passwd"), "not a path inside a project"),
    "a drive": (lambda d: d["files"][0].update(path="C:\\x"), "not a path inside a project"),
    "finding of no file": (lambda d: d["findings"][0].update(path="other.py"), "no such file"),
    "the same file twice": (lambda d: d["files"].append(d["files"][0]), "stands there twice"),
    "counts that lie": (lambda d: d["summary"].update(repaired=7), "summary.repaired: does not agree"),
    "a later version": (lambda d: d.update(version=2), "version 2 is not 1"),
    "null for a list": (lambda d: d.update(findings=None), "document.findings: expected list"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_document_that_is_not_ours_is_refused_with_the_place(name: str) -> None:
    document = json.loads(render("json", sample()))
    change, message = HOSTILE[name]
    change(document)
    with pytest.raises(DocumentError) as caught:
        load(json.dumps(document))
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "1", "null", "[" * 100_000])
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(DocumentError):
        load(text)

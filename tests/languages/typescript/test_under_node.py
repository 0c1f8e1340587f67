"""The rules' examples under Node: the leak is there before and gone after; and TypeScript says nothing new of them."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from repairbot.rule import Repair, all_rules
from tests import npm

HERE = Path(__file__).parent
NOISE = 500.0
"""KB by which the heap may differ without a leak; the leaks of the examples are larger by far."""
LANGUAGES = ("typescript", "javascript")
EXAMPLES = [
    (rule.id, example)
    for rule in all_rules()
    for example in rule.examples
    if isinstance(example, Repair) and example.language in LANGUAGES
]
CHOSEN = {
    "error-path-leak": "header",
    "early-exit-leak": "isScript",
    "never-released": "firstBytes",
    "nameless-resource": "total",
    "incomplete-teardown": "Panel",
    "partial-initialization": "Journal",
    "unbounded-collection": "Monitor",
    "unbounded-cache": "sessions",
    "unremoved-listener": "onRelease",
    "uncleared-timer": "stop()",
    "mismatched-removal": "bind",
    "duplicate-registration": "SIGTERM",
}
"""A word of the example that is measured, where a rule has several."""
HEAPS = {"unbounded-collection", "unbounded-cache", "empty-bucket"}


def node(script: str, given: object, *options: str) -> Any:
    """What a script says of something, both as JSON."""
    package = npm.package(npm.TYPESCRIPT)
    done = subprocess.run(
        ["node", *options, HERE / script, package / "lib" / "typescript.js"],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def measured() -> dict[str, Repair]:
    """For each rule the example that runs."""
    found: dict[str, Repair] = {}
    for rule, example in EXAMPLES:
        if CHOSEN.get(rule, "") in example.before:
            found.setdefault(rule, example)
    return found


@cache
def counts() -> dict[str, tuple[float, float]]:
    """For each rule what its example leaves behind before and after the repair; one Node runs them all."""
    chosen = measured()
    given = [
        {"rule": rule, "code": code}
        for rule, example in chosen.items()
        for code in (example.before, example.after or example.before)
    ]
    results = node("measured.cjs", given, "--expose-gc", "--no-warnings")
    return dict(zip(chosen, zip(results[::2], results[1::2], strict=True), strict=True))


def test_every_rule_that_repairs_typescript_is_measured() -> None:
    speaking = {rule.id for rule in all_rules() if set(LANGUAGES) & set(rule.languages)}
    assert set(measured()) == speaking


@pytest.mark.xdist_group("counts under Node")
@pytest.mark.parametrize("rule", sorted(measured()))
def test_the_leak_is_there_before_and_gone_after(rule: str) -> None:
    before, after = counts()[rule]
    limit = NOISE if rule in HEAPS else 0
    assert before > limit
    if measured()[rule].after is not None:
        assert after <= limit


@cache
def diagnostics() -> dict[str, list[str]]:
    """What TypeScript says of every example, before and after."""
    texts = {}
    for number, (_, example) in enumerate(EXAMPLES):
        suffix = "ts" if example.language == "typescript" else "js"
        texts[f"before{number}.{suffix}"] = example.before
        texts[f"after{number}.{suffix}"] = example.after or example.before
    found: dict[str, list[str]] = node("checked.cjs", texts)
    return found


@pytest.mark.xdist_group("diagnostics of TypeScript")
@pytest.mark.parametrize("number", range(len(EXAMPLES)), ids=[rule for rule, _ in EXAMPLES])
def test_typescript_says_nothing_new_of_a_repair(number: int) -> None:
    suffix = "ts" if EXAMPLES[number][1].language == "typescript" else "js"
    before, after = (diagnostics()[f"{side}{number}.{suffix}"] for side in ("before", "after"))
    assert set(after) <= set(before)

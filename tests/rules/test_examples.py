"""Every rule's page and examples: the examples are the tests, and nothing lists the rules."""

from __future__ import annotations

import pytest

from repairbot import languages
from repairbot.edits import apply
from repairbot.examine import examine
from repairbot.model import Finding, Outcome, Settings
from repairbot.rule import Quiet, Repair, Rule, all_rules

RULES = all_rules()
ROUNDS = 10
"""More rounds than any example needs."""


def examples(kind: type[Repair] | type[Quiet]) -> list[object]:
    """All examples of a kind as parameters, named by rule and number."""
    return [
        pytest.param(rule, example, id=f"{rule.id}-{number}")
        for rule in RULES
        for number, example in enumerate(rule.examples)
        if isinstance(example, kind)
    ]


def found(rule: Rule, source: bytes, language: str, settings: Settings) -> list[Finding]:
    """The findings of this rule."""
    on = Settings({**settings.rules, rule.id: True}, settings.severity, settings.bounds, settings.resources)
    known = languages.walk()[language]
    result = examine(source, f"example{known.suffixes[0]}", known, on).result
    assert result.outcome in (Outcome.REPORTED, Outcome.CLEAN), result.reason
    return [finding for finding in result.findings if finding.rule == rule.id]


def repaired(rule: Rule, source: bytes, example: Repair) -> bytes:
    """The source with the rule's own repairs, one after the other, until there are none."""
    for _ in range(ROUNDS):
        fixes = [each.fix for each in found(rule, source, example.language, example.settings) if each.fix]
        if not fixes:
            return source
        assert fixes[0].safety == ("unsafe" if example.unsafe else "safe")
        source = apply(source, fixes[0].edits)
    raise AssertionError("the repairs do not come to an end")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.id))
def test_a_rule_has_a_page_and_examples(rule: Rule) -> None:
    assert rule.title()
    assert len(rule.page().splitlines()) > 3
    kinds = [type(example) for example in rule.examples]
    assert Repair in kinds
    assert Quiet in kinds
    assert all(example.why for example in rule.examples if isinstance(example, Quiet))


@pytest.mark.parametrize(("rule", "example"), examples(Repair))
def test_repair(rule: Rule, example: Repair) -> None:
    before = example.before.encode()
    findings = found(rule, before, example.language, example.settings)
    assert findings, f"{rule.id} does not see its own example"
    if example.line:
        assert example.line in [finding.line for finding in findings]
    if example.after is None:
        assert [finding.fix for finding in findings] == [None] * len(findings)
        return
    assert any(finding.fix for finding in findings), [finding.refusals for finding in findings]
    after = repaired(rule, before, example)
    assert after.decode() == example.after
    assert found(rule, after, example.language, example.settings) == []
    assert repaired(rule, after, example) == after


@pytest.mark.parametrize(("rule", "example"), examples(Quiet))
def test_quiet(rule: Rule, example: Quiet) -> None:
    assert found(rule, example.code.encode(), example.language, Settings()) == []

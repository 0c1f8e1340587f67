"""The rules as reports may know them: reports never import rules."""

from __future__ import annotations

from repairbot.reports import RuleInfo, Sample
from repairbot.rule import Quiet, Rule, all_rules


def info(rule: Rule) -> RuleInfo:
    """A rule's page, practice and examples as plain data."""
    samples = tuple(
        Sample(example.code, why=example.why, language=example.language, quiet=True)
        if isinstance(example, Quiet)
        else Sample(example.before, example.after, example.why, example.language, unsafe=example.unsafe)
        for example in rule.examples
    )
    return RuleInfo(
        rule.id,
        rule.title(),
        rule.page(),
        rule.practice,
        rule.severity,
        rule.default,
        rule.languages,
        samples,
    )


def infos() -> dict[str, RuleInfo]:
    """Every installed rule by its id."""
    return {rule.id: info(rule) for rule in all_rules()}

"""What a rule is, and how rules are found.

A rule is one file: its docstring is its page, its `examples` are its tests. Nothing lists the rules; this
module walks the package `repairbot_rules` and the entry points of the group `repairbot.rules`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import field
from functools import cache
from inspect import cleandoc
from typing import ClassVar

from repairbot import plugins
from repairbot.analyses.facts import Facts
from repairbot.lazily import dataclass
from repairbot.lifetimes.ops import Intent
from repairbot.model import Confidence, Impact, Settings, Severity, Span, Step


@dataclass(frozen=True, slots=True)
class Repair:
    """An example that is also a test: `before` is found, and its repair is exactly `after`.

    `after` None: the leak is reported and left to the reader (`why` says why). `unsafe`: the fix is of the
    unsafe kind. `line`: where the finding stands, 0 for any.
    """

    before: str
    after: str | None
    language: str = "python"
    why: str = ""
    unsafe: bool = False
    line: int = 0
    settings: Settings = field(default_factory=Settings)


@dataclass(frozen=True, slots=True)
class Quiet:
    """Code that looks like this leak and is none: no finding of this rule, at any confidence."""

    code: str
    why: str
    language: str = "python"


Example = Repair | Quiet


@dataclass(frozen=True, slots=True)
class Report:
    """What a rule says of one place; the pipeline makes a Finding of it.

    `intents`: repairs to try, cheapest first; the first that climbs the whole ladder is used. `refusals`: why
    no repair is offered at all, in words for the user.
    """

    at: Span
    symbol: str
    variable: str
    message: str
    witness: tuple[Step, ...]
    evidence: tuple[Step, ...] = ()
    confidence: Confidence = "high"
    severity: Severity | None = None
    intents: tuple[Intent, ...] = ()
    refusals: tuple[str, ...] = ()
    impact: Impact = Impact()


class Rule:
    """Base of every rule. A subclass lives in a file of its own, whose name is the rule's id.

    The subclass's module docstring is its page: a first line that says the leak in a few words, then what is
    wrong, what is seen as evidence, what the repair does, and when it stays quiet.
    """

    id: ClassVar[str]
    severity: ClassVar[Severity] = "medium"
    default: ClassVar[bool] = True
    """Whether the rule is on when nothing is configured."""
    version: ClassVar[int] = 1
    """Raised when its findings or repairs change; part of the cache key."""
    precedence: ClassVar[int] = 0
    """Where two rules report the same line and variable, the higher one stays (see repairbot.examine)."""
    languages: ClassVar[tuple[str, ...]] = ("python",)
    in_tests: ClassVar[Confidence] = "high"
    """The highest confidence in test code: "low" where a test's end, or its failure, takes care of the leak."""
    practice: ClassVar[str] = ""
    """One sentence for the report's list of practices to follow."""
    examples: ClassVar[tuple[Example, ...]] = ()

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """Yield one report a leak. Speaks of the model alone: no source text, no syntax trees."""
        raise NotImplementedError

    @classmethod
    def page(cls) -> str:
        """The rule's documentation (Markdown): its module's docstring."""
        return cleandoc(importlib.import_module(cls.__module__).__doc__ or "")

    @classmethod
    def title(cls) -> str:
        """The first line of its page, without the full stop."""
        return cls.page().partition("\n")[0].rstrip(".")


def _subclasses(module_name: str) -> Iterator[type[Rule]]:
    module = importlib.import_module(module_name)
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Rule) and value.__module__ == module_name:
            yield value


def rule_ids() -> tuple[str, ...]:
    """The ids of every installed rule, sorted, without importing one."""
    import repairbot_rules

    ours = (info.name for info in pkgutil.iter_modules(repairbot_rules.__path__) if not info.ispkg)
    found = {name.replace("_", "-") for name in ours if not name.startswith("_")}
    return tuple(sorted(found | {point.name for point in plugins.rule_points()}))


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every installed rule, sorted by id: ours by walking the package, others by entry point."""
    import repairbot_rules

    found: dict[str, Rule] = {}
    for info in pkgutil.iter_modules(repairbot_rules.__path__):
        if not info.ispkg and not info.name.startswith("_"):
            for kind in _subclasses(f"repairbot_rules.{info.name}"):
                kind.id = info.name.replace("_", "-")
                found[kind.id] = kind()
    for point in plugins.rule_points():
        kind = point.load()
        kind.id = point.name
        found[kind.id] = kind()
    return tuple(found[name] for name in sorted(found))


def enabled(settings: Settings) -> tuple[Rule, ...]:
    """The rules that these settings switch on."""
    return tuple(rule for rule in all_rules() if settings.rules.get(rule.id, rule.default))

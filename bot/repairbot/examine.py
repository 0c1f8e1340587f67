"""One file through the whole pipeline: lower, analyse, rules, repairs, checks."""

from __future__ import annotations

from dataclasses import dataclass

from repairbot.languages.base import Language, Project
from repairbot.lifetimes.ops import Resource, Summary
from repairbot.model import FileResult, Settings


@dataclass(frozen=True, slots=True)
class Examined:
    """What is known of a file afterwards; `exports`, `asks` and `resources` serve the pass across files."""

    result: FileResult
    exports: tuple[Summary, ...] = ()
    asks: tuple[str, ...] = ()
    resources: tuple[Resource, ...] = ()
    unknown: int = 0


def examine(
    source: bytes,
    path: str,
    language: Language,
    settings: Settings,
    project: Project | None = None,
    *,
    fixes: bool = True,
) -> Examined:
    """Audit one file; with `fixes` every finding carries its checked repair or the reasons why there is none."""
    raise NotImplementedError

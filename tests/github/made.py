"""Looks at pull requests from a few words: files at base and head, and findings put where a test wants them."""

from __future__ import annotations

import hashlib
from typing import Any

from repairbot import edits
from repairbot.github.model import Look, PullRequest
from repairbot.model import Audit, FileResult, Finding, Fix, Outcome, Safety, Step
from tests.github.page import URL, changed
from tests.reports.factory import CHECKS
from tests.reports.factory import finding as a_finding

HEAD = "0123456789abcdef0123456789abcdef01234567"


def pull(**more: Any) -> PullRequest:
    """A pull request of this repository."""
    values: dict[str, Any] = {
        "repo": "owner/name",
        "number": 7,
        "head": HEAD,
        "base": "b" * 40,
        "head_repo": "owner/name",
        "url": URL,
        "author": "someone",
    }
    return PullRequest(**{**values, **more})


def fix_of(before: bytes, after: bytes, path: str = "a.py", safety: Safety = "safe", **more: Any) -> Fix:
    """The repair that makes one file of another."""
    made, diff = edits.minimal(before, after), edits.unified(before, after, path)
    return Fix(safety, "close it on every path", made, diff, CHECKS, **more)


def leak(line: int = 1, path: str = "a.py", name: str = "", **more: Any) -> Finding:
    """A finding. `name` keeps it apart from others (its fingerprint)."""
    fingerprint = hashlib.sha256(f"{name or line}".encode()).hexdigest()[:20]
    return a_finding(path, line, **{"fingerprint": fingerprint, "witness": (Step(line, "acquired"),), **more})


def look(base: dict[str, bytes], head: dict[str, bytes], *findings: Finding, **more: Any) -> Look:
    """What a plan is made from: these findings in these files."""
    paths = sorted({*base, *head})
    files = tuple(
        changed(path, base.get(path), head.get(path)) for path in paths if base.get(path) != head.get(path)
    )
    results = tuple(
        FileResult(path, "python", Outcome.REPORTED if here else Outcome.CLEAN, findings=here)
        for path in sorted(head)
        if base.get(path) != head[path]
        for here in [tuple(sorted((f for f in findings if f.path == path), key=lambda f: f.line))]
    )
    values: dict[str, Any] = {"sources": head, "audit": Audit("", results, base="main"), **more}
    return Look(values.pop("pull", pull()), files, **values)


def numbered(count: int, first: int = 1) -> bytes:
    """So many lines that differ."""
    return b"".join(b"line %d\n" % number for number in range(first, first + count))

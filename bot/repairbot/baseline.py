"""The baseline: findings that are known and accepted, in a file that later runs subtract."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from repairbot.model import Finding

NAME = ".repairbot-baseline.json"
VERSION = 1


class BaselineError(Exception):
    """The file is no baseline. One clear line for the user."""


def dump(findings: Iterable[Finding]) -> bytes:
    """The file's content: one line a finding, in an order that keeps diffs small."""
    rows = sorted(
        (finding.path, finding.rule, finding.symbol, finding.variable, finding.fingerprint)
        for finding in findings
    )
    names = ("path", "rule", "symbol", "variable", "fingerprint")
    lines = ",\n".join("    " + json.dumps(dict(zip(names, row, strict=True))) for row in rows)
    body = f"[\n{lines}\n  ]" if rows else "[]"
    return f'{{\n  "version": {VERSION},\n  "findings": {body}\n}}\n'.encode()


def load(file: Path) -> Counter[str]:
    """How often each fingerprint stands in the file. Raises BaselineError."""
    try:
        return loads(file.read_bytes(), str(file))
    except OSError as error:
        raise BaselineError(f"{file} cannot be read: {error.strerror}") from error


def loads(content: bytes, name: str) -> Counter[str]:
    """How often each fingerprint stands in the content of a file called `name`. Raises BaselineError."""
    try:
        held = json.loads(content)
        if held["version"] != VERSION:
            raise BaselineError(
                f"{name}: version {held['version']!r} is not {VERSION}; write it anew: repairbot baseline"
            )
        return Counter(str(row["fingerprint"]) for row in held["findings"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BaselineError(f"{name} is no baseline; write it anew: repairbot baseline") from error

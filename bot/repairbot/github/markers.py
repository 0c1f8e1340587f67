"""The hidden line by which our comments are known again, and the commands that people wrote.

A marker is the last line of a body, and counts only where the comment's author is the identity we post with. What
we quote stands in code spans and fences in front of it, so that quoted text can never be one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, cast

from repairbot.github import commands
from repairbot.github.commands import Command
from repairbot.github.model import Comment
from repairbot.model import Finding
from repairbot.reports.markup import Safe, own

VERSION: Final = 1
State = Literal["open", "gone", "dismissed", "clear"]
"""Of a review comment: `gone`, its leak was no longer there; `dismissed`: a person does not want to hear of it.
Of the report: `clear`, it said that nothing is left."""

_MARKER: Final = re.compile(
    r"<!-- repairbot:(finding|report) v(\d{1,3}) (open|gone|dismissed|clear)((?: [0-9a-f]{8,64}){0,30}) -->\Z"
)
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{8,60}\Z")


@dataclass(frozen=True, slots=True)
class Marker:
    """What a marker says. `ids`: of the findings that the comment speaks of."""

    kind: Literal["finding", "report"]
    state: State = "open"
    ids: tuple[str, ...] = ()

    def line(self) -> Safe:
        """The marker as the last line of a body."""
        ids = "".join(f" {name}" for name in self.ids)
        return own(f"<!-- repairbot:{self.kind} v{VERSION} {self.state}{ids} -->")


def identify(finding: Finding) -> str:
    """What a finding is known by in a marker, hexadecimal: its fingerprint (rule, symbol, normalised code), and
    behind it four digits of its variable, which keep two leaks of one statement apart."""
    variable = _digest(finding.variable)[:4] if finding.variable else ""
    if _FINGERPRINT.match(finding.fingerprint):
        return finding.fingerprint + variable
    known = finding.fingerprint or "\0".join((finding.rule, finding.symbol, finding.message))
    return _digest(known)[:20] + variable


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read(comment: Comment) -> Marker | None:
    """The marker of a comment of ours; None where it is not ours, or holds none of a version we know."""
    if not comment.ours:
        return None
    found = _MARKER.match(comment.body.rstrip().rpartition("\n")[2])
    if found is None or int(found[2]) != VERSION:
        return None
    kind, state = cast('Literal["finding", "report"]', found[1]), cast(State, found[3])
    return Marker(kind, state, tuple(found[4].split()))


def reports(comments: Iterable[Comment]) -> tuple[Comment, ...]:
    """Our reports among the comments of a page: one, or several where an answer of GitHub's was lost."""
    return tuple(each for each in comments if (marker := read(each)) and marker.kind == "report")


def dismissals(comment: Comment) -> tuple[str, ...] | None:
    """The ids (at least their first eight digits) that a comment dismisses, none for "the one it answers".

    None where it is no such command, or its author may not write to the repository.
    """
    if not comment.trusted or comment.ours:
        return None
    for asked in commands.parse(comment.body):
        if isinstance(asked, Command) and asked.verb == "dismiss":
            return asked.named
    return None

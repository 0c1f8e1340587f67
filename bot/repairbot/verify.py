"""The ladder that a candidate repair climbs before anybody sees it; every rung travels with the fix.

parses, comments kept, names bound    by the language's printer
bytes kept                            what no edit names is the same
finding gone, nothing new             the repaired file is lowered and analysed again, by every rule
released once                         no double release and no use after release that was not there before
idempotent                            a second run finds nothing to do where the first one wrote
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import field

from repairbot.edits import BadEditsError, apply, ordered
from repairbot.languages.base import Printer
from repairbot.lazily import dataclass
from repairbot.lifetimes.intents import Refusal
from repairbot.model import Check, Edit
from repairbot.rule import Report

Key = tuple[str, str, str]
"""What a finding is known by across versions of a file: rule, symbol, variable."""


@dataclass(frozen=True, slots=True)
class Reported:
    """What one analysis of a file says: each rule's reports, and the misuses by kind, function and place.

    `wrong`: why the file could not be analysed, or "".
    """

    reports: tuple[tuple[str, Report], ...] = ()
    misuses: Counter[Key] = field(default_factory=Counter)
    wrong: str = ""

    def within(self, symbols: frozenset[str]) -> Reported:
        """What is said of these functions alone, and not of the members of containers."""
        reports = tuple(
            pair for pair in self.reports if pair[1].symbol in symbols and "." not in pair[1].variable
        )
        misuses = Counter({key: count for key, count in self.misuses.items() if key[1] in symbols})
        return Reported(reports, misuses, self.wrong)

    def keys(self) -> Counter[Key]:
        """How many findings there are of each key."""
        return Counter(key(rule, report) for rule, report in self.reports)


Analyse = Callable[[bytes], Reported]
"""Lower and analyse a version of the file, run the rules."""


@dataclass(frozen=True, slots=True)
class Climb:
    """How far a candidate came. `fell`: why it may not be used, "" when it holds."""

    checks: tuple[Check, ...]
    after: bytes = b""
    fell: str = ""


def key(rule: str, report: Report) -> Key:
    """The key of a report."""
    return rule, report.symbol, report.variable


def climb(
    before: bytes,
    edits: tuple[Edit, ...],
    rule: str,
    report: Report,
    base: Reported,
    analyse: Analyse,
    printer: Printer,
) -> Climb:
    """Climb until the first rung that does not hold. `base` is what is said of `before`."""
    checks: list[Check] = []
    try:
        edits = ordered(edits, len(before))
    except BadEditsError as error:
        return Climb((Check("bytes kept", "failed", str(error)),), fell=str(error))
    after = apply(before, edits)
    if after == before:
        return Climb((), fell="the repair changes nothing")
    checks += printer.inspect(before, after, edits)
    if (fallen := _fallen(checks)) is not None:
        return Climb(tuple(checks), after, f"{fallen.name}: {fallen.detail}")
    checks.append(_kept(before, after, edits))
    again = analyse(after)
    for check in (
        _gone(rule, report, base, again),
        _nothing_new(base, again),
        _once(base, again),
        _idempotent(rule, report, edits, after, base, again, printer),
    ):
        checks.append(check)
        if check.result == "failed":
            return Climb(tuple(checks), after, f"{check.name}: {check.detail}")
    return Climb(tuple(checks), after)


def _fallen(checks: list[Check]) -> Check | None:
    return next((check for check in checks if check.result == "failed"), None)


def _kept(before: bytes, after: bytes, edits: tuple[Edit, ...]) -> Check:
    """Between the edits both versions are the same bytes."""
    was = now = 0
    for edit in edits:
        length = edit.start - was
        if before[was : edit.start] != after[now : now + length]:
            return Check("bytes kept", "failed", f"byte {was} and behind it differ")
        now += length + len(edit.text.encode())
        was = edit.end
    if before[was:] != after[now:]:
        return Check("bytes kept", "failed", f"byte {was} and behind it differ")
    return Check("bytes kept", "passed")


def _gone(rule: str, report: Report, base: Reported, again: Reported) -> Check:
    if again.wrong:
        return Check("finding gone", "failed", again.wrong)
    mine = key(rule, report)
    if again.keys()[mine] >= base.keys()[mine]:
        return Check(
            "finding gone", "failed", f"{report.variable or report.symbol} is still reported afterwards"
        )
    return Check("finding gone", "passed")


def _nothing_new(base: Reported, again: Reported) -> Check:
    new = again.keys() - base.keys()
    for rule, report in again.reports:
        if new[key(rule, report)]:
            return Check("nothing new", "failed", f"{rule} is reported in line {report.at.line} afterwards")
    return Check("nothing new", "passed")


def _once(base: Reported, again: Reported) -> Check:
    unnamed = Counter(key[:2] for key in (base.misuses - again.misuses).elements() if key[2].startswith("%"))
    for kind, function, place in (again.misuses - base.misuses).elements():
        if unnamed[kind, function] > 0:
            unnamed[kind, function] -= 1  # what was said of a nameless value is said of its name now
            continue
        words = "released twice" if kind == "double-release" else "used after its release"
        return Check("released once", "failed", f"{place} is {words} in {function} afterwards")
    return Check("released once", "passed")


def _idempotent(
    rule: str,
    report: Report,
    edits: tuple[Edit, ...],
    after: bytes,
    base: Reported,
    again: Reported,
    printer: Printer,
) -> Check:
    """No repair of a finding of this rule touches what this one wrote; what was found before waits for its own."""
    mine, known = key(rule, report), base.keys()
    written, shift = [], 0
    for edit in edits:
        size = len(edit.text.encode())
        written.append((edit.start + shift, edit.start + shift + size))
        shift += size - (edit.end - edit.start)
    for other, found in again.reports:
        if other != rule or (key(other, found) != mine and known[key(other, found)]):
            continue
        for intent in found.intents:
            if not any(start < intent.at.end and intent.at.start < end for start, end in written):
                continue
            if not isinstance(printer.write(after, intent), Refusal):
                return Check("idempotent", "failed", f"line {found.at.line} would be repaired again")
    return Check("idempotent", "passed")
